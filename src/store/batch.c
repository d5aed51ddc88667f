/* A batch of reads while it is built, and its results. All of it lies in the request's arena. */
#include "store/store_internal.h"

#include <assert.h>

struct store_batch *
store_batch_create(struct store *store, struct slice owner)
{
	struct store_batch *batch;
	struct arena arena;

	arena_init(&arena, 0);
	batch = arena_new(&arena, struct store_batch);
	batch->request.store = store;
	batch->owner = arena_copy(&arena, owner);
	batch->last = &batch->first;
	batch->request.arena = arena;
	return batch;
}

static struct read *
add(struct store_batch *batch, enum read_kind kind, unsigned table)
{
	struct read *read = arena_new(&batch->request.arena, struct read);

	assert(table < batch->request.store->table_count);
	read->kind = kind;
	read->result.table = table;
	*batch->last = read;
	batch->last = &read->next;
	batch->count++;
	return read;
}

static unsigned
add_kind(struct store_batch *batch, unsigned table, enum store_kind kind)
{
	assert(batch->request.store->tables[table].kind == kind);
	(void)add(batch, READ_ALL, table);
	return batch->count - 1;
}

unsigned
store_read_value(struct store_batch *batch, unsigned table)
{
	return add_kind(batch, table, STORE_VALUE);
}

unsigned
store_read_set(struct store_batch *batch, unsigned table)
{
	return add_kind(batch, table, STORE_SET);
}

unsigned
store_read_map(struct store_batch *batch, unsigned table)
{
	return add_kind(batch, table, STORE_MAP);
}

unsigned
store_read_key(struct store_batch *batch, unsigned table, struct slice key)
{
	struct read *read = add(batch, READ_KEY, table);
	enum store_kind kind = batch->request.store->tables[table].kind;

	assert(kind == STORE_SET || kind == STORE_MAP);
	(void)kind;
	read->key = arena_copy(&batch->request.arena, key);
	return batch->count - 1;
}

static void
copy_range(struct store_batch *batch, struct read *read, const struct store_range *range)
{
	if (range == NULL)
		return;
	read->range = *range;
	read->range.with = arena_copy(&batch->request.arena, range->with);
}

unsigned
store_read_log(struct store_batch *batch, unsigned table, const struct store_range *range)
{
	struct read *read = add(batch, READ_LOG, table);

	assert(batch->request.store->tables[table].kind == STORE_LOG);
	copy_range(batch, read, range);
	return batch->count - 1;
}

unsigned
store_read_count(struct store_batch *batch, unsigned table, const struct store_range *range)
{
	struct read *read = add(batch, READ_COUNT, table);

	copy_range(batch, read, range);
	return batch->count - 1;
}

unsigned
store_read_size(struct store_batch *batch, unsigned table)
{
	(void)add(batch, READ_SIZE, table);
	return batch->count - 1;
}

unsigned
store_read_owners(struct store_batch *batch, unsigned table, struct slice after, uint32_t limit)
{
	struct read *read = add(batch, READ_OWNERS, table);

	read->key = arena_copy(&batch->request.arena, after);
	read->range.limit = limit;
	return batch->count - 1;
}

void
store_fetch(struct store_batch *batch, unsigned target, void (*done)(struct store_request *request),
	void *arg)
{
	struct store *store = batch->request.store;

	batch->request.target = target;
	batch->request.done = done;
	batch->request.arg = arg;
	if (store_accepts(store, &batch->request))
		store->backend->fetch(store, batch);
}

struct store_batch *
store_batch_of(struct store_request *request)
{
	assert(!request->writes);
	return container_of(request, struct store_batch, request);
}

size_t
store_result_count(const struct store_batch *batch)
{
	return batch->count;
}

const struct store_result *
store_result(const struct store_batch *batch, unsigned position)
{
	const struct read *read = batch->first;

	assert(position < batch->count);
	while (position-- > 0)
		read = read->next;
	return &read->result;
}

void
store_batch_destroy(struct store_batch **batch)
{
	struct store_batch *gone = *batch;

	*batch = NULL;
	if (gone != NULL)
		store_request_drop(&gone->request);
}

struct slice
store_batch_owner(const struct store_batch *batch)
{
	return batch->owner;
}
