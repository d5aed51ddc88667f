/*
 * XEP-0191: Blocking Command.
 *
 * The list belongs to the account and is in memory while the account is, so the policy hooks
 * answer without waiting. A change reaches the disk first, then memory, then the contact's view of
 * our presence, then our other resources.
 *
 * Blocking is polite (4): subscriptions stay as they are, and the blocked are told nothing.
 */
#include "proto/blocking.h"
#include "proto/jid_set.h"
#include "server/module.h"
#include "server/presence.h"

enum { LIST_BLOCK = 512 }; /* bytes that an account's list grows by */

struct blocking_config {
	uint32_t max_items;
};

struct blocking_account {
	struct arena arena;
	struct jid_set blocked;
};

struct blocking_session {
	bool interested; /* has asked for the list, so it gets the changes */
};

enum { STORE_LIST };
enum { METRIC_DROPPED, METRIC_REFUSED };

extern const struct module mod_blocking;

static struct jid_set *
blocked_by(struct account *acct)
{
	struct blocking_account *state = account_state(acct, &mod_blocking);

	if (state->blocked.arena == NULL) {
		arena_init(&state->arena, LIST_BLOCK);
		jid_set_init(&state->blocked, &state->arena);
	}
	return &state->blocked;
}

/* 6; and no rule ever stands between an account's own resources. */
static bool
is_blocked(struct account *acct, const struct jid *jid)
{
	const struct jid_set *blocked = blocked_by(acct);

	return jid_set_count(blocked) > 0 && jid_set_covers(blocked, jid) &&
	       !jid_same_bare(jid, account_jid(acct));
}

static void
got_list(struct account *acct, const struct store_result *result)
{
	struct arena arena;

	arena_init(&arena, 0);
	for (size_t i = 0; i < result->count; i++) {
		struct jid jid;

		if (jid_parse(result->rows[i].key, &arena, &jid) == 0)
			(void)jid_set_add(blocked_by(acct), &jid);
	}
	arena_finish(&arena);
}

static void
read_list(struct account *acct)
{
	account_read(acct, &mod_blocking, STORE_LIST, got_list);
}

static void
forget_list(struct account *acct)
{
	struct blocking_account *state = account_state(acct, &mod_blocking);

	arena_finish(&state->arena);
}

/* 3.3 to 3.5: to all resources that know the list, the one that asked for the change included. */
static void
push_change(struct iq *iq)
{
	struct session *s = account_sessions(iq->account);

	for (; s != NULL; s = session_next(s)) {
		const struct blocking_session *state = session_state(s, &mod_blocking);

		if (state->interested)
			session_push(s, iq->payload, iq->data);
	}
}

static void
get_list(struct iq *iq)
{
	struct blocking_session *state = session_state(iq->session, &mod_blocking);
	struct blocking answer = { .items = jid_set_list(blocked_by(iq->account), iq->arena) };

	state->interested = true;
	iq_result(iq, &blocklist_payload, &answer);
}

/* It knows the list still when it comes back with its server. */
static void
keep_interest(struct buffer *wishes, struct session *s)
{
	const struct blocking_session *state = session_state(s, &mod_blocking);

	if (state->interested)
		(void)buffer_text(wishes, "<blocklist xmlns='" NS_BLOCKING "'/>");
}

static void
take_interest(struct buffer *answer, struct session *s, const struct inline_wish *wish)
{
	struct blocking_session *state = session_state(s, &mod_blocking);

	(void)answer;
	if (wish->ns == NS_ID_BLOCKING && slice_is_text(wish->name, blocklist_payload.name))
		state->interested = true;
}

/* Presence is hidden while the address still may get any. */
static void
block_saved(struct iq *iq)
{
	const struct blocking *asked = iq_data(iq, &block_payload);

	for (size_t i = 0; i < asked->items.count; i++) {
		if (jid_set_has(blocked_by(iq->account), &asked->items.v[i]))
			continue;
		presence_hide(iq->account, &asked->items.v[i]);
		(void)jid_set_add(blocked_by(iq->account), &asked->items.v[i]);
	}
	push_change(iq);
	iq_result(iq, NULL, NULL);
}

static size_t
count_after(struct account *acct, const struct jid_list *items)
{
	size_t count = jid_set_count(blocked_by(acct));

	for (size_t i = 0; i < items->count; i++)
		count += !jid_set_has(blocked_by(acct), &items->v[i]);
	return count;
}

static void
block(struct iq *iq)
{
	const struct blocking_config *conf = module_config(iq->host, &mod_blocking);
	const struct blocking *asked = iq_data(iq, &block_payload);
	struct store_txn *txn;

	if (asked->items.count == 0) {
		iq_error(iq, BAD_REQUEST, "Name at least one address to block");
		return;
	}
	if (count_after(iq->account, &asked->items) > conf->max_items) {
		iq_error(iq, RESOURCE_CONSTRAINT, "The block list would become too long");
		return;
	}
	txn = txn_begin(iq->account);
	for (size_t i = 0; i < asked->items.count; i++)
		store_txn_set_add(txn, account_table(iq->account, &mod_blocking, STORE_LIST),
			asked->items.v[i].full);
	iq_commit(iq, txn, block_saved);
}

static void
unblock_saved(struct iq *iq)
{
	const struct blocking *asked = iq_data(iq, &unblock_payload);
	struct jid_set *blocked = blocked_by(iq->account);
	struct jid_list gone = asked->items;

	/* 3.5: an empty one is for all */
	if (gone.count == 0)
		gone = jid_set_list(blocked, iq->arena);
	for (size_t i = 0; i < gone.count; i++) {
		if (jid_set_remove(blocked, &gone.v[i]))
			presence_show(iq->account, &gone.v[i]);
	}
	push_change(iq);
	iq_result(iq, NULL, NULL);
}

static void
unblock(struct iq *iq)
{
	const struct blocking *asked = iq_data(iq, &unblock_payload);
	unsigned table = account_table(iq->account, &mod_blocking, STORE_LIST);
	struct store_txn *txn = txn_begin(iq->account);

	if (asked->items.count == 0)
		store_txn_set_clear(txn, table);
	for (size_t i = 0; i < asked->items.count; i++)
		store_txn_set_remove(txn, table, asked->items.v[i].full);
	iq_commit(iq, txn, unblock_saved);
}

/* 3.3: to a blocked sender the user looks offline: presence vanishes, questions bounce. */
static struct verdict
screen_inbound(struct stanza *st, struct account *to)
{
	if (!is_blocked(to, &st->from))
		return pass();
	metric_add(to, &mod_blocking, METRIC_DROPPED);
	return st->kind == STANZA_PRESENCE ? drop() : bounce(SERVICE_UNAVAILABLE, NULL);
}

static struct verdict
refuse_outbound(struct stanza *st, struct session *from)
{
	struct account *acct = session_account(from);
	struct verdict refused = bounce(NOT_ACCEPTABLE, &blocked_payload);

	if (!is_blocked(acct, &st->to))
		return pass();
	metric_add(acct, &mod_blocking, METRIC_REFUSED);
	refused.text = "You have blocked this address";
	return refused;
}

/* What was kept from before the block must not be delivered either; errors are the server's. */
static struct verdict
screen_kept(struct stanza *st, struct session *to)
{
	if (st->type == TYPE_ERROR || !is_blocked(session_account(to), &st->from))
		return pass();
	metric_add(session_account(to), &mod_blocking, METRIC_DROPPED);
	return drop();
}

static struct verdict
part_contacts(struct account *acct, const struct jid *contact)
{
	return is_blocked(acct, contact) ? drop() : pass();
}

/*
 * XEP-0227, 4.7: a file has privacy lists (XEP-0016). Ours is one that is the default, and denies
 * all from and to each address; of others, rules that do just that are taken along. Some servers
 * write a block list as it is, which is read, too.
 */
struct privacy_item {
	struct slice type, value, action;
	uint32_t order;
	bool message, iq, presence_in, presence_out;
};

struct privacy_list {
	struct slice name;
	struct privacy_item_list {
		struct privacy_item *v;
		size_t count;
	} items;
};

struct privacy_default {
	struct slice name;
};

struct privacy {
	struct privacy_default_list {
		struct privacy_default *v;
		size_t count;
	} defaults;
	struct privacy_list_list {
		struct privacy_list *v;
		size_t count;
	} lists;
};

static const struct field privacy_item_fields[] = {
	ATTR_TEXT(struct privacy_item, type, "type"),
	ATTR_TEXT(struct privacy_item, value, "value"),
	ATTR_TEXT(struct privacy_item, action, "action"),
	ATTR_UINT(struct privacy_item, order, "order"),
	CHILD_FLAG(struct privacy_item, message, "message"),
	CHILD_FLAG(struct privacy_item, iq, "iq"),
	CHILD_FLAG(struct privacy_item, presence_in, "presence-in"),
	CHILD_FLAG(struct privacy_item, presence_out, "presence-out"),
	FIELDS_END(struct privacy_item),
};
static const struct field privacy_list_fields[] = {
	ATTR_TEXT(struct privacy_list, name, "name"),
	CHILD_LIST(struct privacy_list, items, "item", privacy_item_fields),
	FIELDS_END(struct privacy_list),
};
static const struct field privacy_default_fields[] = {
	ATTR_TEXT(struct privacy_default, name, "name"),
	FIELDS_END(struct privacy_default),
};
static const struct field privacy_fields[] = {
	CHILD_LIST(struct privacy, defaults, "default", privacy_default_fields),
	CHILD_LIST(struct privacy, lists, "list", privacy_list_fields),
	FIELDS_END(struct privacy),
};
static const struct payload privacy_payload = { "query", "jabber:iq:privacy", privacy_fields };

static void
write_list(struct transfer *transfer, const struct store_result *stores)
{
	const struct store_result *found = &stores[STORE_LIST];
	struct privacy_default name = { SLICE("blocked") };
	struct privacy_list list = {
		.name = name.name,
		.items.v = arena_array(
			transfer_arena(transfer), found->count + 1, struct privacy_item),
		.items.count = found->count,
	};
	struct privacy privacy = { { &name, 1 }, { &list, 1 } };

	for (size_t i = 0; i < found->count; i++)
		list.items.v[i] = (struct privacy_item){
			.type = SLICE("jid"),
			.value = found->rows[i].key,
			.action = SLICE("deny"),
			.order = (uint32_t)i + 1,
		};
	if (found->count > 0)
		transfer_put(transfer, &privacy_payload, &privacy);
}

static void
read_blocked(struct transfer *transfer, size_t number, struct slice text)
{
	struct jid jid;

	if (jid_parse(text, transfer_arena(transfer), &jid) < 0)
		transfer_mistake(transfer, number, "this is no address that can be blocked");
	else
		store_txn_set_add(transfer_txn(transfer),
			transfer_table(transfer, &mod_blocking, STORE_LIST), jid.full);
}

static bool
is_block(const struct privacy_item *item)
{
	return slice_is_text(item->type, "jid") && slice_is_text(item->action, "deny") &&
	       !item->message && !item->iq && !item->presence_in && !item->presence_out;
}

static bool
is_too_long(struct transfer *transfer, size_t count)
{
	const struct blocking_config *conf = module_config(transfer_host(transfer), &mod_blocking);

	if (count > conf->max_items)
		transfer_mistake(transfer, 0, "this is longer than blocking.max_items");
	return count > conf->max_items;
}

static void
read_rules(struct transfer *transfer, const struct privacy_list *list)
{
	if (is_too_long(transfer, list->items.count))
		return;
	for (size_t i = 0; i < list->items.count; i++) {
		const struct privacy_item *item = &list->items.v[i];

		if (is_block(item))
			read_blocked(transfer, i + 1, item->value);
		else
			transfer_loss(transfer, i + 1,
				"a rule that does more or less than to block an address is left "
				"out");
	}
}

static void
read_privacy(struct transfer *transfer, const void *data)
{
	const struct privacy *privacy = data;

	for (size_t i = 0; i < privacy->lists.count; i++) {
		if (privacy->defaults.count > 0 &&
			slice_is(privacy->lists.v[i].name, privacy->defaults.v[0].name))
			read_rules(transfer, &privacy->lists.v[i]);
		else
			transfer_loss(transfer, 0, "a list that is not the default is left out");
	}
}

static void
read_blocklist(struct transfer *transfer, const void *data)
{
	const struct blocking *list = data;

	if (is_too_long(transfer, list->items.count))
		return;
	for (size_t i = 0; i < list->items.count; i++)
		read_blocked(transfer, i + 1, list->items.v[i].full);
}

static const struct transfer_entry transfers[] = {
	{ &privacy_payload, write_list, read_privacy },
	{ &blocklist_payload, NULL, read_blocklist },
	{ 0 },
};

static const struct xep xeps[] = {
	{ 191, "1.3", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_UINT(struct blocking_config, max_items, "max_items", 1000, 1, 100000,
		"How many addresses one account may block."),
	{ 0 },
};

static const struct store_entry stores[] = {
	[STORE_LIST] = { "list", STORE_SET, .version = 1 },
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_DROPPED] = { "blocking_dropped_total", "Stanzas from blocked addresses." },
	[METRIC_REFUSED] = { "blocking_refused_total", "Stanzas to blocked addresses." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_GET, TO_SELF, &blocklist_payload, get_list },
	{ IQ_SET, TO_SELF, &block_payload, block },
	{ IQ_SET, TO_SELF, &unblock_payload, unblock },
	{ 0 },
};

const struct module mod_blocking = {
	.name = "blocking",
	.about = "Lets users block other users, servers or single resources.",
	.xeps = xeps,
	.features = (const char *const[]){ NS_BLOCKING, NULL },
	.options = options,
	.config_size = sizeof(struct blocking_config),
	.account_size = sizeof(struct blocking_account),
	.session_size = sizeof(struct blocking_session),
	.stores = stores,
	.transfers = transfers,
	.metrics = metrics,
	.routes = routes,
	.on.account_loading = read_list,
	.on.account_gone = forget_list,
	.on.in_policy = screen_inbound,
	.on.out_policy = refuse_outbound,
	.on.egress = screen_kept,
	.on.contact_policy = part_contacts,
	.on.session_kept = keep_interest,
	.on.inline_wish = take_interest,
};
