/* The tests' world: see world_test.h. */
#include "store/world_test.h"

#include "base/clock.h"

#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 30000 };

const struct store_table test_tables[TEST_TABLES] = {
	[NOTES] = { "notes.text", STORE_VALUE, 1 },
	[FRIENDS] = { "friends.list", STORE_SET, 1 },
	[CONTACTS] = { "contacts.items", STORE_MAP, 1 },
	[HISTORY] = { "history.entries", STORE_LOG, 1 },
};

void
world_init(struct world *w, bool sqlite)
{
	const char *base = getenv("TMPDIR");

	*w = (struct world){ .last = &w->first, .log_window = 3 };
	arena_init(&w->arena, 0);
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->filled, NULL);
	if (!sqlite) {
		w->memory = store_memory_create();
		return;
	}
	assert_true(asprintf(&w->dir, "%s/kith-store-XXXXXX", base == NULL ? "/tmp" : base) > 0);
	assert_non_null(mkdtemp(w->dir));
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

void
world_finish(struct world *w)
{
	world_close(w);
	store_memory_destroy(&w->memory);
	if (w->dir != NULL)
		(void)nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(w->dir);
	arena_finish(&w->arena);
	(void)pthread_mutex_destroy(&w->lock);
	(void)pthread_cond_destroy(&w->filled);
}

static void
post(void *arg, unsigned target, struct store_request *request)
{
	struct world *w = arg;

	assert_int_equal(target, 7);
	(void)pthread_mutex_lock(&w->lock);
	request->mailbox[0] = NULL;
	*w->last = request;
	w->last = (struct store_request **)(void *)&request->mailbox[0];
	(void)pthread_cond_signal(&w->filled);
	(void)pthread_mutex_unlock(&w->lock);
}

static void
notice(void *arg, enum store_notice what, struct slice sentence)
{
	struct world *w = arg;

	assert_true(sentence.len > 0 && sentence.p[sentence.len - 1] == '.');
	(void)pthread_mutex_lock(&w->lock);
	w->notices[what]++;
	(void)pthread_cond_signal(&w->filled);
	(void)pthread_mutex_unlock(&w->lock);
}

int
world_open_with(struct world *w, const struct store_table *tables, size_t count)
{
	struct store_config config = { w->dir, 0, w->wal_bytes, w->log_window, w->memory };
	struct store_env env = { w, post, notice };

	return store_open(&config, tables, count, &env, &w->arena, &w->store, &w->fault);
}

void
world_open(struct world *w)
{
	int r = world_open_with(w, test_tables, TEST_TABLES);

	if (r < 0)
		fail_msg("%.*s", SLICE_ARG(w->fault.cause));
}

/* With the lock. */
static struct store_request *
pop(struct world *w)
{
	struct store_request *request = w->first;

	if (request == NULL)
		return NULL;
	w->first = request->mailbox[0];
	if (w->first == NULL)
		w->last = &w->first;
	return request;
}

static void
finish(struct world *w, struct store_request *request)
{
	w->finished++;
	w->last_error = request->error;
	store_request_finish(request);
}

void
world_close(struct world *w)
{
	struct store_request *request;

	store_close(&w->store);
	while ((request = pop(w)) != NULL)
		finish(w, request);
}

static struct timespec
deadline(void)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec += PATIENCE_MS / 1000;
	return at;
}

void
world_wait(struct world *w, size_t count)
{
	struct timespec until = deadline();

	while (count > 0) {
		struct store_request *request;

		(void)pthread_mutex_lock(&w->lock);
		while ((request = pop(w)) == NULL) {
			if (pthread_cond_timedwait(&w->filled, &w->lock, &until) == ETIMEDOUT)
				break;
		}
		(void)pthread_mutex_unlock(&w->lock);
		if (request == NULL)
			fail_msg("%zu completions are missing", count);
		finish(w, request);
		count--;
	}
}

/* Nothing tells of what changes without a completion, so it is looked at now and then. */
void
world_until(struct world *w, bool (*is_so)(struct world *w))
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
	bool is;

	for (;;) {
		(void)pthread_mutex_lock(&w->lock);
		is = is_so(w);
		(void)pthread_mutex_unlock(&w->lock);
		if (is)
			return;
		if (clock_monotonic_ms() > end_ms)
			fail_msg("what was waited for did not happen");
		(void)nanosleep(&pause, NULL);
	}
}

int
world_commit(struct world *w, struct store_txn *txn)
{
	store_commit(txn, 7, NULL, NULL);
	world_wait(w, 1);
	return w->last_error;
}

void
world_put(struct world *w, const char *owner, const char *key, const char *value)
{
	struct store_txn *txn = store_txn_create(w->store, slice_of(owner));

	store_txn_map_put(txn, CONTACTS, slice_of(key), slice_of(value));
	store_commit(txn, 7, NULL, NULL);
}

struct reading {
	struct buffer text;
	bool done;
};

static void
add_row(struct buffer *text, const struct store_result *result, const struct store_row *row)
{
	if (text->len > 0)
		(void)buffer_text(text, " ");
	if (test_tables[result->table].kind == STORE_LOG && row->id != 0)
		(void)buffer_printf(text, "%lld:", (long long)row->stamp_ms);
	(void)buffer_append(text, row->key);
	(void)buffer_text(text, "=");
	(void)buffer_append(text, row->value);
}

static void
flatten(struct store_request *request)
{
	struct store_batch *batch = store_batch_of(request);
	struct reading *r = request->arg;

	assert_int_equal(request->error, 0);
	r->done = true;
	for (unsigned i = 0; i < store_result_count(batch); i++) {
		const struct store_result *result = store_result(batch, i);

		for (size_t k = 0; k < result->count; k++)
			add_row(&r->text, result, &result->rows[k]);
		if (result->count != result->total)
			(void)buffer_printf(&r->text, "#%llu", (unsigned long long)result->total);
		if (result->more)
			(void)buffer_text(&r->text, "…");
	}
}

struct slice
world_read(struct world *w, struct store_batch *batch)
{
	struct reading r = { .done = false };
	struct slice text;

	buffer_init(&r.text, 1 << 20);
	store_fetch(batch, 7, flatten, &r);
	while (!r.done)
		world_wait(w, 1);
	text = arena_copy(&w->arena, slice_make(r.text.len == 0 ? "" : r.text.data, r.text.len));
	buffer_finish(&r.text);
	return text;
}

const char *
world_path(struct world *w, const char *name)
{
	return arena_printf(&w->arena, "%s/%s", w->dir, name).p;
}

void
world_write_file(struct world *w, const char *name, off_t offset, struct slice bytes)
{
	int fd = open(world_path(w, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes.p, bytes.len, offset), bytes.len);
	(void)close(fd);
}

int
world_fill(struct world *w, const char *owner, size_t bytes)
{
	char *blob = calloc(1, 10000);
	int r = 0;

	assert_non_null(blob);
	for (size_t i = 0; r == 0 && i < bytes / 10000; i++) {
		struct store_txn *txn = store_txn_create(w->store, slice_of(owner));

		store_txn_map_put(
			txn, CONTACTS, arena_printf(&w->arena, "%zu", i), slice_make(blob, 10000));
		r = world_commit(w, txn);
	}
	free(blob);
	return r;
}

struct slice
world_read_contacts(struct world *w, const char *owner)
{
	struct store_batch *batch = store_batch_create(w->store, slice_of(owner));

	(void)store_read_map(batch, CONTACTS);
	return world_read(w, batch);
}

static struct world *
make_world(bool sqlite)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	world_init(w, sqlite);
	return w;
}

int
world_with_memory(void **state)
{
	*state = make_world(false);
	world_open(*state);
	return 0;
}

int
world_with_sqlite(void **state)
{
	*state = make_world(true);
	world_open(*state);
	return 0;
}

int
world_closed_sqlite(void **state)
{
	*state = make_world(true);
	return 0;
}

int
world_tear_down(void **state)
{
	world_finish(*state);
	free(*state);
	return 0;
}
