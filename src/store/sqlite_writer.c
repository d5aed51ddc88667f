/*
 * The thread that writes: group commit and checkpoints.
 *
 * It never waits for a group to fill. What came in while the last group was being synced is the
 * next group, so a single writer waits for one sync and a crowd shares one. A condition that is
 * not met has written nothing, so a group needs no savepoints. When the disk is full the group
 * is rolled back and its transactions are tried one by one, so that each gets its own answer.
 */
#include "store/sqlite_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <time.h>

enum { WAL_FRAME = 4096 + 24, IDLE_MS = 1000, ROOM_MS = 1000 };
/* How much is indexed with a group, besides twice as much as it has; and when there is time. */
enum { INDEX_LEAST = 64, INDEX_STEP = 1024 };

struct group {
	struct request_queue taken;
	struct store_request *next; /* the first that was not executed yet */
	size_t rows, bytes;
	uint64_t started_us;
};

static int
count_pages(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct sqlite_store *s = arg;

	(void)db;
	(void)name;
	if (pages < s->wal_pages)
		s->checked_pages = 0; /* the log began anew */
	s->wal_pages = pages;
	return SQLITE_OK;
}

void
sqlite_watch_wal(struct sqlite_store *s)
{
	(void)sqlite3_wal_hook(s->conn.db, count_pages, s);
}

/* ---- A group ---- */

static bool
has_room(const struct group *group)
{
	return group->taken.count == 0 || (group->rows < GROUP_ROWS && group->bytes < GROUP_BYTES);
}

static bool
is_late(const struct group *group)
{
	return group->taken.count > 0 && clock_monotonic_us() - group->started_us >= GROUP_US;
}

/* Moves what waits into the group, as much as fits. Whether there was anything. */
static bool
take(struct sqlite_store *s, struct group *group)
{
	struct store_request **end = group->taken.last;
	size_t before = group->bytes;

	if (is_late(group))
		return false;
	(void)pthread_mutex_lock(&s->lock);
	while (s->writes.count > 0 && has_room(group)) {
		struct store_request *request = requests_pop(&s->writes);
		struct store_txn *txn = store_txn_of(request);

		requests_append(&group->taken, request);
		group->rows += txn->rows;
		group->bytes += txn->bytes;
	}
	(void)pthread_mutex_unlock(&s->lock);
	atomic_fetch_sub(&s->queued_bytes, group->bytes - before);
	group->next = *end;
	return group->next != NULL;
}

/* Whether the error is the transaction's own, and has left nothing behind. */
static bool
is_refusal(int error)
{
	return error == -EEXIST || error == -ENOENT || error == -ESTALE || error == -EMSGSIZE;
}

/* 0 also when the transaction was refused; its error says so. */
static int
execute(struct sqlite_store *s, struct store_txn *txn)
{
	int r = txn->refused;

	if (r == 0)
		r = ops_execute(&s->conn, txn, &s->ids);
	if (r < 0 && !is_refusal(r))
		return r;
	txn->request.error = r;
	return 0;
}

static int
begin(struct sqlite_store *s)
{
	logs_begin(&s->logs);
	return sql_begin(&s->conn);
}

/* Commits, unless there was an error; then everything is as it was before. */
static int
end(struct sqlite_store *s, int r, const struct id_source *ids_before)
{
	if (r == 0)
		r = sql_commit(&s->conn);
	if (r == 0) {
		logs_commit(&s->logs);
	} else {
		sql_rollback(&s->conn);
		logs_rollback(&s->logs);
		s->ids = *ids_before;
	}
	return r;
}

static int
execute_taken(struct sqlite_store *s, struct group *group)
{
	int r = 0;

	for (; r == 0 && group->next != NULL; group->next = group->next->next)
		r = execute(s, store_txn_of(group->next));
	return r;
}

static int
execute_group(struct sqlite_store *s, struct group *group)
{
	struct id_source ids = s->ids;
	int r = begin(s);

	while (r == 0 && take(s, group))
		r = execute_taken(s, group);
	if (r == 0)
		r = logs_index_some(&s->conn, INDEX_LEAST + 2 * group->rows);
	return end(s, r, &ids);
}

static int
execute_alone(struct sqlite_store *s, struct store_txn *txn)
{
	struct id_source ids = s->ids;
	int r = begin(s);

	txn->request.error = 0;
	if (r == 0)
		r = execute(s, txn);
	r = end(s, r, &ids);
	if (r < 0)
		txn->request.error = r == -ENOSPC ? r : -EIO;
	return r;
}

/* After a full disk: each for itself. 0, or what fences the store; then the rest has -EIO. */
static int
execute_one_by_one(struct sqlite_store *s, struct group *group)
{
	int r = 0;

	for (struct store_request *at = group->taken.first; at != NULL; at = at->next) {
		if (r == 0 || r == -ENOSPC)
			r = execute_alone(s, store_txn_of(at));
		else
			at->error = -EIO;
	}
	return r == -ENOSPC ? 0 : r;
}

/* ---- Counting and answering ---- */

static size_t
bucket(uint64_t value, uint64_t first, size_t buckets)
{
	size_t at = 0;

	while (at < buckets - 1 && value > first << at)
		at++;
	return at;
}

static void
count_txn(struct store_stats *stats, const struct store_txn *txn, uint64_t now_us)
{
	histogram_add(&stats->answer_us, STORE_ANSWER_SHIFT, now_us - txn->sent_us);
	if (is_refusal(txn->request.error)) {
		stats->txns_refused++;
	} else if (txn->request.error < 0) {
		stats->txns_failed++;
	} else {
		stats->txns++;
		stats->rows += txn->rows;
		stats->bytes += txn->bytes;
	}
}

static void
count_group(struct sqlite_store *s, const struct group *group)
{
	struct store_stats *stats = &s->stats;
	uint64_t now_us = clock_monotonic_us(), us = now_us - group->started_us;

	for (struct store_request *at = group->taken.first; at != NULL; at = at->next)
		count_txn(stats, store_txn_of(at), now_us);
	histogram_add(&stats->group_rows, STORE_ROWS_SHIFT, group->rows);
	stats->commits++;
	stats->commit_us_sum += us;
	stats->commit_us[bucket(us, 250, STORE_LATENCIES)]++;
	stats->group_size[bucket(group->taken.count, 1, STORE_SIZES)]++;
	stats->wal_bytes = (uint64_t)s->wal_pages * WAL_FRAME;
}

/* Lets the parked reads go that waited for a transaction up to done_ticket. With the lock. */
static void
release_parked(struct sqlite_store *s)
{
	struct request_queue parked = s->parked;
	struct store_request *request;

	if (parked.count == 0)
		return;
	requests_init(&s->parked);
	while ((request = requests_pop(&parked)) != NULL) {
		bool ready = store_batch_of(request)->ticket <= s->done_ticket;

		requests_append(ready ? &s->ready : &s->parked, request);
	}
	(void)pthread_cond_broadcast(&s->readers_wake);
}

/* On a disk with a little room some fit and some do not; that is one piece of news, not many. */
static bool
notice_room(struct sqlite_store *s, const struct group *group)
{
	bool was_full = s->full, fits = false;
	uint64_t now = clock_monotonic_ms();

	for (const struct store_request *at = group->taken.first; at != NULL; at = at->next) {
		fits |= at->error == 0;
		if (at->error == -ENOSPC) {
			s->full = true;
			s->full_ms = now;
		}
	}
	if (fits && now - s->full_ms >= ROOM_MS)
		s->full = false;
	return s->full != was_full;
}

static void
tell_of_room(struct sqlite_store *s)
{
	if (s->full)
		store_notify(&s->store, STORE_FULL,
			SLICE("The disk is full: nothing can be stored until there is room."));
	else
		store_notify(&s->store, STORE_HAS_ROOM,
			SLICE("There is room on the disk again, and everything is stored."));
}

static void
post_group(struct sqlite_store *s, struct group *group)
{
	struct store_request *request;

	while ((request = requests_pop(&group->taken)) != NULL)
		store_post(&s->store, request, request->error);
}

/* With the lock: who begins to read later sees what was just committed. */
static void
drop_old(struct sqlite_store *s)
{
	if (s->busy_readers == 0)
		logs_drop_old(&s->logs);
}

static void
finish_group(struct sqlite_store *s, struct group *group)
{
	bool room_changed;

	(void)pthread_mutex_lock(&s->lock);
	count_group(s, group);
	s->done_ticket += group->taken.count;
	release_parked(s);
	room_changed = notice_room(s, group);
	drop_old(s);
	(void)pthread_mutex_unlock(&s->lock);
	if (room_changed)
		tell_of_room(s);
	post_group(s, group);
}

/* ---- Checkpoints ---- */

/* A backup reads for long, and is not waited for. */
static int
allowed_mode(struct sqlite_store *s, int mode)
{
	(void)pthread_mutex_lock(&s->lock);
	if (s->backup.is_running)
		mode = SQLITE_CHECKPOINT_PASSIVE;
	s->restarts_log = mode != SQLITE_CHECKPOINT_PASSIVE;
	(void)pthread_mutex_unlock(&s->lock);
	return mode;
}

static int
checkpoint(struct sqlite_store *s, int mode)
{
	int code = sqlite3_wal_checkpoint_v2(s->conn.db, NULL, allowed_mode(s, mode), NULL, NULL);
	int r = (code & 0xff) == SQLITE_BUSY ? 0 : sqlite_error(s->conn.db, code);

	s->checked_pages = s->wal_pages;
	(void)pthread_mutex_lock(&s->lock);
	s->stats.checkpoints++;
	if (s->restarts_log)
		(void)pthread_cond_broadcast(&s->readers_rest);
	s->restarts_log = false;
	(void)pthread_mutex_unlock(&s->lock);
	return r == -ENOSPC ? 0 : r; /* the log keeps it all */
}

/* When the log is long; when readers have kept it from beginning anew for long, they are waited
 * for. */
static int
checkpoint_if_long(struct sqlite_store *s)
{
	size_t bytes = (size_t)s->wal_pages * WAL_FRAME;
	size_t new_bytes = (size_t)(s->wal_pages - s->checked_pages) * WAL_FRAME;

	if (bytes < s->wal_limit || new_bytes < s->wal_limit / 4)
		return 0;
	return checkpoint(s,
		bytes > 4 * s->wal_limit ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE);
}

/* ---- Indexes of logs, when there is time ---- */

static bool
has_writes(struct sqlite_store *s)
{
	bool has;

	(void)pthread_mutex_lock(&s->lock);
	has = s->writes.count > 0;
	(void)pthread_mutex_unlock(&s->lock);
	return has;
}

static int
index_step(struct sqlite_store *s)
{
	struct id_source ids = s->ids;
	int r = begin(s);

	if (r == 0)
		r = logs_index_some(&s->conn, INDEX_STEP);
	r = end(s, r, &ids);
	(void)pthread_mutex_lock(&s->lock);
	drop_old(s);
	(void)pthread_mutex_unlock(&s->lock);
	return r < 0 ? r : checkpoint_if_long(s);
}

/* Until all is indexed, or somebody writes. */
static int
index_all(struct sqlite_store *s)
{
	int r = 0;

	while (r == 0 && !has_writes(s) && logs_wait(&s->logs, true))
		r = index_step(s);
	return r == -ENOSPC ? 0 : r; /* it can wait */
}

/* ---- The thread ---- */

enum wake { WAKE_WRITES, WAKE_IDLE, WAKE_FAILED, WAKE_END };

static enum wake
wait_for_work(struct sqlite_store *s)
{
	struct timespec until = sqlite_moment_after(IDLE_MS);
	bool has_log = s->wal_pages > s->checked_pages;
	enum wake wake = WAKE_WRITES;
	int r = 0;

	(void)pthread_mutex_lock(&s->lock);
	while (s->writes.count == 0 && !s->ending && !s->read_failed && r == 0) {
		r = has_log ? pthread_cond_timedwait(&s->writer_wakes, &s->lock, &until)
			    : pthread_cond_wait(&s->writer_wakes, &s->lock);
	}
	if (s->read_failed)
		wake = WAKE_FAILED;
	else if (s->writes.count == 0)
		wake = s->ending ? WAKE_END : WAKE_IDLE;
	(void)pthread_mutex_unlock(&s->lock);
	return wake;
}

static int
write_group(struct sqlite_store *s)
{
	struct group group = { .started_us = clock_monotonic_us() };
	int r;

	requests_init(&group.taken);
	r = execute_group(s, &group);
	if (r == -ENOSPC)
		r = execute_one_by_one(s, &group);
	else if (r < 0)
		for (struct store_request *at = group.taken.first; at != NULL; at = at->next)
			at->error = -EIO;
	finish_group(s, &group);
	return r < 0 ? r : checkpoint_if_long(s);
}

static int
use_the_rest(struct sqlite_store *s)
{
	int r = index_all(s);

	return r < 0 ? r : checkpoint(s, SQLITE_CHECKPOINT_PASSIVE);
}

void *
sqlite_writer_main(void *arg)
{
	struct sqlite_store *s = arg;
	enum wake wake;

	while ((wake = wait_for_work(s)) != WAKE_END) {
		int r = -EIO;

		if (wake == WAKE_WRITES)
			r = write_group(s);
		else if (wake == WAKE_IDLE)
			r = use_the_rest(s);
		if (r < 0) {
			sqlite_fence(s);
		}
		if (s->fenced)
			return NULL; /* closed before it was healed */
	}
	(void)index_all(s); /* else at the next start */
	return NULL;
}
