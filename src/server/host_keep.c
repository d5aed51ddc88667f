/*
 * In the store the owner is the domain, and all of its things lie in one map of the core, by their
 * full names. So a module that is not built in any more loses nothing, and what is new needs no new
 * table. A list of addresses is stored as lines; no address has a line feed.
 */
#include "server/host_keep.h"

#include "server/early_read.h"
#include "server/server_internal.h"
#include "server/visit.h"

#include <stdlib.h>

enum { KEPT_BLOCK = 512, KEPT_BYTES = STORE_MAX_BLOB };

/* One thing of one domain, on one shard. */
struct kept_value {
	struct arena arena;
	struct slice text; /* p NULL: nothing is kept */
	struct jid_set jids;
};

/* A domain that keeps something, or did. */
struct kept_host {
	struct map_node node; /* by domain */
	size_t count;
	struct kept_value values[]; /* by number */
};

static const struct kept_entry core_entries[] = {
	[CORE_KEPT_ADMINS] = { "admins", KEPT_JIDS },
	{ 0 },
};

static const struct jid_set nobody;

/* ---- Numbers ---- */

static void
add_slots(struct server *server, const char *module, const struct kept_entry *entry)
{
	for (; entry != NULL && entry->name != NULL; entry++) {
		server->kept = xrealloc(
			server->kept, size_mul(server->kept_count + 1, sizeof(*server->kept)));
		server->kept[server->kept_count++] = (struct kept_slot){ module, entry };
	}
}

void
host_keep_settle(struct server *server)
{
	add_slots(server, "core", core_entries);
	for (size_t i = 0; i < server->module_count; i++) {
		struct module_slot *slot = &server->modules[i];

		slot->first_kept = (unsigned)server->kept_count;
		add_slots(server, slot->module->name, slot->module->kept);
	}
}

static unsigned
number_of(const struct server *server, const struct module *module, unsigned entry)
{
	return (module == NULL ? 0 : server_module(server, module)->first_kept) + entry;
}

static struct slice
name_of(const struct server *server, size_t number, struct arena *arena)
{
	const struct kept_slot *slot = &server->kept[number];

	return arena_printf(arena, "%s.%s", slot->module, slot->entry->name);
}

/* ---- A shard's copy ---- */

static struct kept_host *
find_host(const struct shard *shard, struct slice domain)
{
	struct map_node *node = map_find(&shard->kept, domain);

	return node == NULL ? NULL : container_of(node, struct kept_host, node);
}

static struct kept_host *
add_host(struct shard *shard, struct slice domain)
{
	size_t count = shard->server->kept_count;
	struct kept_host *host = xcalloc(
		1, sizeof(*host) + size_mul(count, sizeof(struct kept_value)));

	host->count = count;
	host->node.key = slice_make(xstrndup(domain.p, domain.len), domain.len);
	map_insert(&shard->kept, &host->node);
	return host;
}

/* The lines of a list; a line that is no address is left out. */
static void
read_jids(struct kept_value *value)
{
	struct slice rest = value->text;

	jid_set_init(&value->jids, &value->arena);
	while (rest.len > 0) {
		size_t end = slice_find(rest, '\n');
		struct jid jid;

		if (jid_parse(slice_make(rest.p, end), &value->arena, &jid) == 0)
			(void)jid_set_add(&value->jids, &jid);
		rest = end == rest.len ? NO_SLICE : slice_from(rest, end + 1);
	}
}

static void
replace(struct shard *shard, struct slice domain, unsigned number, struct slice text)
{
	struct kept_host *host = find_host(shard, domain);
	struct kept_value *value;

	if (host == NULL)
		host = add_host(shard, domain);
	value = &host->values[number];
	arena_finish(&value->arena);
	*value = (struct kept_value){ .text = NO_SLICE };
	if (text.p == NULL)
		return;
	arena_init(&value->arena, KEPT_BLOCK);
	value->text = arena_copy(&value->arena, text);
	if (shard->server->kept[number].entry->kind == KEPT_JIDS)
		read_jids(value);
}

void
host_keep_finish(struct shard *shard)
{
	struct map_node *node;
	size_t at = 0;

	while ((node = map_next(&shard->kept, &at)) != NULL) {
		struct kept_host *host = container_of(node, struct kept_host, node);

		for (size_t i = 0; i < host->count; i++)
			arena_finish(&host->values[i].arena);
		free((void *)(uintptr_t)host->node.key.p);
		free(host);
	}
	map_finish(&shard->kept);
}

/* NULL: nothing. Most servers keep nothing at all, which costs them a look at a count. */
static const struct kept_value *
find_value(const struct shard *shard, const struct host *host, const struct module *module,
	unsigned entry)
{
	const struct kept_host *kept;

	if (shard->kept.count == 0)
		return NULL;
	kept = find_host(shard, host_domain(host));
	return kept == NULL ? NULL : &kept->values[number_of(shard->server, module, entry)];
}

struct slice
host_kept_text(
	struct shard *shard, const struct host *host, const struct module *module, unsigned entry)
{
	const struct kept_value *value = find_value(shard, host, module, entry);

	return value == NULL ? NO_SLICE : value->text;
}

const struct jid_set *
host_kept_jids(
	struct shard *shard, const struct host *host, const struct module *module, unsigned entry)
{
	const struct kept_value *value = find_value(shard, host, module, entry);

	return value == NULL ? &nobody : &value->jids;
}

/* ---- Changes ---- */

struct change {
	struct task task; /* between who asked and the home */
	struct shard *origin, *home;
	struct arena arena;
	struct slice domain, text;
	unsigned number;
	int error;
	host_kept *done;
	void *arg;
};

static void
tell(struct task *task)
{
	struct change *change = container_of(task, struct change, task);

	if (change->done != NULL)
		change->done(change->arg, change->error);
	arena_finish(&change->arena);
	free(change);
}

static void
go_back(struct shard *home, void *arg)
{
	struct change *change = arg;

	(void)home;
	change->task.run = tell;
	loop_post(change->origin->loop, &change->task);
}

static void
take(struct shard *shard, void *arg)
{
	const struct change *change = arg;

	replace(shard, change->domain, change->number, change->text);
}

static void
stored(struct store_request *request)
{
	struct change *change = request->arg;

	change->error = request->error;
	if (change->error == 0)
		visit_all(change->home, take, go_back, change);
	else
		go_back(change->home, change);
}

/* The home alone stores for its domain, so all shards see changes in the order of the disk. */
static void
store_it(struct task *task)
{
	struct change *change = container_of(task, struct change, task);
	struct server *server = change->home->server;
	struct store_txn *txn = store_txn_create(server->store, change->domain);
	unsigned table = server->tables[CORE_KEPT];
	struct slice name = name_of(server, change->number, &change->arena);

	if (change->text.p == NULL)
		store_txn_map_delete(txn, table, name);
	else
		store_txn_map_put(txn, table, name, change->text);
	store_commit(txn, change->home->number, stored, change);
}

void
host_keep_text(struct shard *shard, const struct host *host, const struct module *module,
	unsigned entry, struct slice text, host_kept *done, void *arg)
{
	struct change *change = xcalloc(1, sizeof(*change));

	arena_init(&change->arena, 0);
	change->origin = shard;
	change->home = server_home(shard->server, host_domain(host));
	change->domain = arena_copy(&change->arena, host_domain(host));
	change->text = text.p == NULL ? NO_SLICE : arena_copy(&change->arena, text);
	change->number = number_of(shard->server, module, entry);
	change->done = done;
	change->arg = arg;
	change->task.run = store_it;
	loop_post(change->home->loop, &change->task);
}

void
host_keep_jids(struct shard *shard, const struct host *host, const struct module *module,
	unsigned entry, const struct jid_list *jids, host_kept *done, void *arg)
{
	struct buffer lines;

	buffer_init(&lines, KEPT_BYTES);
	for (size_t i = 0; i < jids->count; i++) {
		if (i > 0)
			(void)buffer_text(&lines, "\n");
		(void)buffer_append(&lines, jids->v[i].full);
	}
	host_keep_text(shard, host, module, entry,
		jids->count == 0 ? NO_SLICE : buffer_slice(&lines), done, arg);
	buffer_finish(&lines);
}

/* ---- The beginning ---- */

static void
load_value(struct server *server, struct slice domain, const struct store_row *row)
{
	struct arena arena;

	arena_init(&arena, 0);
	for (unsigned number = 0; number < server->kept_count; number++) {
		if (!slice_is(row->key, name_of(server, number, &arena)))
			continue;
		for (unsigned i = 0; i < server->shard_count; i++)
			replace(server->shards[i], domain, number, row->value);
	}
	arena_finish(&arena);
}

/* Of one domain. */
struct loading {
	struct server *server;
	struct store_memory *memory;
};

static int
load_host(struct slice domain, void *arg)
{
	const struct loading *loading = arg;
	struct server *server = loading->server;
	struct store_batch *batch = store_batch_create(server->store, domain);
	const struct store_result *found;
	struct store_request *request;
	int r;

	(void)store_read_map(batch, server->tables[CORE_KEPT]);
	request = early_read(server, loading->memory, batch);
	found = store_result(store_batch_of(request), 0);
	for (size_t i = 0; i < found->count; i++)
		load_value(server, domain, &found->rows[i]);
	r = request->error;
	store_request_finish(request);
	return r;
}

int
host_keep_load(struct server *server, struct store_memory *memory, struct config_error *error)
{
	struct loading loading = { .server = server, .memory = memory };
	int r = early_read_owners(server, memory, server->tables[CORE_KEPT], load_host, &loading);

	if (r < 0)
		(void)snprintf(error->text, sizeof(error->text),
			"what the hosts keep cannot be read from the database (%s); look at the "
			"disk and the log",
			strerror(-r));
	return r;
}
