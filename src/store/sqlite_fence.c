/*
 * What the writer does when the disk fails.
 *
 * After an error other than a full disk nobody knows what is on the disk: the kernel may have
 * dropped pages that it could not write, and says so only once. The store is fenced: what waits and
 * what comes is refused, all connections are closed, so that the log is read anew from the file,
 * the file is checked, and a checkpoint writes everything that the log holds to the database with a
 * sync that must succeed. From then on nothing depends on the pages that failed.
 */
#include "base/clock.h"
#include "store/sqlite_internal.h"

#include <errno.h>

enum { RETRY_MS = 100, RETRY_MOST_MS = 10000 };

struct timespec
sqlite_moment_after(unsigned ms)
{
	uint64_t at = clock_monotonic_ms() + ms;

	return (struct timespec){ (time_t)(at / 1000), (long)(at % 1000) * 1000000 };
}

static void
refuse_queue(struct sqlite_store *s, struct request_queue *queue)
{
	struct store_request *request;

	while ((request = requests_pop(queue)) != NULL) {
		s->stats.txns_failed += request->writes;
		store_post(&s->store, request, -EIO);
	}
}

static void
close_all(struct sqlite_store *s)
{
	for (unsigned i = 0; i < s->reader_count; i++)
		sql_close(&s->readers[i].conn);
	sql_close(&s->conn);
	s->wal_pages = s->checked_pages = 0;
}

static void
fence(struct sqlite_store *s)
{
	(void)pthread_mutex_lock(&s->lock);
	s->fenced = true;
	s->stats.fences++;
	refuse_queue(s, &s->writes);
	refuse_queue(s, &s->parked);
	refuse_queue(s, &s->ready);
	atomic_store(&s->queued_bytes, 0);
	while (s->busy_readers > 0 || s->backup.is_running)
		(void)pthread_cond_wait(&s->readers_rest, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
	close_all(s);
	(void)db_mark(&s->file, DB_DOUBTFUL);
	store_notify(&s->store, STORE_FENCED,
		SLICE("The database failed: nothing is stored or read until it was opened and "
		      "checked again. Look at the disk and at the kernel's log."));
}

static int
open_again(struct sqlite_store *s)
{
	int64_t blocked = 1;
	struct slice finding;
	struct arena arena;
	int r = sql_open(&s->conn, s->file.path, false);

	arena_init(&arena, 0);
	if (r == 0)
		r = db_check(&s->conn, &arena, &finding);
	arena_finish(&arena);
	if (r == 0)
		r = sql_number(&s->conn, "PRAGMA wal_checkpoint(TRUNCATE)", &blocked);
	if (r == 0)
		r = blocked != 0 ? -EBUSY : schema_read_id_limit(&s->conn, &s->ids.limit);
	if (r == 0) {
		sql_use_tables(&s->conn, &s->tables, &s->logs);
		r = logs_load(&s->conn);
	}
	for (unsigned i = 0; r == 0 && i < s->reader_count; i++) {
		r = sql_open(&s->readers[i].conn, s->file.path, true);
		if (r == 0)
			sql_use_tables(&s->readers[i].conn, &s->tables, &s->logs);
	}
	return r;
}

static bool
recover(struct sqlite_store *s)
{
	if (open_again(s) < 0) {
		close_all(s);
		return false;
	}
	sqlite_watch_wal(s);
	(void)db_mark(&s->file, DB_SOUND);
	(void)pthread_mutex_lock(&s->lock);
	s->fenced = s->read_failed = false;
	s->done_ticket = s->last_ticket;
	(void)pthread_mutex_unlock(&s->lock);
	store_notify(&s->store, STORE_RECOVERED,
		SLICE("The database was opened again and is sound; everything is stored."));
	return true;
}

/* Tries until it is healed, or the store is closed. */
static void
stay_fenced(struct sqlite_store *s)
{
	unsigned wait_ms = RETRY_MS;
	bool ending;

	do {
		struct timespec until = sqlite_moment_after(wait_ms);

		if (recover(s))
			return;
		(void)pthread_mutex_lock(&s->lock);
		while (!s->ending &&
			pthread_cond_timedwait(&s->writer_wakes, &s->lock, &until) == 0)
			;
		ending = s->ending;
		(void)pthread_mutex_unlock(&s->lock);
		wait_ms = wait_ms * 2 < RETRY_MOST_MS ? wait_ms * 2 : RETRY_MOST_MS;
	} while (!ending);
}

void
sqlite_fence(struct sqlite_store *s)
{
	fence(s);
	stay_fenced(s);
}
