/*
 * XEP-0352: Client State Indication. What an inactive client can do without waits on a shelf of its
 * session: presence, and messages that are nothing but a chat state (XEP-0085). Of each sender the
 * last one stays. Everything else matters, and since it wakes the client anyway, what waits goes
 * before it, in order. So the client never sees a later thing before an earlier one, and what it
 * misses are states that were over.
 *
 * What waits is not written yet, so nothing counts it (XEP-0198) until it is. It is gone with the
 * session, which nobody misses. A client that comes back to its session is active again (5.2).
 */
#include "base/list.h"
#include "proto/delay.h"
#include "server/module.h"

#include <stdlib.h>

#define NS_CSI "urn:xmpp:csi:0"

struct client_state_config {
	uint64_t held_size;
};

/* A stanza that waits; its texts follow. */
struct held {
	struct list link;
	struct stanza st;
	struct slice from, to; /* whose state it tells, and to whom */
	size_t size;
};

struct shelf {
	struct list held; // held.link
	size_t size;
	bool is_open; /* what comes now is what was held */
};

struct client_state {
	struct shelf *shelf; /* NULL: the client is active */
};

enum { METRIC_HELD, METRIC_COLLAPSED };

extern const struct module mod_client_state;

static struct client_state *
state_of(struct session *s)
{
	return session_state(s, &mod_client_state);
}

/* ---- What can wait ---- */

/* What clients and servers add to a chat state without meaning more by it. */
static bool
is_beside_the_point(const struct xml_token *child)
{
	return child->ns == NS_ID_HINTS || child->ns == NS_ID_SID || child->ns == NS_ID_CARBONS ||
	       child->ns == NS_ID_OCCUPANT_ID ||
	       (child->ns == NS_ID_CLIENT && slice_is_text(child->local, "thread"));
}

static bool
is_chat_state(const struct stanza *st)
{
	const struct xml_token *child = stanza_payload(st);

	if (st->type == TYPE_ERROR || stanza_child_of(st, NS_ID_CHAT_STATES) == NULL)
		return false;
	while (child != NULL && (child->ns == NS_ID_CHAT_STATES || is_beside_the_point(child)))
		child = xml_next_sibling(child);
	return child == NULL;
}

/* What a copy for another device is about, or the stanza itself. */
static const struct stanza *
matter_of(const struct stanza *st)
{
	return st->copied == NULL ? st : st->copied;
}

static bool
can_wait(const struct stanza *st)
{
	if (st->kind == STANZA_PRESENCE)
		return st->type == TYPE_AVAILABLE || st->type == TYPE_UNAVAILABLE;
	return st->kind == STANZA_MESSAGE && is_chat_state(st);
}

/* ---- The shelf ---- */

static struct slice
pack(char **at, struct slice text)
{
	struct slice copy = { text.p == NULL ? NULL : *at, text.len };

	if (text.len > 0)
		memcpy(*at, text.p, text.len);
	*at += text.len;
	return copy;
}

/* The content as it is delivered later; a stamp that is there tells more than ours (XEP-0203). */
static void
write_delayed(struct buffer *out, const struct stanza *st, struct account *acct)
{
	(void)buffer_append(out, st->content);
	if (st->root == NULL || xml_child(st->root, NS_ID_DELAY, NAME_DELAY) == NULL)
		delay_write(out, host_domain(account_host(acct)), account_wall_ms(acct));
}

static struct held *
held_create(const struct stanza *st, struct slice content)
{
	const struct stanza *what = matter_of(st);
	size_t size = sizeof(struct held) + st->id.len + st->lang.len + st->from.full.len +
		      st->to.full.len + content.len + what->from.full.len + what->to.full.len;
	struct held *held = xmalloc(size);
	char *at = (char *)(held + 1);

	*held = (struct held){ .st = *st, .size = size };
	held->st.root = NULL;
	held->st.copied = NULL;
	held->st.receipt = NULL;
	held->st.id = pack(&at, st->id);
	held->st.lang = pack(&at, st->lang);
	held->st.from.full = pack(&at, st->from.full);
	held->st.to.full = pack(&at, st->to.full);
	held->st.content = pack(&at, content);
	held->from = pack(&at, what->from.full);
	held->to = pack(&at, what->to.full);
	return held;
}

/* Whether the newer one tells all that the older one told. */
static bool
is_overtaken(const struct held *old, const struct held *new)
{
	return old->st.kind == new->st.kind &&slice_is(old->from, new->from) &&
	       (old->st.kind == STANZA_PRESENCE || slice_is(old->to, new->to));
}

static void
take_off(struct shelf *shelf, struct held *held)
{
	list_remove(&held->link);
	shelf->size -= held->size;
	free(held);
}

static void
remove_overtaken(struct session *s, const struct held *new)
{
	struct shelf *shelf = state_of(s)->shelf;
	struct held *old;

	LIST_EACH (old, &shelf->held, struct held, link) {
		if (!is_overtaken(old, new))
			continue;
		take_off(shelf, old);
		metric_add(session_account(s), &mod_client_state, METRIC_COLLAPSED);
		return;
	}
}

static void
put(struct session *s, const struct stanza *st)
{
	struct shelf *shelf = state_of(s)->shelf;
	struct account *acct = session_account(s);
	struct held *held;
	struct buffer content;

	buffer_init(&content, size_add(st->content.len, DELAY_XML + LIMIT_DOMAIN));
	write_delayed(&content, st, acct);
	held = held_create(st, buffer_slice(&content));
	buffer_finish(&content);
	remove_overtaken(s, held);
	list_append(&shelf->held, &held->link);
	shelf->size += held->size;
	metric_add(acct, &mod_client_state, METRIC_HELD);
}

static void
deliver_held(struct session *s)
{
	struct shelf *shelf = state_of(s)->shelf;

	shelf->is_open = true;
	while (!list_is_empty(&shelf->held)) {
		struct held *held = container_of(shelf->held.next, struct held, link);

		(void)session_deliver(s, &held->st);
		take_off(shelf, held);
	}
	shelf->is_open = false;
}

static size_t
most_held(struct session *s)
{
	const struct client_state_config *conf = module_config(
		account_host(session_account(s)), &mod_client_state);

	return conf->held_size;
}

static struct verdict
hold_back(struct stanza *st, struct session *to)
{
	struct shelf *shelf = state_of(to)->shelf;

	if (shelf == NULL || shelf->is_open)
		return pass();
	if (!can_wait(matter_of(st))) {
		deliver_held(to);
		return pass();
	}
	put(to, st);
	if (shelf->size > most_held(to))
		deliver_held(to);
	return hold();
}

/* ---- What the client says ---- */

static void
become_inactive(struct session *s)
{
	struct client_state *state = state_of(s);

	if (state->shelf != NULL)
		return;
	state->shelf = xcalloc(1, sizeof(*state->shelf));
	list_init(&state->shelf->held);
	session_set_inactive(s, true);
}

static void
become_active(struct session *s)
{
	struct client_state *state = state_of(s);

	if (state->shelf == NULL)
		return;
	deliver_held(s);
	free(state->shelf);
	state->shelf = NULL;
	session_set_inactive(s, false);
}

static void
forget(struct session *s)
{
	struct client_state *state = state_of(s);
	struct held *held;

	if (state->shelf == NULL)
		return;
	LIST_EACH (held, &state->shelf->held, struct held, link)
		take_off(state->shelf, held);
	free(state->shelf);
	state->shelf = NULL;
}

/* False: it says nothing that there is. */
static bool
obey(struct session *s, struct slice name)
{
	if (slice_is_text(name, "inactive"))
		become_inactive(s);
	else if (slice_is_text(name, "active"))
		become_active(s);
	else
		return false;
	return true;
}

static void
hear(bool *is_known, struct session *s, const struct xml_token *element)
{
	if (element->ns == NS_ID_CSI && obey(s, element->local))
		*is_known = true;
}

/* XEP-0386, 3.2 */
static void
begin_inline(struct buffer *answer, struct session *s, const struct inline_wish *wish)
{
	(void)answer;
	if (wish->ns == NS_ID_CSI)
		(void)obey(s, wish->name);
}

static void
offer_inline(struct buffer *features, const struct host *host)
{
	(void)host;
	(void)buffer_text(features, "<feature var='" NS_CSI "'/>");
}

static void
offer(struct buffer *features, const struct host *host)
{
	(void)host;
	(void)buffer_text(features, "<csi xmlns='" NS_CSI "'/>");
}

static const struct xep xeps[] = {
	{ 352, "1.0.0", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_SIZE(struct client_state_config, held_size, "held_size", 32 * 1024, 0, 1024 * 1024,
		"How many bytes of presence and chat states wait for a client that is inactive; 0: "
		"none."),
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_HELD] = { "client_state_held_total",
		"Stanzas that were held back from inactive clients." },
	[METRIC_COLLAPSED] = { "client_state_collapsed_total",
		"Held stanzas that a later one made needless." },
	{ 0 },
};

const struct module mod_client_state = {
	.name = "client_state",
	.about = "Holds back what an inactive client can do without.",
	.xeps = xeps,
	.options = options,
	.config_size = sizeof(struct client_state_config),
	.session_size = sizeof(struct client_state),
	.metrics = metrics,
	.on.egress = hold_back,
	.on.session_returned = become_active,
	.on.session_gone = forget,
	.on.nonza = hear,
	.on.bind_features = offer,
	.on.inline_features = offer_inline,
	.on.inline_wish = begin_inline,
};
