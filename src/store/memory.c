/*
 * The memory back end: the same promises without a disk. A request is executed where it is made
 * and its completion is posted, so whoever asks sees the same order of things as with a disk.
 * The data is an object of its own that outlives the handle as a disk outlives a process; a test
 * or the simulation can let it fail, hold it, and crash the handle.
 *
 * One lock for everything: this is for tests, and for hosts that keep nothing.
 */
#include "store/memory_internal.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct memory_handle;

struct store_memory {
	pthread_mutex_t lock;
	struct map tables; // memory_table.node
	uint64_t last_id;
	uint64_t fail_skip, fail_count; /* which transactions from now on fail, */
	int fail_error;                 /* and how */
	bool held;
	struct memory_handle *user;
};

struct memory_handle {
	struct store store;
	struct store_memory *memory;
	bool owns_memory;
	struct memory_table **tables;          /* by the store's numbers */
	struct store_request *waiting, **last; /* while held */
	struct store_stats stats;
};

struct store_memory *
store_memory_create(void)
{
	struct store_memory *memory = xcalloc(1, sizeof(*memory));

	(void)pthread_mutex_init(&memory->lock, NULL);
	map_init(&memory->tables);
	return memory;
}

void
store_memory_destroy(struct store_memory **memory_ptr)
{
	struct store_memory *memory = *memory_ptr;
	struct map_node *node;

	*memory_ptr = NULL;
	if (memory == NULL)
		return;
	assert(memory->user == NULL);
	for (size_t at = 0; (node = map_next(&memory->tables, &at)) != NULL;)
		memory_table_destroy(container_of(node, struct memory_table, node));
	map_finish(&memory->tables);
	(void)pthread_mutex_destroy(&memory->lock);
	free(memory);
}

void
store_memory_fail(struct store_memory *memory, uint64_t skip, uint64_t count, int error)
{
	(void)pthread_mutex_lock(&memory->lock);
	memory->fail_skip = skip;
	memory->fail_count = count;
	memory->fail_error = error;
	(void)pthread_mutex_unlock(&memory->lock);
}

/* Whether this transaction is one of those that shall fail. */
static int
injected_failure(struct store_memory *memory)
{
	if (memory->fail_count == 0)
		return 0;
	if (memory->fail_skip > 0) {
		memory->fail_skip--;
		return 0;
	}
	memory->fail_count--;
	return memory->fail_error;
}

static void
count_commit(struct store_stats *stats, const struct store_txn *txn)
{
	stats->commits++;
	stats->txns++;
	stats->rows += txn->rows;
	stats->bytes += txn->bytes;
	stats->commit_us[0]++;
	stats->group_size[0]++;
	histogram_add(&stats->answer_us, STORE_ANSWER_SHIFT, 0);
	histogram_add(&stats->group_rows, STORE_ROWS_SHIFT, txn->rows);
}

static int
execute_txn(struct memory_handle *handle, struct store_txn *txn)
{
	int r = txn->refused;

	if (r == 0)
		r = memory_check(handle->tables, txn);
	if (r < 0) {
		handle->stats.txns_refused++;
		return r;
	}
	r = injected_failure(handle->memory);
	if (r < 0) {
		handle->stats.txns_failed++;
		return r;
	}
	memory_apply(handle->tables, &handle->memory->tables, txn, &handle->memory->last_id);
	count_commit(&handle->stats, txn);
	return 0;
}

static void
execute_batch(struct memory_handle *handle, struct store_batch *batch)
{
	handle->stats.batches++;
	for (struct read *read = batch->first; read != NULL; read = read->next) {
		memory_read(handle->tables[read->result.table], batch->owner, read,
			&batch->request.arena);
		handle->stats.reads++;
		handle->stats.rows_read += read->result.count;
	}
}

static void
execute(struct memory_handle *handle, struct store_request *request)
{
	int r = 0;

	if (request->writes)
		r = execute_txn(handle, store_txn_of(request));
	else
		execute_batch(handle, store_batch_of(request));
	store_post(&handle->store, request, r);
}

static void
execute_waiting(struct memory_handle *handle)
{
	struct store_request *request = handle->waiting;

	handle->waiting = NULL;
	handle->last = &handle->waiting;
	while (request != NULL) {
		struct store_request *next = request->next;

		execute(handle, request);
		request = next;
	}
}

void
store_memory_hold(struct store_memory *memory, bool hold)
{
	(void)pthread_mutex_lock(&memory->lock);
	memory->held = hold;
	if (!hold && memory->user != NULL)
		execute_waiting(memory->user);
	(void)pthread_mutex_unlock(&memory->lock);
}

static struct slice
owner_of(struct store_request *request)
{
	return request->writes ? store_txn_owner(store_txn_of(request))
			       : store_batch_owner(store_batch_of(request));
}

/* Whether it must wait for a transaction before it: of the same owner, or as another one. */
static bool
is_behind(const struct memory_handle *handle, struct store_request *request)
{
	struct store_request *earlier = handle->waiting;

	for (; earlier != request; earlier = earlier->next) {
		if (earlier->writes &&
			(request->writes || slice_is(owner_of(earlier), owner_of(request))))
			return true;
	}
	return false;
}

static void
take_out(struct memory_handle *handle, struct store_request *request)
{
	struct store_request **at = &handle->waiting;

	while (*at != request)
		at = &(*at)->next;
	*at = request->next;
	if (*at == NULL)
		handle->last = at;
}

bool
store_memory_step(struct store_memory *memory, unsigned number)
{
	struct store_request *request = NULL;

	(void)pthread_mutex_lock(&memory->lock);
	if (memory->user != NULL)
		request = memory->user->waiting;
	for (; request != NULL && number > 0 && request->next != NULL; number--)
		request = request->next;
	while (request != NULL && is_behind(memory->user, request))
		request = memory->user->waiting;
	if (request != NULL) {
		take_out(memory->user, request);
		execute(memory->user, request);
	}
	(void)pthread_mutex_unlock(&memory->lock);
	return request != NULL;
}

static void
submit(struct store *store, struct store_request *request)
{
	struct memory_handle *handle = container_of(store, struct memory_handle, store);

	(void)pthread_mutex_lock(&handle->memory->lock);
	if (handle->memory->held) {
		request->next = NULL;
		*handle->last = request;
		handle->last = &request->next;
	} else {
		execute(handle, request);
	}
	(void)pthread_mutex_unlock(&handle->memory->lock);
}

static void
memory_commit(struct store *store, struct store_txn *txn)
{
	submit(store, &txn->request);
}

static void
memory_fetch(struct store *store, struct store_batch *batch)
{
	submit(store, &batch->request);
}

static void
memory_get_stats(struct store *store, struct store_stats *out)
{
	struct memory_handle *handle = container_of(store, struct memory_handle, store);

	(void)pthread_mutex_lock(&handle->memory->lock);
	*out = handle->stats;
	(void)pthread_mutex_unlock(&handle->memory->lock);
}

static void
memory_backup(struct store *store, struct store_request *request)
{
	store_post(store, request, -ENOTSUP);
}

static void
memory_cancel_backup(struct store *store)
{
	(void)store;
}

static bool
memory_is_busy(const struct store *store)
{
	(void)store;
	return false;
}

static void
free_handle(struct memory_handle *handle)
{
	struct store_memory *memory = handle->memory;

	(void)pthread_mutex_lock(&memory->lock);
	memory->user = NULL;
	(void)pthread_mutex_unlock(&memory->lock);
	if (handle->owns_memory)
		store_memory_destroy(&memory);
	free(handle->tables);
	arena_finish(&handle->store.arena);
	free(handle);
}

static void
memory_close(struct store *store)
{
	struct memory_handle *handle = container_of(store, struct memory_handle, store);

	(void)pthread_mutex_lock(&handle->memory->lock);
	execute_waiting(handle);
	(void)pthread_mutex_unlock(&handle->memory->lock);
	free_handle(handle);
}

static const struct store_backend memory_backend = {
	.commit = memory_commit,
	.fetch = memory_fetch,
	.get_stats = memory_get_stats,
	.is_busy = memory_is_busy,
	.backup = memory_backup,
	.cancel_backup = memory_cancel_backup,
	.close = memory_close,
};

void
store_memory_crash(struct store **store)
{
	struct memory_handle *handle = container_of(*store, struct memory_handle, store);
	struct store_request *request = handle->waiting;

	assert((*store)->backend == &memory_backend);
	*store = NULL;
	while (request != NULL) {
		struct store_request *next = request->next;

		store_request_drop(request);
		request = next;
	}
	free_handle(handle);
}

static struct memory_table *
find_table(const struct store_memory *memory, const char *name)
{
	struct map_node *node = map_find(&memory->tables, slice_of(name));

	return node == NULL ? NULL : container_of(node, struct memory_table, node);
}

static struct memory_table *
need_table(struct store_memory *memory, const struct store_table *declared)
{
	struct memory_table *table = find_table(memory, declared->name);

	if (table == NULL) {
		table = xcalloc(1, sizeof(*table));
		table->name = xstrndup(declared->name, strlen(declared->name));
		table->node.key = slice_of(table->name);
		table->kind = declared->kind;
		map_init(&table->owners);
		map_insert(&memory->tables, &table->node);
	}
	table->version = declared->version;
	return table;
}

static int
check_tables(const struct store_memory *memory, const struct store_table *tables, size_t count,
	struct arena *arena, struct store_fault *fault_out)
{
	for (size_t i = 0; i < count; i++) {
		const struct memory_table *table = find_table(memory, tables[i].name);
		int r = 0;

		if (table != NULL)
			r = store_table_check(
				&tables[i], table->kind, table->version, arena, fault_out);
		if (r < 0)
			return r;
	}
	return 0;
}

static struct memory_handle *
make_handle(struct store_memory *memory, const struct store_env *env,
	const struct store_table *tables, size_t count)
{
	struct memory_handle *handle = xcalloc(1, sizeof(*handle));

	store_init(&handle->store, &memory_backend, env, tables, count);
	atomic_store(&handle->store.last_id, memory->last_id + STORE_ID_GAP);
	handle->memory = memory;
	handle->last = &handle->waiting;
	handle->tables = xcalloc(count, sizeof(struct memory_table *));
	for (size_t i = 0; i < count; i++)
		handle->tables[i] = need_table(memory, &tables[i]);
	memory->user = handle;
	return handle;
}

int
memory_open(const struct store_config *config, const struct store_table *tables, size_t count,
	const struct store_env *env, struct arena *arena, struct store **store_out,
	struct store_fault *fault_out)
{
	struct store_memory *memory = config->memory;
	struct memory_handle *handle;
	int r;

	if (memory == NULL)
		memory = store_memory_create();
	assert(memory->user == NULL);
	r = check_tables(memory, tables, count, arena, fault_out);
	if (r < 0)
		return r;
	handle = make_handle(memory, env, tables, count);
	handle->owns_memory = config->memory == NULL;
	*store_out = &handle->store;
	return 0;
}
