/*
 * XEP-0160: Best Practices for Handling Offline Messages. A message that no session took is kept
 * in a log of its account, in order, and delivered with a delay stamp (XEP-0203) to the first
 * session that becomes available with a priority that is not negative.
 *
 * The row is on its way to the disk before anything else of the account is read, and a read
 * queued after it sees it, so nothing is lost between the two. A row is deleted after it was
 * delivered: a crash in between delivers it again rather than never.
 */
#include "proto/delay.h"
#include "server/module.h"
#include "server/stanza_log.h"

enum { PAGE = 20 };

struct offline_config {
	uint32_t max_messages;
};

struct offline_account {
	uint32_t count;  /* messages in the log, those on their way included */
	bool is_reading; /* a page is being handed out; another would begin at the same place */
};

enum { STORE_MESSAGES };
enum { METRIC_KEPT, METRIC_DELIVERED, METRIC_REFUSED };

extern const struct module mod_offline;

static struct offline_account *
state_of(struct account *acct)
{
	return account_state(acct, &mod_offline);
}

static void
got_count(struct account *acct, uint64_t count)
{
	state_of(acct)->count = (uint32_t)count;
}

static void
count_messages(struct account *acct)
{
	account_read_count(acct, &mod_offline, STORE_MESSAGES, got_count);
}

/* XEP-0160 3: which messages are kept. */
static bool
is_worth_keeping(const struct stanza *st)
{
	if (st->kind != STANZA_MESSAGE)
		return false;
	if (st->type == TYPE_NORMAL)
		return true;
	return st->type == TYPE_CHAT && stanza_has_body(st);
}

static void
message_refused(struct account *acct)
{
	state_of(acct)->count--;
}

static void
append(struct account *acct, struct stanza *st)
{
	state_of(acct)->count++;
	metric_add(acct, &mod_offline, METRIC_KEPT);
	stanza_keep(st);
	stanza_log_append(acct, &mod_offline, STORE_MESSAGES, st, message_refused);
}

static void
keep(struct stanza *st, struct account *acct)
{
	const struct offline_config *conf = module_config(account_host(acct), &mod_offline);

	if (!is_worth_keeping(st))
		return;
	if (state_of(acct)->count < conf->max_messages)
		append(acct, st);
	else
		metric_add(acct, &mod_offline, METRIC_REFUSED); /* the core bounces it */
}

/* The newest session that takes messages. */
static struct session *
taker(struct account *acct)
{
	struct session *found = NULL;

	for (struct session *s = account_sessions(acct); s != NULL; s = session_next(s)) {
		if (session_is_available(s) && session_priority(s) >= 0)
			found = s;
	}
	return found;
}

/* False when nobody can take it now; it stays then, and so do those behind it. */
static bool
deliver(struct account *acct, struct stanza *st, int64_t wall_ms)
{
	struct slice domain = host_domain(account_host(acct));
	struct session *s = taker(acct);
	struct buffer content;
	bool taken;

	if (s == NULL || session_is_full(s))
		return false;
	buffer_init(&content, size_add(st->content.len, DELAY_XML + LIMIT_DOMAIN));
	(void)buffer_append(&content, st->content);
	if (!delay_is_in(st->content, domain))
		delay_write(&content, domain, wall_ms);
	st->content = buffer_slice(&content);
	taken = session_deliver(s, st);
	buffer_finish(&content);
	if (taken)
		metric_add(acct, &mod_offline, METRIC_DELIVERED);
	return taken;
}

static void deliver_kept(struct session *s);

static void
delivered(struct account *acct, uint64_t last_id, size_t count)
{
	struct session *s = taker(acct);

	state_of(acct)->is_reading = false;
	if (count == 0 || s == NULL)
		return; /* nobody is there to take them now: they stay */
	stanza_log_delete(acct, &mod_offline, STORE_MESSAGES, last_id);
	state_of(acct)->count -= (uint32_t)count;
	if (count == PAGE)
		deliver_kept(s);
}

static void
deliver_kept(struct session *s)
{
	struct account *acct = session_account(s);

	if (state_of(acct)->count == 0 || session_priority(s) < 0 || !session_is_available(s))
		return;
	if (state_of(acct)->is_reading)
		return;
	state_of(acct)->is_reading = true;
	stanza_log_read(acct, &mod_offline, STORE_MESSAGES, PAGE, deliver, delivered);
}

/*
 * Someone is there, but has not got yet what was kept, because so much does not fit into a slow
 * client's queue: what comes now is kept behind that, in the order of each sender. There is no
 * bound but the pace of the senders, who are held back meanwhile.
 */
static void
wait_behind(struct stanza *st, struct account *acct)
{
	struct session *s;

	if (state_of(acct)->count == 0 || !is_worth_keeping(st))
		return;
	s = taker(acct);
	if (s == NULL)
		return; /* it goes the way of all that finds nobody */
	append(acct, st);
	if (!session_is_full(s))
		deliver_kept(s);
}

/* XEP-0227, 4.4 */
struct kept_messages {
	struct foreign_list messages;
};

static const struct field kept_fields[] = {
	CHILDREN(struct kept_messages, messages),
	FIELDS_END(struct kept_messages),
};
static const struct payload kept_payload = { "offline-messages", "urn:xmpp:pie:0", kept_fields };

static void
write_messages(struct transfer *transfer, const struct store_result *stores)
{
	const struct store_result *found = &stores[STORE_MESSAGES];
	struct kept_messages kept = {
		.messages.v = arena_array(
			transfer_arena(transfer), found->count + 1, struct foreign),
		.messages.count = found->count,
	};

	for (size_t i = 0; i < found->count; i++)
		kept.messages.v[i].xml = transfer_stanza_xml(
			transfer, found->rows[i].value, found->rows[i].stamp_ms);
	if (found->count > 0)
		transfer_put(transfer, &kept_payload, &kept);
}

static void
read_message(struct transfer *transfer, size_t number, const struct foreign *given)
{
	int64_t wall_ms;
	struct stanza st;

	if (!transfer_read_stanza(transfer, number, given->xml, &st, &wall_ms))
		return;
	if (st.kind != STANZA_MESSAGE || st.from.full.p == NULL)
		transfer_mistake(transfer, number, "this is no message, or of nobody");
	else if (!is_worth_keeping(&st))
		transfer_loss(transfer, number, "a message of its kind is not kept");
	else
		(void)store_txn_log_append(transfer_txn(transfer),
			transfer_table(transfer, &mod_offline, STORE_MESSAGES), wall_ms,
			jid_bare(&st.from), transfer_freeze(transfer, &st));
}

static void
read_messages(struct transfer *transfer, const void *data)
{
	const struct offline_config *conf = module_config(transfer_host(transfer), &mod_offline);
	const struct foreign_list *messages = &((const struct kept_messages *)data)->messages;

	if (messages->count > conf->max_messages)
		transfer_mistake(transfer, 0, "these are more than offline.max_messages");
	else
		for (size_t i = 0; i < messages->count; i++)
			read_message(transfer, i + 1, &messages->v[i]);
}

static const struct transfer_entry transfers[] = {
	{ &kept_payload, write_messages, read_messages },
	{ 0 },
};

static const struct xep xeps[] = {
	{ 160, "1.0.1", XEP_COMPLETE },
	{ 203, "2.0", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_UINT(struct offline_config, max_messages, "max_messages", 1000, 0, 1000000,
		"How many messages are kept for a user who is away."),
	{ 0 },
};

static const struct store_entry stores[] = {
	[STORE_MESSAGES] = { "messages", STORE_LOG, .version = 1 },
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_KEPT] = { "offline_kept_total", "Messages kept for users who were away." },
	[METRIC_DELIVERED] = { "offline_delivered_total", "Kept messages delivered." },
	[METRIC_REFUSED] = { "offline_refused_total", "Messages refused because too many waited." },
	{ 0 },
};

const struct module mod_offline = {
	.name = "offline",
	.about = "Keeps messages for users who are away.",
	.xeps = xeps,
	.features = (const char *const[]){ "msgoffline", NULL },
	.options = options,
	.config_size = sizeof(struct offline_config),
	.account_size = sizeof(struct offline_account),
	.stores = stores,
	.transfers = transfers,
	.metrics = metrics,
	.on.account_loading = count_messages,
	.on.to_anyone = wait_behind,
	.on.undelivered = keep,
	.on.session_available = deliver_kept,
	.on.session_drained = deliver_kept,
};
