/*
 * A copy of the database while it is in use. A connection of its own holds one read transaction
 * from beginning to end, so the copy is of one moment, and the one who writes goes on behind it in
 * the log. The pages go over in small steps with rests between that are as long as the work was,
 * and the copy is synced as it grows: a disk that is asked for everything at once would let commits
 * wait.
 *
 * While it reads, the log cannot begin anew, so it grows by what is written meanwhile. The writer
 * does not wait for that (see checkpoint_if_long), and nothing else ever waits for a backup.
 */
#include "store/sqlite_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { STEP_PAGES = 64, SYNC_STEPS = 16, REST_MOST_US = 50000 };

/* What must be left for the server itself when the copy is complete. */
static const uint64_t SPARE_BYTES = 64 << 20;

struct copy {
	struct sqlite_store *s;
	struct sqlite_conn from;
	struct sqlite_conn to;
	sqlite3_backup *backup;
	const char *path;
	int fd; /* of the copy, for its syncs */
};

static bool
is_cancelled(struct sqlite_store *s)
{
	bool is;

	(void)pthread_mutex_lock(&s->lock);
	is = s->ending || s->fenced || s->backup.is_cancelled;
	(void)pthread_mutex_unlock(&s->lock);
	return is;
}

static void
rest(uint64_t worked_us)
{
	uint64_t us = worked_us < REST_MOST_US ? worked_us : REST_MOST_US;
	const struct timespec pause = { 0, (long)us * 1000 };

	(void)nanosleep(&pause, NULL);
}

/* It must not be the backup that fills the disk. */
static int
check_room(struct copy *copy)
{
	struct statvfs room = { 0 };
	int64_t pages = 0, page_size = 0;
	int r = sql_number(&copy->from, "PRAGMA page_count", &pages);

	if (r == 0)
		r = sql_number(&copy->from, "PRAGMA page_size", &page_size);
	if (r == 0 && statvfs(copy->s->file.dir, &room) < 0)
		r = -errno;
	if (r < 0)
		return r;
	return (uint64_t)room.f_bavail * room.f_frsize <
			       (uint64_t)(pages * page_size) + copy->s->backup.spare_bytes
		       ? -ENOSPC
		       : 0;
}

/* From here on the copy is of this moment. */
static int
take_snapshot(struct copy *copy)
{
	int64_t tables = 0;
	int r = sql_open(&copy->from, copy->s->file.path, true);

	if (r == 0)
		r = sql_begin(&copy->from);
	if (r == 0)
		r = sql_number(&copy->from, "SELECT count(*) FROM sqlite_schema", &tables);
	return r;
}

static int
open_copy(struct copy *copy)
{
	int r;

	(void)unlink(copy->path);
	copy->fd = open(copy->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (copy->fd < 0)
		return -errno;
	r = sql_open(&copy->to, copy->path, false);
	/* Nobody needs half a copy after a crash, so it needs no log of its own. */
	if (r == 0)
		r = sql_exec(&copy->to, "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF");
	if (r == 0) {
		copy->backup = sqlite3_backup_init(copy->to.db, "main", copy->from.db, "main");
		if (copy->backup == NULL)
			r = sqlite_error(copy->to.db, sqlite3_errcode(copy->to.db));
	}
	return r;
}

static int
sync_copy(const struct copy *copy)
{
	return fdatasync(copy->fd) < 0 ? -errno : 0;
}

static int
copy_pages(struct copy *copy)
{
	int code = SQLITE_OK, r = 0;

	for (unsigned step = 1; r == 0 && code != SQLITE_DONE; step++) {
		uint64_t began_us = clock_monotonic_us();

		code = sqlite3_backup_step(copy->backup, STEP_PAGES);
		r = sqlite_error(copy->to.db, code);
		if (r == 0 && (code == SQLITE_DONE || step % SYNC_STEPS == 0))
			r = sync_copy(copy);
		if (r == 0 && is_cancelled(copy->s))
			r = -ECANCELED;
		if (r == 0 && code != SQLITE_DONE)
			rest(clock_monotonic_us() - began_us);
	}
	return r;
}

static int
finish_copy(struct copy *copy, int r)
{
	if (copy->backup != NULL)
		(void)sqlite3_backup_finish(copy->backup);
	sql_close(&copy->to);
	sql_close(&copy->from);
	if (r == 0)
		r = sync_copy(copy);
	if (r == 0)
		r = db_sync_dir(copy->s->file.dir);
	if (copy->fd >= 0)
		(void)close(copy->fd);
	if (r < 0)
		(void)unlink(copy->path);
	return r == -EDQUOT || r == -EFBIG ? -ENOSPC : r;
}

/* As who reads may be waited for by a checkpoint that has begun already. */
static void
wait_for_checkpoint(struct sqlite_store *s)
{
	(void)pthread_mutex_lock(&s->lock);
	while (s->restarts_log)
		(void)pthread_cond_wait(&s->readers_rest, &s->lock);
	(void)pthread_mutex_unlock(&s->lock);
}

static void *
backup_main(void *arg)
{
	struct sqlite_store *s = arg;
	struct store_request *request = s->backup.request;
	struct copy copy = { .s = s, .path = s->file.backup_path, .fd = -1 };
	int r;

	wait_for_checkpoint(s);
	r = take_snapshot(&copy);
	if (r == 0)
		r = check_room(&copy);
	if (r == 0)
		r = open_copy(&copy);
	if (r == 0)
		r = copy_pages(&copy);
	r = finish_copy(&copy, r);
	(void)pthread_mutex_lock(&s->lock);
	s->backup.is_running = false;
	(void)pthread_cond_broadcast(&s->readers_rest);
	(void)pthread_mutex_unlock(&s->lock);
	store_post(&s->store, request, r);
	return NULL;
}

/* With the lock. The thread of the one before has posted its answer, so it ends at once. */
static int
begin(struct sqlite_store *s, struct store_request *request)
{
	if (s->backup.is_running)
		return -EBUSY;
	if (s->fenced)
		return -EIO;
	if (s->backup.has_thread)
		(void)pthread_join(s->backup.thread, NULL);
	s->backup.request = request;
	s->backup.is_cancelled = false;
	if (s->backup.spare_bytes == 0)
		s->backup.spare_bytes = SPARE_BYTES;
	s->backup.is_running = s->backup.has_thread = pthread_create(&s->backup.thread, NULL,
							      backup_main, s) == 0;
	return s->backup.is_running ? 0 : -EAGAIN;
}

void
sqlite_backup(struct store *store, struct store_request *request)
{
	struct sqlite_store *s = container_of(store, struct sqlite_store, store);
	int r;

	(void)pthread_mutex_lock(&s->lock);
	r = begin(s, request);
	(void)pthread_mutex_unlock(&s->lock);
	if (r < 0)
		store_post(store, request, r);
}

void
sqlite_cancel_backup(struct store *store)
{
	struct sqlite_store *s = container_of(store, struct sqlite_store, store);

	(void)pthread_mutex_lock(&s->lock);
	s->backup.is_cancelled = true;
	(void)pthread_mutex_unlock(&s->lock);
}

void
sqlite_end_backup(struct sqlite_store *s)
{
	sqlite_cancel_backup(&s->store);
	if (s->backup.has_thread)
		(void)pthread_join(s->backup.thread, NULL);
}
