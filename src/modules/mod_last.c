/*
 * XEP-0012: Last Activity. A host tells how long it has been up, an account when it was left and
 * with which words, to those who may see its presence. A probe that finds nobody learns the same
 * (RFC 6121, 4.3.2).
 *
 * What is kept is one short text, written when the account leaves memory: nothing is stored while
 * people come and go. A crash forgets the visits of those who were in memory then.
 */
#include "base/clock.h"
#include "server/module.h"

#define NS_LAST "jabber:iq:last"

enum { STATUS_BYTES = 1024 }; /* of the last words; longer ones are not kept */
enum { STORE_LEFT };

struct activity {
	struct slice seconds, status;
};

static const struct field fields[] = {
	ATTR_TEXT(struct activity, seconds, "seconds"),
	OWN_TEXT(struct activity, status),
	FIELDS_END(struct activity),
};
static const struct payload payload = { "query", NS_LAST, fields };

struct delay {
	struct slice from, stamp;
};

static const struct field delay_fields[] = {
	ATTR_TEXT(struct delay, from, "from"),
	ATTR_TEXT(struct delay, stamp, "stamp"),
	FIELDS_END(struct delay),
};
static const struct payload delay_payload = { "delay", "urn:xmpp:delay", delay_fields };

struct status {
	struct slice text;
};

static const struct field status_fields[] = {
	OWN_TEXT(struct status, text),
	FIELDS_END(struct status),
};
static const struct payload status_payload = { "status", "jabber:client", status_fields };

struct last_account {
	struct arena words; /* where status is */
	struct slice status;
	int64_t left_ms; /* when it was last left; 0: it never was */
	bool is_newer;   /* than what is stored */
};

struct last_session {
	bool said_goodbye; /* unavailable presence came after the last available one */
};

enum { METRIC_TOLD };

extern const struct module mod_last;

static struct last_account *
state_of(struct account *acct)
{
	return account_state(acct, &mod_last);
}

static void
keep_status(struct last_account *last, struct slice status)
{
	arena_reset(&last->words);
	last->status = NO_SLICE;
	if (status.len > 0 && status.len <= STATUS_BYTES)
		last->status = arena_copy(&last->words, status);
}

/* What is kept: the moment, and behind it the words. */
static void
got_left(struct account *acct, const struct store_result *result)
{
	struct last_account *last = state_of(acct);
	struct slice text = result->count == 0 ? NO_SLICE : result->rows[0].value;

	if (text.len < STAMP_CHARS ||
		stamp_parse(slice_make(text.p, STAMP_CHARS), &last->left_ms) < 0)
		return;
	keep_status(last, slice_from(text, STAMP_CHARS));
}

static void
read_left(struct account *acct)
{
	account_read(acct, &mod_last, STORE_LEFT, got_left);
}

static void
forget(struct account *acct)
{
	arena_finish(&state_of(acct)->words);
}

/* The words of unavailable presence are those of a goodbye if it stays the last presence. */
static void
hear_goodbye(struct stanza *st, struct session *from)
{
	struct last_session *state = session_state(from, &mod_last);
	struct last_account *last = state_of(session_account(from));
	struct arena arena;

	if (st->kind != STANZA_PRESENCE || st->to.full.p != NULL)
		return;
	state->said_goodbye = st->type == TYPE_UNAVAILABLE;
	if (!state->said_goodbye)
		return;
	arena_init(&arena, 0);
	keep_status(last, stanza_status(st, &arena));
	arena_finish(&arena);
	last->left_ms = account_wall_ms(session_account(from));
}

static void
save_left(struct account *acct)
{
	struct last_account *last = state_of(acct);
	struct store_txn *txn;
	char stamp[STAMP_CHARS + 1];
	struct buffer text;

	if (!last->is_newer)
		return;
	last->is_newer = false;
	txn = txn_begin(acct);
	stamp_write(last->left_ms, stamp);
	buffer_init(&text, STAMP_CHARS + STATUS_BYTES);
	(void)buffer_text(&text, stamp);
	(void)buffer_append(&text, last->status);
	store_txn_value_set(txn, account_table(acct, &mod_last, STORE_LEFT), buffer_slice(&text));
	buffer_finish(&text);
	account_commit(acct, txn, NULL, NULL);
}

static void
note_end(struct session *s)
{
	const struct last_session *state = session_state(s, &mod_last);
	struct account *acct = session_account(s);
	bool is_last = account_sessions(acct) == s && session_next(s) == NULL;

	if (!is_last || !account_exists(acct))
		return;
	if (!state->said_goodbye)
		keep_status(state_of(acct), NO_SLICE);
	state_of(acct)->left_ms = account_wall_ms(acct);
	state_of(acct)->is_newer = true;
}

static void
tell_seconds(struct iq *iq, uint64_t ms, struct slice status)
{
	metric_add_iq(iq, &mod_last, METRIC_TOLD);
	struct activity answer = {
		.seconds = arena_printf(iq->arena, "%llu", (unsigned long long)(ms / 1000)),
		.status = status,
	};

	iq_result(iq, &payload, &answer);
}

/* 5: a host tells how long it has been up. */
static void
tell_uptime(struct iq *iq)
{
	tell_seconds(iq, iq_uptime_ms(iq), NO_SLICE);
}

/* 3 */
static void
tell_left(struct iq *iq)
{
	const struct last_account *last = state_of(iq->account);
	int64_t now = account_wall_ms(iq->account);

	if (!account_is_seen_by(iq->account, &iq->st.from))
		iq_error(iq, FORBIDDEN, "Only who may see this user's presence may know");
	else if (account_sessions(iq->account) != NULL)
		tell_seconds(iq, 0, NO_SLICE);
	else if (last->left_ms == 0)
		iq_error(iq, ITEM_NOT_FOUND, "This user has never been here");
	else
		tell_seconds(iq, now < last->left_ms ? 0 : (uint64_t)(now - last->left_ms),
			last->status);
}

/* 4: who may not see the presence may not ask a resource either. */
static struct verdict
screen_request(struct stanza *st, struct account *to)
{
	if (!stanza_carries(st, payload.name, payload.ns) || account_is_seen_by(to, &st->from))
		return pass();
	return bounce(FORBIDDEN, NULL);
}

/* RFC 6121 4.3.2: what the last unavailable presence said, and when it came. */
static void
tell_absence(struct buffer *content, struct account *acct)
{
	const struct last_account *last = state_of(acct);
	struct status status = { last->status };
	char stamp[STAMP_CHARS + 1];
	struct delay delay = { .from = account_jid(acct)->full };

	if (last->left_ms == 0)
		return;
	if (status.text.p != NULL)
		codec_encode(content, &status_payload, &status);
	stamp_write(last->left_ms, stamp);
	delay.stamp = slice_of(stamp);
	codec_encode(content, &delay_payload, &delay);
}

/* XEP-0227 has no element for it. */
struct left {
	struct slice stamp, status;
};

static const struct field left_fields[] = {
	ATTR_TEXT(struct left, stamp, "stamp"),
	OWN_TEXT(struct left, status),
	FIELDS_END(struct left),
};
static const struct payload left_payload = { "left", NS_KITH_ACCOUNT, left_fields };

static void
write_left(struct transfer *transfer, const struct store_result *stores)
{
	struct slice text = stores[STORE_LEFT].count == 0 ? NO_SLICE
							  : stores[STORE_LEFT].rows[0].value;
	struct left left;

	if (text.len < STAMP_CHARS)
		return;
	left.stamp = slice_make(text.p, STAMP_CHARS);
	left.status = slice_from(text, STAMP_CHARS);
	transfer_put(transfer, &left_payload, &left);
}

static void
read_kept(struct transfer *transfer, const void *data)
{
	const struct left *left = data;
	int64_t when;

	if (left->stamp.len != STAMP_CHARS || stamp_parse(left->stamp, &when) < 0)
		transfer_mistake(transfer, 0, "its stamp is none");
	else if (left->status.len > STATUS_BYTES)
		transfer_mistake(transfer, 0, "its words are too long");
	else
		store_txn_value_set(transfer_txn(transfer),
			transfer_table(transfer, &mod_last, STORE_LEFT),
			arena_printf(transfer_arena(transfer), "%.*s%.*s", SLICE_ARG(left->stamp),
				SLICE_ARG(left->status)));
}

static const struct transfer_entry transfers[] = {
	{ &left_payload, write_left, read_kept },
	{ 0 },
};

static const struct xep xeps[] = {
	{ 12, "2.0", XEP_COMPLETE },
	{ 0 },
};

static const struct store_entry stores[] = {
	[STORE_LEFT] = { "left", STORE_VALUE, .version = 1 },
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_TOLD] = { "last_told_total",
		"Times that the last activity, or the uptime, was told." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_GET, TO_HOST, &payload, tell_uptime },
	{ IQ_GET, TO_ACCOUNT, &payload, tell_left },
	{ 0 },
};

const struct module mod_last = {
	.name = "last",
	.about = "Tells when a user was last here, and how long the server has been up.",
	.xeps = xeps,
	.features = (const char *const[]){ NS_LAST, NULL },
	.account_features = (const char *const[]){ NS_LAST, NULL },
	.account_size = sizeof(struct last_account),
	.session_size = sizeof(struct last_session),
	.stores = stores,
	.transfers = transfers,
	.metrics = metrics,
	.routes = routes,
	.on.in_request = screen_request,
	.on.out_routed = hear_goodbye,
	.on.absence = tell_absence,
	.on.account_loading = read_left,
	.on.account_gone = forget,
	.on.session_gone = note_end,
	.on.account_leaving = save_left,
};
