/*
 * What the core keeps of an account, as elements of XEP-0227: keys to sign in by, the roster, the
 * requests that wait for an answer, and whether an administrator lets it sign in.
 */
#include "proto/base64.h"
#include "server/server_internal.h"
#include "server/transfer_internal.h"

#include <stdlib.h>

/* ---- Keys ---- */

struct scram_element {
	struct slice mechanism, iterations, salt, server_key, stored_key;
};

static const struct field scram_fields[] = {
	ATTR_TEXT(struct scram_element, mechanism, "mechanism"),
	CHILD_TEXT(struct scram_element, iterations, "iter-count"),
	CHILD_TEXT(struct scram_element, salt, "salt"),
	CHILD_TEXT(struct scram_element, server_key, "server-key"),
	CHILD_TEXT(struct scram_element, stored_key, "stored-key"),
	FIELDS_END(struct scram_element),
};
static const struct payload scram_payload = { "scram-credentials", NS_PIE "#scram", scram_fields };

static void
write_keys(struct transfer *transfer, const struct store_result *stores)
{
	struct arena *arena = transfer_arena(transfer);
	struct scram_credentials found;

	if (scram_credentials_parse(stores[CORE_CREDENTIALS].rows[0].value, &found) < 0)
		return;
	for (unsigned hash = 0; hash < SCRAM_HASHES; hash++) {
		const struct scram_keys *keys = &found.keys[hash];
		size_t size = scram_hash_bytes(hash);
		struct scram_element element = {
			.mechanism = slice_of(scram_hash_name(hash)),
			.iterations = arena_printf(arena, "%u", (unsigned)keys->iterations),
			.salt = base64_encode(
				slice_make((const char *)keys->salt, keys->salt_len), arena),
			.server_key = base64_encode(
				slice_make((const char *)keys->server_key, size), arena),
			.stored_key = base64_encode(
				slice_make((const char *)keys->stored_key, size), arena),
		};

		if (keys->iterations > 0)
			transfer_put(transfer, &scram_payload, &element);
	}
}

static int
decode_key(struct slice text, unsigned char *out, size_t size)
{
	size_t len;

	return base64_decode_to(text, out, size, &len) == 0 && len == size ? 0 : -1;
}

/* NULL: it was read. */
static const char *
decode_keys(const struct scram_element *element, unsigned hash, struct scram_keys *out)
{
	size_t size = scram_hash_bytes(hash), salt_len;
	uint64_t iterations;

	if (slice_to_uint(element->iterations, SCRAM_ITERATIONS_MAX, &iterations) < 0 ||
		iterations < SCRAM_ITERATIONS_MIN)
		return "its iter-count is no number from 4096 to 10000000";
	if (base64_decode_to(element->salt, out->salt, sizeof(out->salt), &salt_len) < 0 ||
		salt_len == 0)
		return "its salt is no base64, empty, or longer than 128 bytes";
	if (decode_key(element->stored_key, out->stored_key, size) < 0 ||
		decode_key(element->server_key, out->server_key, size) < 0)
		return "a key is no base64, or has not the size of the mechanism's hash";
	out->iterations = (uint32_t)iterations;
	out->salt_len = (uint8_t)salt_len;
	out->hash = (uint8_t)hash;
	return NULL;
}

static void
read_keys(struct transfer *transfer, const void *data)
{
	const struct scram_element *element = data;
	const char *mistake;
	unsigned hash = 0;

	while (hash < SCRAM_HASHES && !slice_is_text(element->mechanism, scram_hash_name(hash)))
		hash++;
	if (hash == SCRAM_HASHES) {
		transfer_loss(transfer, 0, "this server does not know the mechanism");
		return;
	}
	if (transfer->keys.keys[hash].iterations > 0) {
		transfer_mistake(transfer, 0, "there are keys for this mechanism already");
		return;
	}
	mistake = decode_keys(element, hash, &transfer->keys.keys[hash]);
	if (mistake != NULL)
		transfer_mistake(transfer, 0, mistake);
	transfer->has_keys = true;
}

static struct slice
take_part(struct slice *rest)
{
	size_t end = slice_find(*rest, ',');
	struct slice part = slice_make(rest->p, end);

	*rest = slice_from(*rest, end < rest->len ? end + 1 : end);
	return part;
}

bool
transfer_take_keys(struct transfer *transfer, struct slice password)
{
	static const char *const hashes[SCRAM_HASHES] = { "sha", "sha256", "sha512" };
	struct scram_element element = { .stored_key = NO_SLICE };
	struct scram_keys keys = { 0 };
	struct slice rest = password, first;
	unsigned hash = 0;

	if (!slice_starts(password, SLICE("scram:")))
		return false;
	rest = slice_from(rest, sizeof("scram:") - 1);
	first = take_part(&rest);
	element.stored_key = first;
	while (hash < SCRAM_HASHES && !slice_is_text(first, hashes[hash]))
		hash++;
	if (hash < SCRAM_HASHES)
		element.stored_key = take_part(&rest);
	element.server_key = take_part(&rest);
	element.salt = take_part(&rest);
	element.iterations = take_part(&rest);
	hash = hash == SCRAM_HASHES ? SCRAM_SHA_1 : hash;
	if (rest.len > 0 || decode_keys(&element, hash, &keys) != NULL)
		return false;
	transfer->keys.keys[hash] = keys;
	transfer->has_keys = true;
	return true;
}

/* ---- Roster ---- */

static void
write_roster(struct transfer *transfer, const struct store_result *stores)
{
	const struct store_result *found = &stores[CORE_ROSTER];
	struct buffer xml;

	if (found->count == 0)
		return;
	buffer_init(&xml, LIMIT_TRANSFER);
	(void)buffer_text(&xml, "<query xmlns='" NS_ROSTER "'>");
	for (size_t i = 0; i < found->count; i++)
		(void)buffer_append(&xml, found->rows[i].value);
	(void)buffer_text(&xml, "</query>");
	transfer_put_xml(transfer, buffer_slice(&xml));
	buffer_finish(&xml);
}

static void
save_contact(struct transfer *transfer, const struct roster_item *item)
{
	struct server *server = transfer->shard->server;
	struct buffer xml;

	buffer_init(&xml, LIMIT_STORED_STANZA);
	codec_encode(&xml, &roster_item_payload, item);
	store_txn_map_put(
		transfer->txn, server->tables[CORE_ROSTER], item->jid.full, buffer_slice(&xml));
	buffer_finish(&xml);
}

static void
read_contact(struct transfer *transfer, size_t number, const struct roster_item *given)
{
	const struct contact *contact;
	struct roster_item item = *given;

	if (given->jid.full.p == NULL) {
		transfer_mistake(transfer, number, "this contact has no address");
		return;
	}
	item.jid = jid_to_bare(&given->jid);
	if (roster_find(&transfer->roster, item.jid.full) != NULL) {
		transfer_mistake(transfer, number, "this contact is there twice");
		return;
	}
	if (!roster_has_room(&transfer->roster, &item,
		    transfer->shard->server->core->server->roster_items)) {
		transfer_mistake(transfer, number,
			"the roster is larger than this server lets one be (max_roster_items)");
		return;
	}
	roster_put_contact(&transfer->roster, &item);
	contact = roster_find(&transfer->roster, item.jid.full);
	save_contact(transfer, &contact->item);
}

static void
read_roster(struct transfer *transfer, const void *data)
{
	const struct roster_query *query = data;

	for (size_t i = 0; i < query->items.count && !transfer->has_failed; i++)
		read_contact(transfer, i + 1, &query->items.v[i]);
}

/* ---- Requests ---- */

/* What it says is taken from the element itself: it is a stanza. */
static const struct payload presence_payload = { "presence", "jabber:client", NULL };
/* Prosody 0.12 forgets the namespace. */
static const struct payload nameless_payload = { "presence", NS_PIE, NULL };

static void
write_requests(struct transfer *transfer, const struct store_result *stores)
{
	const struct store_result *found = &stores[CORE_REQUESTS];

	for (size_t i = 0; i < found->count; i++)
		transfer_put_xml(transfer, transfer_stanza_xml(transfer, found->rows[i].value, 0));
}

static void
read_request(struct transfer *transfer, const void *data)
{
	struct server *server = transfer->shard->server;
	enum stanza_condition condition;
	struct stanza st;
	struct slice frozen;
	const char *why = NULL;

	(void)data;
	if (stanza_parse(transfer->child, transfer_arena(transfer), &st, &condition, &why) < 0) {
		transfer_mistake(transfer, 0, why);
		return;
	}
	if (st.type != TYPE_SUBSCRIBE || st.from.full.p == NULL) {
		transfer_mistake(transfer, 0, "this presence is no request, or of nobody");
		return;
	}
	if (transfer->roster.requests.count >= server->core->server->roster_items) {
		transfer_mistake(transfer, 0,
			"these are more requests than this server lets wait (max_roster_items)");
		return;
	}
	if (!roster_keeps_whole(&transfer->roster, st.content.len)) {
		transfer_loss(transfer, 0, "it is too large to be kept with what it says");
		st.content = NO_SLICE;
	}
	st.from = jid_to_bare(&st.from);
	st.to = transfer->jid;
	frozen = transfer_freeze(transfer, &st);
	roster_put_request(&transfer->roster, st.from.full, frozen);
	store_txn_map_put(transfer->txn, server->tables[CORE_REQUESTS], st.from.full, frozen);
}

/* ---- Disabled ---- */

static const struct payload disabled_payload = { "disabled", NS_KITH_ACCOUNT, NULL };

static void
write_disabled(struct transfer *transfer, const struct store_result *stores)
{
	if (stores[CORE_DISABLED].count > 0)
		transfer_put(transfer, &disabled_payload, NULL);
}

static void
read_disabled(struct transfer *transfer, const void *data)
{
	(void)data;
	store_txn_value_set(
		transfer->txn, transfer->shard->server->tables[CORE_DISABLED], SLICE("disabled"));
}

const struct transfer_entry transfer_core[] = {
	{ &scram_payload, write_keys, read_keys },
	{ &roster_payload, write_roster, read_roster },
	{ &presence_payload, write_requests, read_request },
	{ &nameless_payload, NULL, read_request },
	{ &disabled_payload, write_disabled, read_disabled },
	{ 0 },
};
