/*
 * The data directory: one process at a time, told apart by a lock on a file of our own, which
 * also remembers whether the last process closed the database. The sentences that a refusal to
 * start is explained with are here, too.
 */
#include "store/sqlite_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MARK_SIZE = 128, BOOT_SIZE = 64 };

static int
fault(struct store_fault *fault_out, int error, struct slice cause, const char *cure)
{
	fault_out->cause = cause;
	fault_out->cure = slice_of(cure);
	return error;
}

static int
system_fault(const char *what, const char *path, struct arena *arena, struct store_fault *fault_out)
{
	int error = errno;

	return fault(fault_out, -error,
		arena_printf(arena, "%s %s: %s.", path, what, strerror(error)),
		"Create the data directory, and let the user that the server runs as write in it.");
}

/* Which run of the kernel this is; empty where it does not say. */
static struct slice
read_boot(char boot[BOOT_SIZE])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, boot, BOOT_SIZE);

	if (fd >= 0)
		(void)close(fd);
	if (len > 0 && boot[len - 1] == '\n')
		len--;
	return slice_make(boot, len < 0 ? 0 : (size_t)len);
}

/*
 * What the lock file says: empty, "closed", or the pid of who has or had it open, and in the next
 * line the run of the kernel that it knew the file to be sound in.
 */
static struct slice
read_mark(int fd, char mark[MARK_SIZE], struct slice *boot_out)
{
	ssize_t len = pread(fd, mark, MARK_SIZE, 0);
	const char *end = len > 0 ? memchr(mark, '\n', (size_t)len) : NULL;

	*boot_out = SLICE("");
	if (end == NULL)
		return slice_make(mark, len < 0 ? 0 : (size_t)len);
	*boot_out = slice_make(end + 1, (size_t)(mark + len - end) - 1);
	if (boot_out->len > 0 && boot_out->p[boot_out->len - 1] == '\n')
		boot_out->len--;
	return slice_make(mark, (size_t)(end - mark));
}

static int
may_use(const char *path, int mode)
{
	return faccessat(AT_FDCWD, path, mode, AT_EACCESS) < 0 ? -errno : 0;
}

/* Whether we made it is known for sure, so that a refusal can take it away again. */
static void
open_lock(struct sqlite_file *file)
{
	enum { FLAGS = O_RDWR | O_CLOEXEC | O_NOFOLLOW };

	file->lock_fd = open(file->lock_path, FLAGS | O_CREAT | O_EXCL, 0600);
	file->made_lock = file->lock_fd >= 0;
	if (file->lock_fd < 0 && errno == EEXIST)
		file->lock_fd = open(file->lock_path, FLAGS | O_CREAT, 0600);
}

/* A process that refused to start took it away between our opening and our locking; closed. */
static bool
is_removed(struct sqlite_file *file)
{
	struct stat st;

	if (fstat(file->lock_fd, &st) == 0 && st.st_nlink > 0)
		return false;
	(void)close(file->lock_fd);
	file->lock_fd = -1;
	return true;
}

static int
take_lock(struct sqlite_file *file, struct arena *arena, struct store_fault *fault_out)
{
	char text[MARK_SIZE], boot[BOOT_SIZE];
	struct slice mark, then, now = read_boot(boot);
	uint64_t pid;
	bool locked;

	do {
		open_lock(file);
		if (file->lock_fd < 0)
			return system_fault("cannot be opened", file->lock_path, arena, fault_out);
		locked = flock(file->lock_fd, LOCK_EX | LOCK_NB) == 0;
		if (!locked && errno != EWOULDBLOCK)
			return system_fault("cannot be locked", file->lock_path, arena, fault_out);
	} while (locked && is_removed(file));
	mark = read_mark(file->lock_fd, text, &then);
	file->was_unclean = slice_to_uint(mark, INT32_MAX, &pid) == 0;
	file->was_killed = file->was_unclean && now.len > 0 && slice_is(then, now);
	if (locked)
		return 0;
	return fault(fault_out, -EBUSY,
		arena_printf(arena, "Another process%s%.*s has the data directory %s open.",
			file->was_unclean ? ", pid " : "", file->was_unclean ? (int)mark.len : 0,
			mark.p, file->dir),
		"Stop that one first, or give this server a data directory of its own.");
}

int
db_sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	(void)close(fd);
	return r;
}

/* An empty file that only we may read; SQLite gives its others the same mode. */
static int
create_database(const struct sqlite_file *file)
{
	int fd = open(file->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return may_use(file->path, R_OK | W_OK);
	if (fd < 0)
		return -errno;
	(void)close(fd);
	return db_sync_dir(file->dir);
}

static void
look_for_log(struct sqlite_file *file)
{
	struct slice path = arena_printf(&file->arena, "%s-wal", file->path);
	struct stat st;

	file->has_log = stat(path.p, &st) == 0;
	if (file->has_log && st.st_size > 0)
		file->was_unclean = true;
}

int
db_open(struct sqlite_file *file, const char *dir, struct arena *arena,
	struct store_fault *fault_out)
{
	int r;

	arena_init(&file->arena, 0);
	file->dir = arena_printf(&file->arena, "%s", dir).p;
	file->path = arena_printf(&file->arena, "%s/kith.db", dir).p;
	file->backup_path = arena_printf(&file->arena, "%s/" STORE_BACKUP_NAME, dir).p;
	file->lock_path = arena_printf(&file->arena, "%s/kith.lock", dir).p;
	file->lock_fd = -1;
	if (may_use(dir, R_OK | W_OK | X_OK) < 0)
		return system_fault("cannot be used", dir, arena, fault_out);
	r = take_lock(file, arena, fault_out);
	if (r == 0) {
		r = create_database(file);
		if (r < 0) {
			errno = -r;
			r = system_fault("cannot be written", file->path, arena, fault_out);
		}
	}
	if (r == 0)
		look_for_log(file);
	return r;
}

void
db_forget(const struct sqlite_file *file)
{
	if (file->lock_fd >= 0 && file->made_lock)
		(void)unlink(file->lock_path);
}

int
db_mark(struct sqlite_file *file, enum db_use use)
{
	char boot[BOOT_SIZE], text[MARK_SIZE];
	struct slice now = use == DB_SOUND ? read_boot(boot) : SLICE("");
	struct slice mark = SLICE("closed\n");

	if (use != DB_CLOSED)
		mark = slice_make(text, (size_t)snprintf(text, sizeof(text), "%ld\n%.*s\n",
						(long)getpid(), SLICE_ARG(now)));
	if (ftruncate(file->lock_fd, 0) < 0 ||
		pwrite(file->lock_fd, mark.p, mark.len, 0) != (ssize_t)mark.len ||
		fsync(file->lock_fd) < 0)
		return -errno;
	return 0;
}

void
db_close(struct sqlite_file *file)
{
	if (file->lock_fd >= 0)
		(void)close(file->lock_fd);
	arena_finish(&file->arena);
	*file = (struct sqlite_file){ .lock_fd = -1 };
}

int
db_check(struct sqlite_conn *conn, struct arena *arena, struct slice *finding_out)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(conn->db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
	int r;

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	r = sqlite_error(conn->db, code);
	if (code == SQLITE_ROW) {
		*finding_out = column_text(stmt, 0, arena);
		r = slice_is_text(*finding_out, "ok") ? 0 : -EBADMSG;
	}
	(void)sqlite3_finalize(stmt);
	return r;
}

int
db_fault(const struct sqlite_file *file, int error, struct slice detail, struct arena *arena,
	struct store_fault *fault_out)
{
	if (error == -EBADMSG)
		return fault(fault_out, error,
			arena_printf(arena, "The database %s is damaged (%.*s).", file->path,
				SLICE_ARG(detail)),
			"Restore it from a backup; `sqlite3 kith.db .recover` shows what is left.");
	if (error == -ENOSPC)
		return fault(fault_out, error,
			arena_printf(arena, "There is no room for the database %s.", file->path),
			"Make room on that file system.");
	if (error == -ENOTSUP)
		return fault(fault_out, error,
			arena_printf(
				arena, "The file system of %s cannot share memory.", file->dir),
			"Give this server a data directory on a local disk.");
	return fault(fault_out, error,
		arena_printf(arena, "The database %s cannot be used (%.*s).", file->path,
			SLICE_ARG(detail)),
		"Look at the disk and at the permissions of the data directory.");
}
