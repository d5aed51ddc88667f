/* Freezing and thawing stanzas. */
#include "server/letter.h"

#include "server/receipt.h"
#include "server/route_internal.h"
#include "server/server_internal.h"

#include <assert.h>
#include <stdlib.h>

static size_t
recipients_size(const struct jid *recipients, size_t count)
{
	size_t size = size_mul(count, sizeof(struct jid));

	for (size_t i = 0; i < count; i++)
		size = size_add(size, recipients[i].full.len);
	return size;
}

static void
copy_recipients(struct letter *letter, char *texts, const struct jid *recipients, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		letter->recipients[i] = recipients[i];
		memcpy(texts, recipients[i].full.p, recipients[i].full.len);
		letter->recipients[i].full.p = texts;
		texts += recipients[i].full.len;
	}
	letter->recipient_count = count;
}

/* With so much room behind it, then its recipients, then text_size bytes for *texts_out. */
static struct letter *
create(const struct stanza *st, size_t room, const struct jid *recipients, size_t count,
	size_t text_size, char **texts_out)
{
	size_t size = size_add(sizeof(struct letter) + room, recipients_size(recipients, count));
	struct letter *letter = xcalloc(1, size_add(size, text_size));
	struct jid *copies = (struct jid *)(void *)((char *)(letter + 1) + room);

	letter->size = size + text_size;
	*texts_out = (char *)letter + size;
	if (count > 0) {
		letter->recipients = copies;
		copy_recipients(letter, (char *)(copies + count), recipients, count);
	}
	letter->receipt = receipt_hold(st->receipt);
	letter->returned_ms = st->returned_ms;
	letter->is_again = st->is_again;
	return letter;
}

static struct slice
pack(char **at, struct slice text)
{
	struct slice copy = { text.p == NULL ? NULL : *at, text.len };

	if (text.len > 0)
		memcpy(*at, text.p, text.len);
	*at += text.len;
	return copy;
}

/* Of a stanza without content: its start tag as values, to be neither written nor read. */
static struct letter *
create_empty(const struct stanza *st, const struct jid *recipients, size_t count)
{
	size_t size = st->id.len + st->lang.len + st->from.full.len + st->to.full.len;
	char *at;
	struct letter *letter = create(st, sizeof(struct stanza), recipients, count, size, &at);
	struct stanza *copy = (struct stanza *)(letter + 1);

	copy->kind = st->kind;
	copy->type = st->type;
	copy->insists = st->insists;
	copy->id = pack(&at, st->id);
	copy->lang = pack(&at, st->lang);
	copy->from = st->from;
	copy->from.full = pack(&at, st->from.full);
	copy->to = st->to;
	copy->to.full = pack(&at, st->to.full);
	letter->empty = copy;
	return letter;
}

struct letter *
letter_write(const struct stanza *st, const struct jid *recipients, size_t count)
{
	struct buffer xml;
	struct letter *letter;
	char *at;

	buffer_init(&xml, LIMIT_FROZEN_STANZA);
	stanza_write(&xml, st);
	letter = create(st, 0, recipients, count, xml.len, &at);
	letter->bytes = pack(&at, buffer_slice(&xml));
	buffer_finish(&xml);
	return letter;
}

struct letter *
letter_create(const struct stanza *st, const struct jid *recipients, size_t count)
{
	return st->content.len == 0 ? create_empty(st, recipients, count)
				    : letter_write(st, recipients, count);
}

void
letter_destroy(struct letter **letter)
{
	if (*letter != NULL)
		receipt_drop(&(*letter)->receipt);
	free(*letter);
	*letter = NULL;
}

static void
arrive(struct task *task)
{
	struct letter *letter = container_of(task, struct letter, task);

	(void)atomic_fetch_sub_explicit(
		&letter->to->mail_bytes, letter->size, memory_order_relaxed);
	route_open(letter->to, letter);
}

static void
remember_most(struct shard *to, size_t bytes)
{
	size_t most = atomic_load_explicit(&to->mail_most, memory_order_relaxed);

	while (bytes > most && !atomic_compare_exchange_weak_explicit(&to->mail_most, &most, bytes,
				       memory_order_relaxed, memory_order_relaxed))
		continue;
}

void
letter_send(struct letter *letter, struct shard *from, struct shard *to)
{
	size_t before = atomic_fetch_add_explicit(
		&to->mail_bytes, letter->size, memory_order_relaxed);

	remember_most(to, before + letter->size);
	if (before > LIMIT_MAIL)
		from->mail_is_full = true;
	letter->to = to;
	letter->task.run = arrive;
	loop_post(to->loop, &letter->task);
}

bool
letter_open(const struct letter *letter, struct shard *shard, struct stanza *st_out)
{
	if (letter->empty != NULL)
		*st_out = *letter->empty;
	else if (stanza_thaw(shard->server->names, letter->bytes, &shard->tokens, &shard->scratch,
			 st_out) < 0)
		return false;
	st_out->receipt = letter->receipt;
	st_out->returned_ms = letter->returned_ms;
	st_out->is_again = letter->is_again;
	return true;
}
