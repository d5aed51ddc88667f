/*
 * The roster in memory and in the store: one map entry per contact, in the form in which it goes
 * over the wire, so that one codec reads and writes both.
 */
#include "server/roster.h"

#include "server/account_internal.h"
#include "server/roster_history.h"
#include "server/server_internal.h"
#include "server/session_internal.h"

#include <stdlib.h>

static const struct field item_fields[] = {
	ATTR_JID(struct roster_item, jid, "jid"),
	ATTR_TEXT(struct roster_item, name, "name"),
	ATTR_TEXT(struct roster_item, subscription, "subscription"),
	ATTR_TEXT(struct roster_item, ask, "ask"),
	ATTR_BOOL(struct roster_item, approved, "approved"),
	CHILD_TEXTS(struct roster_item, groups, "group"),
	FIELDS_END(struct roster_item),
};
const struct payload roster_item_payload = { "item", NS_ROSTER, item_fields };

static const struct field query_fields[] = {
	ATTR_TEXT(struct roster_query, version, "ver"),
	CHILD_LIST(struct roster_query, items, "item", item_fields),
	FIELDS_END(struct roster_query),
};
const struct payload roster_payload = { "query", NS_ROSTER, query_fields };

static const char *const subscription_names[] = { "none", "to", "from", "both" };

const char *
subscription_name(unsigned subscription)
{
	return subscription_names[subscription & SUBSCRIPTION_BOTH];
}

static unsigned
subscription_bits(struct slice name)
{
	for (unsigned i = 0; i < COUNT_OF(subscription_names); i++) {
		if (slice_is_text(name, subscription_names[i]))
			return i;
	}
	return SUBSCRIPTION_NONE;
}

void
roster_init(struct roster *roster)
{
	map_init(&roster->contacts);
	map_init(&roster->requests);
	roster->contact_bytes = roster->request_bytes = 0;
	roster->history = NULL;
}

void
roster_finish(struct roster *roster)
{
	struct map_node *node;
	size_t at = 0;

	while ((node = map_next(&roster->contacts, &at)) != NULL)
		free(container_of(node, struct contact, node));
	at = 0;
	while ((node = map_next(&roster->requests, &at)) != NULL)
		free(container_of(node, struct subscription_request, node));
	map_finish(&roster->contacts);
	map_finish(&roster->requests);
	roster_history_destroy(&roster->history);
}

struct contact *
roster_find(const struct roster *roster, struct slice bare)
{
	struct map_node *node = map_find(&roster->contacts, bare);

	return node == NULL ? NULL : container_of(node, struct contact, node);
}

struct subscription_request *
roster_request(struct roster *roster, struct slice bare)
{
	struct map_node *node = map_find(&roster->requests, bare);

	return node == NULL ? NULL : container_of(node, struct subscription_request, node);
}

/* Copies a text to *at and steps it; "not there" stays "not there". */
static struct slice
pack(char **at, struct slice text)
{
	struct slice copy = { text.p == NULL ? NULL : *at, text.len };

	if (text.len > 0)
		memcpy(*at, text.p, text.len);
	*at += text.len;
	return copy;
}

static size_t
packed_size(const struct roster_item *item)
{
	size_t size = item->jid.full.len + item->name.len;

	for (size_t i = 0; i < item->groups.count; i++)
		size += sizeof(struct slice) + item->groups.v[i].len;
	return size;
}

/* Bytes of the text in an attribute or element. */
static size_t
written_size(struct slice text)
{
	size_t size = text.len;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		size += c == '<' || c == '>' || c == '&' || c == '\'' || c == '"' ? 5 : 0;
	}
	return size;
}

static size_t
item_size(const struct roster_item *item)
{
	size_t size = sizeof("<item jid='' name='' subscription='both' ask='subscribe' "
			     "approved='true'></item>");

	size += written_size(item->jid.full) + written_size(item->name);
	for (size_t i = 0; i < item->groups.count; i++)
		size += sizeof("<group></group>") + written_size(item->groups.v[i]);
	return size;
}

bool
roster_has_room(const struct roster *roster, const struct roster_item *item, size_t most)
{
	const struct contact *old = roster_find(roster, item->jid.full);
	size_t bytes = roster->contact_bytes - (old == NULL ? 0 : old->size) + item_size(item);

	return (old != NULL || roster->contacts.count < most) && bytes <= LIMIT_ROSTER;
}

bool
roster_keeps_whole(const struct roster *roster, size_t content_bytes)
{
	return content_bytes <= LIMIT_REQUEST &&
	       roster->request_bytes + content_bytes <= LIMIT_REQUESTS;
}

/* The item with all its texts in one piece of memory. */
static struct contact *
contact_create(const struct roster_item *item)
{
	struct contact *c = xmalloc(sizeof(*c) + packed_size(item));
	struct slice *groups = (struct slice *)(void *)(c + 1);
	char *at = (char *)(groups + item->groups.count);

	c->item = *item;
	c->item.jid.full = pack(&at, item->jid.full);
	c->item.name = pack(&at, item->name);
	c->item.groups.v = groups;
	for (size_t i = 0; i < item->groups.count; i++)
		groups[i] = pack(&at, item->groups.v[i]);
	c->subscription = subscription_bits(item->subscription);
	c->item.subscription = slice_of(subscription_name(c->subscription));
	c->item.ask = item->ask.p == NULL ? NO_SLICE : SLICE("subscribe");
	c->node.key = c->item.jid.full;
	c->size = item_size(item);
	return c;
}

static void
take_out(struct roster *roster, struct contact *c)
{
	map_remove(&roster->contacts, &c->node);
	roster->contact_bytes -= c->size;
	free(c);
}

void
roster_put_contact(struct roster *roster, const struct roster_item *item)
{
	struct contact *c = contact_create(item);
	struct contact *old = roster_find(roster, c->node.key);

	roster_history_note(roster->history, old == NULL ? NULL : &old->item, &c->item);
	if (old != NULL)
		take_out(roster, old);
	map_insert(&roster->contacts, &c->node);
	roster->contact_bytes += c->size;
}

void
roster_drop_contact(struct roster *roster, struct slice bare)
{
	struct contact *c = roster_find(roster, bare);

	if (c == NULL)
		return;
	roster_history_note(roster->history, &c->item, NULL);
	take_out(roster, c);
}

void
roster_put_request(struct roster *roster, struct slice bare, struct slice presence)
{
	struct subscription_request *r = xmalloc(sizeof(*r) + bare.len + presence.len);
	char *at = (char *)(r + 1);

	r->node.key = pack(&at, bare);
	r->presence = pack(&at, presence);
	roster_drop_request(roster, bare);
	map_insert(&roster->requests, &r->node);
	roster->request_bytes += presence.len;
}

void
roster_drop_request(struct roster *roster, struct slice bare)
{
	struct subscription_request *r = roster_request(roster, bare);

	if (r == NULL)
		return;
	map_remove(&roster->requests, &r->node);
	roster->request_bytes -= r->presence.len;
	free(r);
}

void
roster_save_contact(struct account *acct, struct store_txn *txn, const struct roster_item *item)
{
	struct buffer xml;

	buffer_init(&xml, LIMIT_STORED_STANZA);
	codec_encode(&xml, &roster_item_payload, item);
	store_txn_map_put(
		txn, acct->shard->server->tables[CORE_ROSTER], item->jid.full, buffer_slice(&xml));
	buffer_finish(&xml);
}

void
roster_delete_contact(struct account *acct, struct store_txn *txn, struct slice bare)
{
	store_txn_map_delete(txn, acct->shard->server->tables[CORE_ROSTER], bare);
}

void
roster_save_request(
	struct account *acct, struct store_txn *txn, struct slice bare, struct slice presence)
{
	store_txn_map_put(txn, acct->shard->server->tables[CORE_REQUESTS], bare, presence);
}

void
roster_delete_request(struct account *acct, struct store_txn *txn, struct slice bare)
{
	store_txn_map_delete(txn, acct->shard->server->tables[CORE_REQUESTS], bare);
}

static void
got_contacts(struct account *acct, const struct store_result *result)
{
	struct shard *shard = acct->shard;
	struct server *server = shard->server;

	for (size_t i = 0; i < result->count; i++) {
		const char *why = NULL;
		void *item;

		if (xml_read(server->names, &xml_limits_own, 0, result->rows[i].value,
			    &shard->tokens, &shard->scratch, &why) == 0 &&
			codec_decode(server->roster_item, shard->tokens.v, &shard->scratch, &item,
				&why) == 0)
			roster_put_contact(&acct->roster, item);
		else
			log_error(server->log, "a stored contact cannot be read and is left out",
				F_TEXT("account", acct->jid.full),
				F_TEXT("contact", result->rows[i].key), F_STR("why", why));
		arena_reset(&shard->scratch);
	}
}

static void
got_requests(struct account *acct, const struct store_result *result)
{
	for (size_t i = 0; i < result->count; i++)
		roster_put_request(&acct->roster, result->rows[i].key, result->rows[i].value);
}

void
roster_load(struct account *acct)
{
	const struct server *server = acct->shard->server;

	account_read_table(acct, STORE_MAP, server->tables[CORE_ROSTER], got_contacts);
	account_read_table(acct, STORE_MAP, server->tables[CORE_REQUESTS], got_requests);
}

void
roster_push(struct account *acct, const struct roster_item *item)
{
	const struct roster_history *history = acct->roster.history;
	struct roster_item copy = *item;
	struct roster_query query = { .items = { &copy, 1 } };
	char version[ROSTER_VERSION_CHARS + 1] = "";
	struct session *s;

	if (history != NULL)
		roster_version_write(roster_history_now(history), version);
	LIST_EACH (s, &acct->sessions, struct session, link) {
		query.version = s->wants_versions ? slice_of(version) : NO_SLICE;
		if (s->wants_roster)
			session_push(s, &roster_payload, &query);
	}
}

void
session_want_roster(struct session *s, bool with_versions)
{
	s->wants_roster = true;
	s->wants_versions = with_versions;
}
