/*
 * What is the same whatever stores: opening, the way of a completed request, results while they
 * are collected. The back ends differ behind a table of functions.
 */
#include "store/store_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static const char *const kind_names[] = {
	[STORE_VALUE] = "value",
	[STORE_SET] = "set",
	[STORE_MAP] = "map",
	[STORE_LOG] = "log",
};

static bool
name_is_good(const char *name)
{
	return name[0] >= 'a' && name[0] <= 'z' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-")] == '\0';
}

static void
assert_tables_are_good(const struct store_table *tables, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert(name_is_good(tables[i].name) && tables[i].version > 0);
		for (size_t k = 0; k < i; k++)
			assert(strcmp(tables[i].name, tables[k].name) != 0);
	}
}

int
store_open(const struct store_config *config, const struct store_table *tables, size_t count,
	const struct store_env *env, struct arena *arena, struct store **store_out,
	struct store_fault *fault_out)
{
	assert_tables_are_good(tables, count);
	if (config->dir == NULL)
		return memory_open(config, tables, count, env, arena, store_out, fault_out);
	return sqlite_open(config, tables, count, env, arena, store_out, fault_out);
}

void
store_close(struct store **store)
{
	struct store *closing = *store;

	*store = NULL;
	if (closing != NULL)
		closing->backend->close(closing);
}

void
store_init(struct store *store, const struct store_backend *backend, const struct store_env *env,
	const struct store_table *tables, size_t count)
{
	struct store_table *copy;

	store->backend = backend;
	store->env = *env;
	arena_init(&store->arena, 0);
	copy = arena_array(&store->arena, count, struct store_table);
	for (size_t i = 0; i < count; i++) {
		copy[i] = tables[i];
		copy[i].name = arena_copy(&store->arena, slice_of(tables[i].name)).p;
	}
	store->tables = copy;
	store->table_count = count;
}

void
store_post(struct store *store, struct store_request *request, int error)
{
	request->error = error;
	store->env.post(store->env.arg, request->target, request);
	/* After that, so that nothing pends means that everything is in the mailboxes. */
	atomic_fetch_sub(&store->pending, 1);
}

void
store_refuse(struct store *store)
{
	atomic_store(&store->refuses, true);
}

bool
store_accepts(struct store *store, struct store_request *request)
{
	atomic_fetch_add(&store->pending, 1);
	if (!atomic_load_explicit(&store->refuses, memory_order_relaxed))
		return true;
	store_post(store, request, -ECANCELED);
	return false;
}

size_t
store_pending(const struct store *store)
{
	return atomic_load(&store->pending);
}

void
store_notify(const struct store *store, enum store_notice notice, struct slice sentence)
{
	if (store->env.notice != NULL)
		store->env.notice(store->env.arg, notice, sentence);
}

void
store_request_finish(struct store_request *request)
{
	if (request->done != NULL)
		request->done(request);
	store_request_drop(request);
}

void
store_request_drop(struct store_request *request)
{
	struct arena arena = request->arena; /* the request itself lies in it */

	arena_finish(&arena);
}

void
store_backup(struct store *store, unsigned target, void (*done)(struct store_request *request),
	void *arg)
{
	struct arena arena;
	struct store_request *request;

	arena_init(&arena, 0);
	request = arena_new(&arena, struct store_request);
	*request = (struct store_request){
		.arena = arena, .store = store, .target = target, .done = done, .arg = arg
	};
	if (store_accepts(store, request))
		store->backend->backup(store, request);
}

void
store_cancel_backup(struct store *store)
{
	store->backend->cancel_backup(store);
}

void
store_get_stats(struct store *store, struct store_stats *out)
{
	store->backend->get_stats(store, out);
}

bool
store_is_busy(const struct store *store)
{
	return store->backend->is_busy(store);
}

int
store_table_check(const struct store_table *declared, int64_t stored_kind, int64_t stored_version,
	struct arena *arena, struct store_fault *fault_out)
{
	if (stored_version > declared->version) {
		fault_out->cause = arena_printf(arena,
			"The stored table \"%s\" has form %lld, and this program knows forms up to "
			"%u.",
			declared->name, (long long)stored_version, declared->version);
		fault_out->cure = SLICE(
			"Run the newer version that wrote it, or restore a backup.");
		return -EPROTO;
	}
	if (stored_kind == (int64_t)declared->kind)
		return 0;
	fault_out->cause = arena_printf(arena,
		"The table \"%s\" is stored as another kind than the %s that this program keeps.",
		declared->name, kind_names[declared->kind]);
	fault_out->cure = SLICE("Run the version that wrote it, or restore a backup.");
	return -EINVAL;
}

void
row_list_add(struct row_list *list, const struct store_row *row)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity == 0 ? 16 : size_mul(list->capacity, 2);
		list->rows = xrealloc(list->rows, size_mul(list->capacity, sizeof(*row)));
	}
	list->rows[list->count++] = *row;
}

void
row_list_take(
	struct row_list *list, uint32_t limit, struct arena *arena, struct store_result *result)
{
	size_t count = list->count;
	struct store_row *rows;

	result->more = limit != 0 && count > limit;
	if (result->more)
		count = limit;
	rows = arena_array(arena, count, struct store_row);
	if (count > 0)
		memcpy(rows, list->rows, count * sizeof(*rows));
	result->rows = rows;
	result->count = count;
	result->total = count;
	free(list->rows);
	*list = (struct row_list){ 0 };
}

static int64_t
id_bound(uint64_t id)
{
	return id > INT64_MAX ? INT64_MAX : (int64_t)id;
}

struct bounds
range_bounds(const struct store_range *range)
{
	struct bounds bounds = { 1, INT64_MAX, INT64_MIN, INT64_MAX };

	if (range->after != 0)
		bounds.first_id = range->after < INT64_MAX ? (int64_t)range->after + 1 : INT64_MAX;
	if (range->before != 0)
		bounds.last_id = id_bound(range->before - 1);
	if (range->since_ms != 0)
		bounds.since_ms = range->since_ms;
	if (range->until_ms != 0)
		bounds.until_ms = range->until_ms;
	return bounds;
}
