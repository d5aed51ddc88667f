/*
 * The faulty disk: a layer over SQLite's own file functions. What was written since a file's
 * last sync is kept with the bytes that were there before, and taken back when the power is on
 * again. Creating and deleting files counts as durable at once.
 */
#include "store/faulty_vfs_test.h"

#include "base/list.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512 };

/* A write that was not synced; old: what was there, old_len bytes, then the file ended. */
struct unsynced {
	struct list link;
	char *path;
	sqlite3_int64 offset, size; /* size: of the file before */
	size_t len, old_len;
	char *old;
};

struct faulty_file {
	sqlite3_file base;
	char *path;
	bool is_log, is_database;
	sqlite3_file *real; /* right behind */
};

/* One disk for the process; SQLite's list of file systems is global as well. */
static struct {
	sqlite3_vfs vfs, *real;
	pthread_mutex_t lock;
	int log_syncs, database_syncs, writes, reads; /* that fail */
	bool remembers, off;
	unsigned left;        /* operations until the power goes out */
	struct list unsynced; // unsynced.link
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct faulty_file *
file_of(sqlite3_file *base)
{
	return (struct faulty_file *)(void *)base;
}

static bool
use_up(int *count)
{
	if (*count == 0)
		return false;
	--*count;
	return true;
}

/* Whether the power is out for this write or sync. With the lock. */
static bool
is_out(void)
{
	if (disk.remembers && disk.left-- == 0)
		disk.off = true;
	if (disk.off)
		disk.left = 0;
	return disk.off;
}

static void
remember(struct faulty_file *f, size_t len, sqlite3_int64 offset)
{
	struct unsynced *u = xcalloc(1, sizeof(*u));
	sqlite3_int64 size = 0;

	(void)f->real->pMethods->xFileSize(f->real, &size);
	u->path = xstrndup(f->path, strlen(f->path));
	u->offset = offset;
	u->size = size;
	u->len = len;
	if (offset < size)
		u->old_len = (size_t)(size - offset) < len ? (size_t)(size - offset) : len;
	u->old = xmalloc(len);
	if (u->old_len > 0)
		(void)f->real->pMethods->xRead(f->real, u->old, (int)u->old_len, offset);
	list_prepend(&disk.unsynced, &u->link);
}

static void
forget(struct unsynced *u)
{
	list_remove(&u->link);
	free(u->path);
	free(u->old);
	free(u);
}

static void
forget_path(const char *path)
{
	struct unsynced *u;

	LIST_EACH (u, &disk.unsynced, struct unsynced, link) {
		if (strcmp(u->path, path) == 0)
			forget(u);
	}
}

static int
faulty_close(sqlite3_file *base)
{
	struct faulty_file *f = file_of(base);
	int code = f->real->pMethods->xClose(f->real);

	free(f->path);
	return code;
}

static int
faulty_read(sqlite3_file *base, void *out, int len, sqlite3_int64 offset)
{
	struct faulty_file *f = file_of(base);
	bool fails;

	(void)pthread_mutex_lock(&disk.lock);
	fails = use_up(&disk.reads);
	(void)pthread_mutex_unlock(&disk.lock);
	return fails ? SQLITE_IOERR_READ : f->real->pMethods->xRead(f->real, out, len, offset);
}

static int
faulty_write(sqlite3_file *base, const void *bytes, int len, sqlite3_int64 offset)
{
	struct faulty_file *f = file_of(base);
	int code = SQLITE_IOERR_WRITE;

	(void)pthread_mutex_lock(&disk.lock);
	if (!use_up(&disk.writes) && !is_out()) {
		if (disk.remembers)
			remember(f, (size_t)len, offset);
		code = f->real->pMethods->xWrite(f->real, bytes, len, offset);
	}
	(void)pthread_mutex_unlock(&disk.lock);
	return code;
}

static int
faulty_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct faulty_file *f = file_of(base);
	sqlite3_int64 old = 0;
	int code = SQLITE_IOERR_TRUNCATE;

	(void)pthread_mutex_lock(&disk.lock);
	if (!is_out()) {
		(void)f->real->pMethods->xFileSize(f->real, &old);
		if (disk.remembers && old > size)
			remember(f, (size_t)(old - size), size);
		code = f->real->pMethods->xTruncate(f->real, size);
	}
	(void)pthread_mutex_unlock(&disk.lock);
	return code;
}

static int
faulty_sync(sqlite3_file *base, int flags)
{
	struct faulty_file *f = file_of(base);
	int code = SQLITE_IOERR_FSYNC;
	bool fails;

	(void)pthread_mutex_lock(&disk.lock);
	fails = (f->is_log && use_up(&disk.log_syncs)) ||
		(f->is_database && use_up(&disk.database_syncs));
	if (!fails && !is_out()) {
		code = f->real->pMethods->xSync(f->real, flags);
		forget_path(f->path);
	}
	(void)pthread_mutex_unlock(&disk.lock);
	return code;
}

static int
faulty_file_size(sqlite3_file *base, sqlite3_int64 *size)
{
	return file_of(base)->real->pMethods->xFileSize(file_of(base)->real, size);
}

static int
faulty_lock(sqlite3_file *base, int level)
{
	return file_of(base)->real->pMethods->xLock(file_of(base)->real, level);
}

static int
faulty_unlock(sqlite3_file *base, int level)
{
	return file_of(base)->real->pMethods->xUnlock(file_of(base)->real, level);
}

static int
faulty_check_lock(sqlite3_file *base, int *out)
{
	return file_of(base)->real->pMethods->xCheckReservedLock(file_of(base)->real, out);
}

static int
faulty_control(sqlite3_file *base, int what, void *arg)
{
	return file_of(base)->real->pMethods->xFileControl(file_of(base)->real, what, arg);
}

static int
faulty_sector_size(sqlite3_file *base)
{
	return file_of(base)->real->pMethods->xSectorSize(file_of(base)->real);
}

/* As of a disk that promises nothing. */
static int
faulty_characteristics(sqlite3_file *base)
{
	(void)base;
	return 0;
}

static int
faulty_shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **out)
{
	struct faulty_file *f = file_of(base);

	return f->real->pMethods->xShmMap(f->real, page, size, extend, out);
}

static int
faulty_shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
	return file_of(base)->real->pMethods->xShmLock(file_of(base)->real, offset, n, flags);
}

static void
faulty_shm_barrier(sqlite3_file *base)
{
	file_of(base)->real->pMethods->xShmBarrier(file_of(base)->real);
}

static int
faulty_shm_unmap(sqlite3_file *base, int delete_it)
{
	return file_of(base)->real->pMethods->xShmUnmap(file_of(base)->real, delete_it);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = faulty_close,
	.xRead = faulty_read,
	.xWrite = faulty_write,
	.xTruncate = faulty_truncate,
	.xSync = faulty_sync,
	.xFileSize = faulty_file_size,
	.xLock = faulty_lock,
	.xUnlock = faulty_unlock,
	.xCheckReservedLock = faulty_check_lock,
	.xFileControl = faulty_control,
	.xSectorSize = faulty_sector_size,
	.xDeviceCharacteristics = faulty_characteristics,
	.xShmMap = faulty_shm_map,
	.xShmLock = faulty_shm_lock,
	.xShmBarrier = faulty_shm_barrier,
	.xShmUnmap = faulty_shm_unmap,
};

static int
faulty_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *out_flags)
{
	struct faulty_file *f = file_of(base);
	int code;

	(void)vfs;
	*f = (struct faulty_file){ .real = (sqlite3_file *)(void *)(f + 1) };
	code = disk.real->xOpen(disk.real, path, f->real, flags, out_flags);
	if (code != SQLITE_OK)
		return code;
	f->path = xstrndup(path == NULL ? "" : path, path == NULL ? 0 : strlen(path));
	f->is_log = (flags & SQLITE_OPEN_WAL) != 0;
	f->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
	f->base.pMethods = &methods;
	return SQLITE_OK;
}

static int
faulty_delete(sqlite3_vfs *vfs, const char *path, int sync_dir)
{
	(void)vfs;
	(void)pthread_mutex_lock(&disk.lock);
	forget_path(path);
	(void)pthread_mutex_unlock(&disk.lock);
	return disk.real->xDelete(disk.real, path, sync_dir);
}

void
faulty_install(void)
{
	assert(disk.real == NULL);
	disk.real = sqlite3_vfs_find(NULL);
	list_init(&disk.unsynced);
	disk.vfs = *disk.real;
	disk.vfs.zName = "faulty";
	disk.vfs.pNext = NULL;
	disk.vfs.szOsFile += (int)sizeof(struct faulty_file);
	disk.vfs.xOpen = faulty_open;
	disk.vfs.xDelete = faulty_delete;
	(void)sqlite3_vfs_register(&disk.vfs, 1);
}

static void
set(int *what, int count)
{
	(void)pthread_mutex_lock(&disk.lock);
	*what = count;
	(void)pthread_mutex_unlock(&disk.lock);
}

void
faulty_remove(void)
{
	faulty_fail_syncs_of_log(0);
	faulty_fail_syncs_of_database(0);
	faulty_fail_writes(0);
	faulty_fail_reads(0);
	if (disk.real != NULL)
		(void)sqlite3_vfs_unregister(&disk.vfs);
	disk.real = NULL;
}

void
faulty_fail_syncs_of_log(int count)
{
	set(&disk.log_syncs, count);
}

void
faulty_fail_syncs_of_database(int count)
{
	set(&disk.database_syncs, count);
}

void
faulty_fail_writes(int count)
{
	set(&disk.writes, count);
}

void
faulty_fail_reads(int count)
{
	set(&disk.reads, count);
}

void
faulty_power_off_after(unsigned operations)
{
	(void)pthread_mutex_lock(&disk.lock);
	disk.remembers = true;
	disk.left = operations;
	(void)pthread_mutex_unlock(&disk.lock);
}

bool
faulty_is_off(void)
{
	bool off;

	(void)pthread_mutex_lock(&disk.lock);
	off = disk.off;
	(void)pthread_mutex_unlock(&disk.lock);
	return off;
}

/* Puts back what was there in the sectors that did not reach the disk. */
static void
take_back(const struct unsynced *u, bool torn, unsigned *seed)
{
	int fd = open(u->path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	for (size_t at = 0; at < u->len; at += SECTOR) {
		size_t end = at + SECTOR < u->old_len ? at + SECTOR : u->old_len;

		if (torn && rand_r(seed) % 2 == 0)
			continue;
		if (end > at)
			assert(pwrite(fd, u->old + at, end - at, u->offset + (off_t)at) > 0);
	}
	if (!torn)
		assert(ftruncate(fd, u->size) == 0);
	(void)close(fd);
}

void
faulty_power_on(bool torn, unsigned seed)
{
	struct unsynced *u;

	LIST_EACH (u, &disk.unsynced, struct unsynced, link) {
		if (disk.off)
			take_back(u, torn, &seed);
		forget(u);
	}
	disk.remembers = disk.off = false;
}
