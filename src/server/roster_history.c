/* The last changes in a ring, each with the digests of its contact before and after. */
#include "server/roster_history.h"

#include "server/limits.h"
#include "server/roster.h"

#include <openssl/evp.h>
#include <stdlib.h>

struct change {
	struct roster_version at; /* of the roster, before it */
	struct roster_version before, after;
	struct slice bare; /* own memory */
};

struct roster_history {
	struct roster_version now;
	struct change *ring; /* NULL before the first change */
	size_t first, count;
};

static struct roster_version
plus(struct roster_version x, struct roster_version y)
{
	return (struct roster_version){ x.a + y.a, x.b + y.b };
}

static struct roster_version
minus(struct roster_version x, struct roster_version y)
{
	return (struct roster_version){ x.a - y.a, x.b - y.b };
}

static bool
is_same(struct roster_version x, struct roster_version y)
{
	return x.a == y.a && x.b == y.b;
}

/* Of the contact as it goes over the wire. */
static struct roster_version
digest_of(const struct roster_item *item)
{
	struct roster_version version = { 0 };
	unsigned char digest[EVP_MAX_MD_SIZE];
	struct buffer xml;

	if (item == NULL)
		return version;
	buffer_init(&xml, LIMIT_STORED_STANZA);
	codec_encode(&xml, &roster_item_payload, item);
	if (EVP_Digest(xml.data, xml.len, digest, NULL, EVP_sha256(), NULL) != 1)
		abort();
	buffer_finish(&xml);
	memcpy(&version, digest, sizeof(version));
	return version;
}

struct roster_history *
roster_history_begin(struct roster *roster)
{
	struct roster_history *history = roster->history;
	struct map_node *node;
	size_t at = 0;

	if (history != NULL)
		return history;
	history = xcalloc(1, sizeof(*history));
	while ((node = map_next(&roster->contacts, &at)) != NULL)
		history->now = plus(
			history->now, digest_of(&container_of(node, struct contact, node)->item));
	roster->history = history;
	return history;
}

static struct change *
change_at(const struct roster_history *history, size_t number)
{
	return &history->ring[(history->first + number) % ROSTER_CHANGES_MOST];
}

static void
forget_first(struct roster_history *history)
{
	free((void *)(uintptr_t)history->ring[history->first].bare.p);
	history->first = (history->first + 1) % ROSTER_CHANGES_MOST;
	history->count--;
}

void
roster_history_destroy(struct roster_history **history)
{
	struct roster_history *gone = *history;

	*history = NULL;
	if (gone == NULL)
		return;
	while (gone->count > 0)
		forget_first(gone);
	free(gone->ring);
	free(gone);
}

void
roster_history_note(struct roster_history *history, const struct roster_item *before,
	const struct roster_item *after)
{
	struct slice bare = before == NULL ? after->jid.full : before->jid.full;
	struct change change;

	if (history == NULL)
		return;
	change.at = history->now;
	change.before = digest_of(before);
	change.after = digest_of(after);
	if (is_same(change.before, change.after))
		return;
	change.bare = slice_make(xstrndup(bare.p, bare.len), bare.len);
	if (history->ring == NULL)
		history->ring = xcalloc(ROSTER_CHANGES_MOST, sizeof(*history->ring));
	if (history->count == ROSTER_CHANGES_MOST)
		forget_first(history);
	*change_at(history, history->count++) = change;
	history->now = plus(history->now, minus(change.after, change.before));
}

struct roster_version
roster_history_now(const struct roster_history *history)
{
	return history->now;
}

void
roster_version_write(struct roster_version version, char out[ROSTER_VERSION_CHARS + 1])
{
	(void)snprintf(out, ROSTER_VERSION_CHARS + 1, "%016llx%016llx",
		(unsigned long long)version.a, (unsigned long long)version.b);
}

static bool
is_version(struct roster_version version, struct slice text)
{
	char own[ROSTER_VERSION_CHARS + 1];

	roster_version_write(version, own);
	return slice_is_text(text, own);
}

/* The first change that who has that version does not know; count: it knows all; -1: not known. */
static int
find_version(const struct roster_history *history, struct slice version)
{
	size_t at = history->count;

	if (is_version(history->now, version))
		return (int)at;
	while (at-- > 0) {
		if (is_version(change_at(history, at)->at, version))
			return (int)at;
	}
	return -1;
}

/* Whether the change is the last one of its contact; if so, how that was before all of them. */
static bool
is_last(const struct roster_history *history, size_t from, size_t number,
	struct roster_version *before_out)
{
	const struct change *change = change_at(history, number);

	for (size_t i = number + 1; i < history->count; i++) {
		if (slice_is(change_at(history, i)->bare, change->bare))
			return false;
	}
	while (!slice_is(change_at(history, from)->bare, change->bare))
		from++;
	*before_out = change_at(history, from)->before;
	return true;
}

/*
 * 2.6.3: only the final result for each contact. The client is then in a state in which the roster
 * may never have been; being a digest, the version of that state is known all the same, and right
 * for who loses its connection in between.
 */
int
roster_history_since(const struct roster_history *history, struct slice version,
	struct roster_step steps[ROSTER_CHANGES_MOST])
{
	int from = find_version(history, version);
	struct roster_version at, before;
	int count = 0;

	if (from < 0 || (size_t)from == history->count)
		return from < 0 ? -1 : 0;
	at = change_at(history, (size_t)from)->at;
	for (size_t i = (size_t)from; i < history->count; i++) {
		const struct change *change = change_at(history, i);

		if (!is_last(history, (size_t)from, i, &before) || is_same(before, change->after))
			continue;
		at = plus(at, minus(change->after, before));
		steps[count++] = (struct roster_step){ change->bare, at };
	}
	return count;
}
