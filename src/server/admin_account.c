/*
 * What is stored of an account, for administrators: each read is one batch of the store, which
 * also tells whether there is such an account.
 */
#include "server/admin.h"

#include "base/clock.h"
#include "server/server_internal.h"

#include <errno.h>
#include <stdlib.h>

/* One read on its way. */
struct reading {
	struct arena arena;
	struct server *server;
	admin_got_roster *got_roster;
	admin_got_store *got_store;
	admin_got_facts *got_facts;
	int last_login, last_left, messages, bytes; /* positions in the batch; -1: no such module */
	void *arg;
};

static struct reading *
reading_create(struct shard *shard, void *arg)
{
	struct reading *reading = xcalloc(1, sizeof(*reading));

	arena_init(&reading->arena, 0);
	reading->server = shard->server;
	reading->arg = arg;
	return reading;
}

static void
reading_free(struct reading *reading)
{
	arena_finish(&reading->arena);
	free(reading);
}

/* A batch that says first whether there is such an account. */
static struct store_batch *
begin_batch(struct shard *shard, const struct jid *bare)
{
	struct store_batch *batch = store_batch_create(shard->server->store, jid_bare(bare));

	(void)store_read_value(batch, shard->server->tables[CORE_CREDENTIALS]);
	return batch;
}

static int
error_of(struct store_request *request)
{
	if (request->error < 0)
		return request->error;
	return store_result(store_batch_of(request), 0)->count == 0 ? -ENOENT : 0;
}

static void
decode_items(
	struct reading *reading, const struct store_result *rows, struct roster_item_list *list)
{
	struct server *server = reading->server;
	struct xml_tokens tokens;
	const char *why;
	void *item;

	xml_tokens_init(&tokens);
	list->v = arena_array(&reading->arena, rows->count + 1, struct roster_item);
	for (size_t i = 0; i < rows->count; i++) {
		if (xml_read(server->names, &xml_limits_own, 0, rows->rows[i].value, &tokens,
			    &reading->arena, &why) == 0 &&
			codec_decode(server->roster_item, tokens.v, &reading->arena, &item, &why) ==
				0)
			list->v[list->count++] = *(const struct roster_item *)item;
	}
	xml_tokens_finish(&tokens);
}

static void
tell_roster(struct store_request *request)
{
	struct reading *reading = request->arg;
	const struct store_batch *batch = store_batch_of(request);
	struct roster_item_list items = { 0 };
	int error = error_of(request);

	if (error == 0)
		decode_items(reading, store_result(batch, 1), &items);
	reading->got_roster(reading->arg, error, &items);
	reading_free(reading);
}

void
admin_read_roster(struct shard *shard, const struct jid *bare, admin_got_roster *done, void *arg)
{
	struct reading *reading = reading_create(shard, arg);
	struct server *server = shard->server;
	struct store_batch *batch = begin_batch(shard, bare);

	reading->got_roster = done;
	(void)store_read_map(batch, server->tables[CORE_ROSTER]);
	store_fetch(batch, shard->number, tell_roster, reading);
}

static void
tell_value(struct store_request *request)
{
	struct reading *reading = request->arg;
	const struct store_batch *batch = store_batch_of(request);
	int error = error_of(request);

	reading->got_store(reading->arg, error, error < 0 ? NULL : store_result(batch, 1));
	reading_free(reading);
}

static void
read_table(struct shard *shard, const struct jid *bare, unsigned table, admin_got_store *done,
	void *arg)
{
	struct reading *reading = reading_create(shard, arg);
	struct store_batch *batch = begin_batch(shard, bare);

	reading->got_store = done;
	(void)store_read_value(batch, table);
	store_fetch(batch, shard->number, tell_value, reading);
}

void
admin_read_value(struct shard *shard, const struct jid *bare, const struct module *module,
	unsigned store, admin_got_store *done, void *arg)
{
	read_table(
		shard, bare, server_module(shard->server, module)->first_table + store, done, arg);
}

/* The table of a module's store; -1: there is no such module, or it keeps no such thing. */
static int
table_named(const struct server *server, const char *module, const char *store)
{
	for (size_t i = 0; i < server->module_count; i++) {
		const struct module_slot *slot = &server->modules[i];
		const struct store_entry *stores = slot->module->stores;

		if (stores == NULL || strcmp(slot->module->name, module) != 0)
			continue;
		for (unsigned k = 0; stores[k].name != NULL; k++) {
			if (strcmp(stores[k].name, store) == 0)
				return (int)(slot->first_table + k);
		}
	}
	return -1;
}

void
admin_read_named(struct shard *shard, const struct jid *bare, const char *module, const char *store,
	admin_got_store *done, void *arg)
{
	int table = table_named(shard->server, module, store);

	if (table < 0)
		done(arg, -ENOTSUP, NULL);
	else
		read_table(shard, bare, (unsigned)table, done, arg);
}

/* ---- An account in numbers ---- */

/* What the position says, or nothing when it was not asked for. */
static const struct store_result *
result_at(const struct store_batch *batch, int position)
{
	static const struct store_result nothing;

	return position < 0 ? &nothing : store_result(batch, (unsigned)position);
}

/* The stamp that a module's value begins with. */
static struct slice
stamp_at(const struct store_batch *batch, int position)
{
	const struct store_result *result = result_at(batch, position);

	if (result->count == 0 || result->rows[0].value.len < STAMP_CHARS)
		return NO_SLICE;
	return slice_make(result->rows[0].value.p, STAMP_CHARS);
}

enum { AT_DISABLED = 1, AT_CONTACTS, AT_REQUESTS };

static void
tell_facts(struct store_request *request)
{
	struct reading *reading = request->arg;
	const struct store_batch *batch = store_batch_of(request);
	struct admin_facts account = { .is_disabled = false };
	int error = error_of(request);

	if (error == 0)
		account = (struct admin_facts){
			.is_disabled = store_result(batch, AT_DISABLED)->count > 0,
			.contacts = store_result(batch, AT_CONTACTS)->total,
			.requests = store_result(batch, AT_REQUESTS)->total,
			.last_login = stamp_at(batch, reading->last_login),
			.last_left = stamp_at(batch, reading->last_left),
			.messages = result_at(batch, reading->messages)->total,
			.message_bytes = result_at(batch, reading->bytes)->total,
		};
	reading->got_facts(reading->arg, error, &account);
	reading_free(reading);
}

static int
read_named_value(struct store_batch *batch, int table)
{
	return table < 0 ? -1 : (int)store_read_value(batch, (unsigned)table);
}

void
admin_read_facts(struct shard *shard, const struct jid *bare, admin_got_facts *done, void *arg)
{
	const struct server *server = shard->server;
	struct reading *reading = reading_create(shard, arg);
	struct store_batch *batch = begin_batch(shard, bare);
	int messages = table_named(server, "offline", "messages");

	reading->got_facts = done;
	(void)store_read_value(batch, server->tables[CORE_DISABLED]);
	(void)store_read_count(batch, server->tables[CORE_ROSTER], NULL);
	(void)store_read_count(batch, server->tables[CORE_REQUESTS], NULL);
	reading->last_login = read_named_value(batch, table_named(server, "admin", "login"));
	reading->last_left = read_named_value(batch, table_named(server, "last", "left"));
	reading->messages = reading->bytes = -1;
	if (messages >= 0) {
		reading->messages = (int)store_read_count(batch, (unsigned)messages, NULL);
		reading->bytes = (int)store_read_size(batch, (unsigned)messages);
	}
	store_fetch(batch, shard->number, tell_facts, reading);
}
