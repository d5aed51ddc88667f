/*
 * The SQLite back end's handle. One thread writes and makes the checkpoints, a few threads read;
 * requests come to them through queues under one lock.
 *
 * Reads must see the writes of their owner that were asked for before. Each transaction has a
 * ticket, its number; a small table remembers the last ticket of each owner (by a hash: two
 * owners in one slot cost a wait, not an error). A read whose owner's ticket is not committed
 * yet is parked, and the writer lets it go after the commit.
 */
#include "store/sqlite_internal.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { READERS = 2, WAL_BYTES = 8 << 20, BUSY_BYTES = 8 << 20, LOG_WINDOW = 1 << 18 };

static struct sqlite_store *
sqlite_of(struct store *store)
{
	return container_of(store, struct sqlite_store, store);
}

void
requests_init(struct request_queue *queue)
{
	queue->first = NULL;
	queue->last = &queue->first;
	queue->count = 0;
}

void
requests_append(struct request_queue *queue, struct store_request *request)
{
	request->next = NULL;
	*queue->last = request;
	queue->last = &request->next;
	queue->count++;
}

struct store_request *
requests_pop(struct request_queue *queue)
{
	struct store_request *request = queue->first;

	if (request == NULL)
		return NULL;
	queue->first = request->next;
	if (queue->first == NULL)
		queue->last = &queue->first;
	queue->count--;
	return request;
}

/* FNV-1a. A peer who makes owners collide delays reads by a commit, no more. */
static size_t
owner_slot(struct slice owner)
{
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < owner.len; i++)
		hash = (hash ^ (unsigned char)owner.p[i]) * 16777619;
	return (hash ^ hash >> 16) % OWNER_SLOTS;
}

static void
sqlite_commit(struct store *store, struct store_txn *txn)
{
	struct sqlite_store *s = sqlite_of(store);
	uint64_t sent_us = clock_monotonic_us();
	bool wakes = false;

	(void)pthread_mutex_lock(&s->lock);
	assert(!s->ending);
	if (s->fenced) {
		s->stats.txns_failed++;
		store_post(store, &txn->request, -EIO);
	} else {
		txn->ticket = ++s->last_ticket;
		txn->sent_us = sent_us;
		s->owner_ticket[owner_slot(txn->owner)] = txn->ticket;
		requests_append(&s->writes, &txn->request);
		atomic_fetch_add(&s->queued_bytes, txn->bytes);
		wakes = s->writes.count == 1;
	}
	(void)pthread_mutex_unlock(&s->lock);
	/* Who is woken wants the lock, so it is woken when the lock is free. */
	if (wakes)
		(void)pthread_cond_signal(&s->writer_wakes);
}

static uint64_t
ticket_to_see(const struct sqlite_store *s, const struct store_batch *batch)
{
	for (const struct read *read = batch->first; read != NULL; read = read->next) {
		if (read->kind == READ_OWNERS)
			return s->last_ticket;
	}
	return s->owner_ticket[owner_slot(batch->owner)];
}

static void
sqlite_fetch(struct store *store, struct store_batch *batch)
{
	struct sqlite_store *s = sqlite_of(store);
	bool wakes = false;

	(void)pthread_mutex_lock(&s->lock);
	assert(!s->ending);
	batch->ticket = ticket_to_see(s, batch);
	if (s->fenced) {
		store_post(store, &batch->request, -EIO);
	} else if (batch->ticket > s->done_ticket) {
		requests_append(&s->parked, &batch->request);
	} else {
		requests_append(&s->ready, &batch->request);
		wakes = true;
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (wakes)
		(void)pthread_cond_signal(&s->readers_wake);
}

static void
sqlite_get_stats(struct store *store, struct store_stats *out)
{
	struct sqlite_store *s = sqlite_of(store);

	(void)pthread_mutex_lock(&s->lock);
	*out = s->stats;
	out->queued_txns = s->writes.count;
	out->queued_batches = s->parked.count + s->ready.count;
	out->fenced = s->fenced;
	out->full = s->full;
	(void)pthread_mutex_unlock(&s->lock);
	out->queued_bytes = atomic_load(&s->queued_bytes);
	out->memory_bytes = (uint64_t)sqlite3_memory_used();
}

static bool
sqlite_is_busy(const struct store *store)
{
	const struct sqlite_store *s = (const struct sqlite_store *)(const void *)store;

	_Static_assert(offsetof(struct sqlite_store, store) == 0, "the cast above");
	return atomic_load_explicit(&s->queued_bytes, memory_order_relaxed) > BUSY_BYTES;
}

static void
end_threads(struct sqlite_store *s)
{
	sqlite_end_backup(s);
	(void)pthread_mutex_lock(&s->lock);
	s->ending = true;
	(void)pthread_cond_broadcast(&s->writer_wakes);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->writer, NULL);
	(void)pthread_mutex_lock(&s->lock);
	(void)pthread_cond_broadcast(&s->readers_wake);
	(void)pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < s->reader_count; i++)
		(void)pthread_join(s->readers[i].thread, NULL);
}

/* Closes every connection, without a checkpoint. */
static void
close_connections(struct sqlite_store *s)
{
	for (unsigned i = 0; i < s->reader_count; i++)
		sql_close(&s->readers[i].conn);
	sql_close(&s->conn);
}

static void
free_handle(struct sqlite_store *s)
{
	close_connections(s);
	logs_finish(&s->logs);
	db_close(&s->file);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_cond_destroy(&s->writer_wakes);
	(void)pthread_cond_destroy(&s->readers_wake);
	(void)pthread_cond_destroy(&s->readers_rest);
	free(s->readers);
	arena_finish(&s->store.arena);
	free(s);
}

/* Everything into the database and the log gone: the next start has nothing to look for. */
static void
close_cleanly(struct sqlite_store *s)
{
	int64_t blocked = 1;

	for (unsigned i = 0; i < s->reader_count; i++)
		sql_close(&s->readers[i].conn);
	if (sql_number(&s->conn, "PRAGMA wal_checkpoint(TRUNCATE)", &blocked) < 0 || blocked != 0)
		return;
	(void)sqlite3_db_config(s->conn.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	sql_close(&s->conn);
	(void)db_mark(&s->file, DB_CLOSED);
}

static void
sqlite_close_store(struct store *store)
{
	struct sqlite_store *s = sqlite_of(store);

	end_threads(s);
	if (!s->fenced)
		close_cleanly(s);
	free_handle(s);
}

static const struct store_backend sqlite_backend = {
	.commit = sqlite_commit,
	.fetch = sqlite_fetch,
	.get_stats = sqlite_get_stats,
	.is_busy = sqlite_is_busy,
	.backup = sqlite_backup,
	.cancel_backup = sqlite_cancel_backup,
	.close = sqlite_close_store,
};

static struct sqlite_store *
make_handle(const struct store_config *config, const struct store_table *tables, size_t count,
	const struct store_env *env)
{
	struct sqlite_store *s = xcalloc(1, sizeof(*s));
	pthread_condattr_t monotonic;

	store_init(&s->store, &sqlite_backend, env, tables, count);
	s->file.lock_fd = -1;
	s->wal_limit = config->wal_bytes == 0 ? WAL_BYTES : config->wal_bytes;
	s->log_window = config->log_window == 0 ? LOG_WINDOW : config->log_window;
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->writer_wakes, &monotonic);
	(void)pthread_cond_init(&s->readers_wake, &monotonic);
	(void)pthread_cond_init(&s->readers_rest, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	requests_init(&s->writes);
	requests_init(&s->parked);
	requests_init(&s->ready);
	s->reader_count = config->readers == 0 ? READERS : config->readers;
	s->readers = xcalloc(s->reader_count, sizeof(*s->readers));
	for (unsigned i = 0; i < s->reader_count; i++)
		s->readers[i].store = s;
	return s;
}

/*
 * After an unclean stop the file is looked through before anyone builds on it. That takes a second
 * for each few hundred MB; where only the process died the kernel has kept all that it wrote.
 */
static int
check_after_crash(struct sqlite_store *s, struct arena *arena, struct slice *finding)
{
	if (!s->file.was_unclean)
		return 0;
	if (s->file.was_killed) {
		store_notify(&s->store, STORE_KILLED,
			arena_printf(arena, "The database %s was not closed; it needs no check.",
				s->file.path));
		return 0;
	}
	store_notify(&s->store, STORE_CHECKING,
		arena_printf(arena, "The database %s was not closed; it is being checked.",
			s->file.path));
	return db_check(&s->conn, arena, finding);
}

static int
open_readers(struct sqlite_store *s)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < s->reader_count; i++) {
		r = sql_open(&s->readers[i].conn, s->file.path, true);
		if (r == 0)
			sql_use_tables(&s->readers[i].conn, &s->tables, &s->logs);
	}
	return r;
}

static int
open_connections(struct sqlite_store *s, struct arena *arena, struct slice *finding,
	struct store_fault *fault_out)
{
	int r = sql_open(&s->conn, s->file.path, false);

	if (r == 0)
		r = check_after_crash(s, arena, finding);
	if (r == 0)
		r = schema_prepare(&s->conn, &s->file, s->store.tables, s->store.table_count,
			&s->store.arena, &s->tables, arena, fault_out);
	if (r == 0)
		r = schema_read_id_limit(&s->conn, &s->ids.limit);
	if (r == 0)
		r = db_mark(&s->file, DB_SOUND);
	if (r < 0)
		return r;
	atomic_store(&s->store.last_id, (uint64_t)s->ids.limit + STORE_ID_GAP);
	logs_init(&s->logs, &s->tables, s->log_window);
	sql_use_tables(&s->conn, &s->tables, &s->logs);
	sqlite_watch_wal(s);
	r = logs_load(&s->conn);
	return r < 0 ? r : open_readers(s);
}

/* Of a refused start nothing stays: without a log before us, closing takes ours away. */
static void
leave_as_it_was(struct sqlite_store *s)
{
	if (s->conn.db != NULL && !s->file.has_log)
		(void)sqlite3_db_config(s->conn.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
	close_connections(s);
	db_forget(&s->file);
}

static void
start_threads(struct sqlite_store *s)
{
	int r = pthread_create(&s->writer, NULL, sqlite_writer_main, s);

	for (unsigned i = 0; r == 0 && i < s->reader_count; i++)
		r = pthread_create(&s->readers[i].thread, NULL, sqlite_reader_main, &s->readers[i]);
	if (r != 0)
		die("No thread could be started; raise the limit of processes.");
}

int
sqlite_open(const struct store_config *config, const struct store_table *tables, size_t count,
	const struct store_env *env, struct arena *arena, struct store **store_out,
	struct store_fault *fault_out)
{
	struct sqlite_store *s = make_handle(config, tables, count, env);
	struct slice finding = SLICE("SQLite cannot read it");
	int r;

	*fault_out = (struct store_fault){ NO_SLICE, NO_SLICE };
	r = db_open(&s->file, config->dir, arena, fault_out);
	if (r == 0)
		r = open_connections(s, arena, &finding, fault_out);
	if (r < 0) {
		if (fault_out->cause.p == NULL)
			r = db_fault(&s->file, r, finding, arena, fault_out);
		leave_as_it_was(s);
		free_handle(s);
		return r;
	}
	(void)unlink(s->file.backup_path); /* of a process that was killed */
	start_threads(s);
	*store_out = &s->store;
	return 0;
}
