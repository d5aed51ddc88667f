/*
 * The roster as clients see it (RFC 6121, 2): get, set and remove, by versions or without. The
 * subscriptions in it are the core's; here names, groups and the removal of a contact are changed.
 */
#include "server/module.h"
#include "server/roster.h"
#include "server/roster_history.h"
#include "server/subscription.h"

enum { NAME_BYTES = 1023 }; /* of a contact or a group, as of a part of an address */

struct roster_config {
	uint32_t max_groups;
};

enum { METRIC_READ, METRIC_SHORT, METRIC_CHANGED };

extern const struct module mod_roster;

static void
tell_roster(struct iq *iq, struct slice version)
{
	struct roster *roster = account_roster(iq->account);
	struct roster_query answer = {
		.version = version,
		.items.v = arena_array(iq->arena, roster->contacts.count + 1, struct roster_item),
	};
	struct map_node *node;
	size_t at = 0;

	while ((node = map_next(&roster->contacts, &at)) != NULL) {
		const struct contact *c = container_of(node, struct contact, node);

		/* RFC 6121 3.4.2: what was only approved beforehand is told, too. */
		answer.items.v[answer.items.count++] = c->item;
	}
	iq_result(iq, &roster_payload, &answer);
}

/* 2.6.3: a contact that has changed while the client was away. */
static void
push_step(struct session *s, struct roster *roster, const struct roster_step *step)
{
	const struct contact *c = roster_find(roster, step->bare);
	struct roster_item item = { .subscription = SLICE("remove") };
	struct roster_query push = { .items = { &item, 1 } };
	char version[ROSTER_VERSION_CHARS + 1];

	roster_version_write(step->version, version);
	push.version = slice_of(version);
	/* One that is gone has but its address, of which the text is enough to be written. */
	item.jid.full = step->bare;
	if (c != NULL)
		item = c->item;
	session_push(s, &roster_payload, &push);
}

/*
 * 2.6.3: nothing but the changes, unless they are more to send than the roster: a push is about
 * two contacts in size.
 */
static void
tell_changes(struct iq *iq, struct slice known)
{
	struct session *s = iq->session;
	struct roster *roster = account_roster(iq->account);
	const struct roster_history *history = roster_history_begin(roster);
	struct roster_step steps[ROSTER_CHANGES_MOST];
	char version[ROSTER_VERSION_CHARS + 1];
	int count = roster_history_since(history, known, steps);

	if (count < 0 || (size_t)count * 2 > roster->contacts.count) {
		roster_version_write(roster_history_now(history), version);
		tell_roster(iq, slice_of(version));
		return;
	}
	metric_add_iq(iq, &mod_roster, METRIC_SHORT);
	iq_result(iq, NULL, NULL);
	for (int i = 0; i < count; i++)
		push_step(s, roster, &steps[i]);
}

static void
get_roster(struct iq *iq)
{
	const struct roster_query *query = iq_data(iq, &roster_payload);
	bool by_versions = query->version.p != NULL;

	metric_add_iq(iq, &mod_roster, METRIC_READ);
	session_want_roster(iq->session, by_versions);
	if (by_versions)
		tell_changes(iq, query->version);
	else
		tell_roster(iq, NO_SLICE);
}

/* What is wrong with a roster set; text NULL: nothing. */
struct mistake {
	enum stanza_condition condition;
	const char *text;
};

static bool
is_named_before(const struct roster_item *item, size_t number)
{
	for (size_t i = 0; i < number; i++) {
		if (slice_is(item->groups.v[i], item->groups.v[number]))
			return true;
	}
	return false;
}

static struct mistake
mistake_in_groups(const struct roster_item *item, const struct roster_config *conf)
{
	if (item->groups.count > conf->max_groups)
		return (struct mistake){ NOT_ACCEPTABLE, "The item is in too many groups" };
	for (size_t i = 0; i < item->groups.count; i++) {
		if (item->groups.v[i].len == 0)
			return (struct mistake){ NOT_ACCEPTABLE, "A group has no name" };
		if (item->groups.v[i].len > NAME_BYTES)
			return (struct mistake){ NOT_ACCEPTABLE, "A group's name is too long" };
		if (is_named_before(item, i))
			return (struct mistake){ BAD_REQUEST, "A group is named twice" };
	}
	return (struct mistake){ 0 };
}

/* RFC 6121 2.3.3 */
static struct mistake
mistake_in(const struct roster_query *query, const struct roster_config *conf)
{
	const struct roster_item *item = query->items.v;

	if (query->items.count != 1)
		return (struct mistake){ BAD_REQUEST, "A roster set has exactly one item" };
	if (item->jid.full.p == NULL || jid_local(&item->jid).p == NULL)
		return (struct mistake){ BAD_REQUEST, "The item has no address" };
	if (item->name.len > NAME_BYTES)
		return (struct mistake){ NOT_ACCEPTABLE, "The name is too long" };
	return mistake_in_groups(item, conf);
}

/* The item to keep: the client's names and groups, our subscription. */
static struct roster_item
merged(struct account *acct, const struct roster_item *asked)
{
	const struct contact *old = roster_find(account_roster(acct), jid_bare(&asked->jid));
	struct roster_item item = {
		.jid = jid_to_bare(&asked->jid),
		.name = asked->name,
		.groups = asked->groups,
		.subscription = slice_of(subscription_name(SUBSCRIPTION_NONE)),
	};

	if (old != NULL) {
		item.subscription = old->item.subscription;
		item.ask = old->item.ask;
		item.approved = old->item.approved;
	}
	return item;
}

static void
item_saved(struct iq *iq)
{
	const struct roster_query *query = iq_data(iq, &roster_payload);
	struct roster_item item = merged(iq->account, query->items.v);

	metric_add_iq(iq, &mod_roster, METRIC_CHANGED);
	roster_put_contact(account_roster(iq->account), &item);
	roster_push(iq->account, &item);
	iq_result(iq, NULL, NULL);
}

static void
item_removed(struct iq *iq)
{
	const struct roster_query *query = iq_data(iq, &roster_payload);
	struct roster_item gone = { .jid = jid_to_bare(&query->items.v->jid) };
	struct roster *roster = account_roster(iq->account);
	const struct contact *old = roster_find(roster, gone.jid.full);
	unsigned subscription = old == NULL ? 0 : old->subscription;
	bool asked = old != NULL && old->item.ask.p != NULL;
	bool waits = roster_request(roster, gone.jid.full) != NULL;

	metric_add_iq(iq, &mod_roster, METRIC_CHANGED);
	gone.subscription = SLICE("remove");
	roster_drop_contact(roster, gone.jid.full);
	roster_drop_request(roster, gone.jid.full);
	subscription_cancel(iq->account, &gone.jid, subscription, asked);
	if (waits)
		subscription_deny(iq->account, &gone.jid);
	roster_push(iq->account, &gone);
	iq_result(iq, NULL, NULL);
}

static void
remove_item(struct iq *iq, const struct roster_item *item)
{
	struct jid bare = jid_to_bare(&item->jid);
	struct store_txn *txn;

	if (roster_find(account_roster(iq->account), bare.full) == NULL) {
		iq_error(iq, ITEM_NOT_FOUND, "This address is not in the roster");
		return;
	}
	txn = txn_begin(iq->account);
	roster_delete_contact(iq->account, txn, bare.full);
	roster_delete_request(iq->account, txn, bare.full);
	iq_commit(iq, txn, item_removed);
}

static void
set_roster(struct iq *iq)
{
	const struct roster_config *conf = module_config(iq->host, &mod_roster);
	const struct roster_query *query = iq_data(iq, &roster_payload);
	struct mistake mistake = mistake_in(query, conf);
	struct roster_item item;
	struct store_txn *txn;

	if (mistake.text != NULL) {
		iq_error(iq, mistake.condition, mistake.text);
		return;
	}
	if (slice_is_text(query->items.v->subscription, "remove")) {
		remove_item(iq, query->items.v);
		return;
	}
	item = merged(iq->account, query->items.v);
	if (!roster_has_room(
		    account_roster(iq->account), &item, account_roster_most(iq->account))) {
		iq_error(iq, RESOURCE_CONSTRAINT, "The roster is full");
		return;
	}
	txn = txn_begin(iq->account);
	roster_save_contact(iq->account, txn, &item);
	iq_commit(iq, txn, item_saved);
}

/* RFC 6121 2.1.5 */
static void
refuse_others(struct iq *iq)
{
	iq_error(iq, FORBIDDEN, "A roster is its owner's alone");
}

static void
offer_versions(struct buffer *features, const struct host *host)
{
	static const struct payload payload = { "ver", "urn:xmpp:features:rosterver", NULL };

	(void)host;
	codec_encode(features, &payload, NULL);
}

static const struct xep xeps[] = {
	{ 237, "1.3", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_UINT(struct roster_config, max_groups, "max_groups", 50, 0, 10000,
		"How many groups one contact may be in."),
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_READ] = { "roster_requests_total", "Times that a roster was asked for." },
	[METRIC_SHORT] = { "roster_versions_used_total",
		"Answers that were but the changes of a roster." },
	[METRIC_CHANGED] = { "roster_changes_total",
		"Contacts that users added, changed or removed." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_GET, TO_SELF, &roster_payload, get_roster },
	{ IQ_SET, TO_SELF, &roster_payload, set_roster },
	{ IQ_GET, TO_ACCOUNT, &roster_payload, refuse_others },
	{ IQ_SET, TO_ACCOUNT, &roster_payload, refuse_others },
	{ 0 },
};

const struct module mod_roster = {
	.name = "roster",
	.about = "Keeps each user's contacts.",
	.xeps = xeps,
	.options = options,
	.config_size = sizeof(struct roster_config),
	.metrics = metrics,
	.routes = routes,
	.on.account_loading = roster_load,
	.on.bind_features = offer_versions,
};
