/*
 * kithctl doctor storage: whether what the promise rests on is there (docs/promise.md). It looks at
 * the data directory itself, with or without a running server: is the database whole, is there
 * room, does the file system keep what it is told to sync, and how long does that take.
 */
#include "tools/kithctl/verbs.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { CHECKS = 6, SYNCS = 64, BLOCK = 4096, SLOW_US = 20000, FAST_US = 15 };

#define MIB (UINT64_C(1) << 20)
#define LEAST_BYTES (64 * MIB)
#define LARGE_WAL (256 * MIB)

enum verdict { GOOD, DOUBT, BAD };

struct doctor {
	const char *directory;
	bool json;
	struct answer answer;
	enum verdict worst;
	struct buffer advice; /* for people it stands below the table */
};

/* ---- What was found ---- */

static void
put(struct record *record, const char *name, struct slice value)
{
	record->fields[record->count++] = (struct control_field){ CONTROL_TEXT, slice_of(name),
		value };
}

/* what: of the check; found: what it saw; advice: what to do, or NULL. */
static void
report(struct doctor *d, const char *what, enum verdict verdict, struct slice found,
	const char *advice)
{
	static const char *const words[] = { [GOOD] = "good", [DOUBT] = "doubtful", [BAD] = "bad" };
	struct record *record = &d->answer.records[d->answer.count++];

	record->fields = arena_array(&d->answer.arena, 4, struct control_field);
	put(record, "check", slice_of(what));
	put(record, "verdict", slice_of(words[verdict]));
	put(record, "found", found);
	if (d->json)
		put(record, "advice", slice_of(advice == NULL ? "" : advice));
	else if (advice != NULL)
		(void)buffer_printf(&d->advice, "%s: %s\n", what, advice);
	if (verdict > d->worst)
		d->worst = verdict;
}

static struct slice
path_of(struct doctor *d, const char *name)
{
	return arena_printf(&d->answer.arena, "%s/%s", d->directory, name);
}

static struct slice
size_text(struct doctor *d, uint64_t bytes)
{
	struct buffer text;
	struct slice copy;

	buffer_init(&text, 64);
	print_size(&text, bytes);
	copy = arena_copy(&d->answer.arena, buffer_slice(&text));
	buffer_finish(&text);
	return copy;
}

/* ---- The database ---- */

/* Read only: it never makes a checkpoint, whatever the server does meanwhile. */
static int
open_database(struct doctor *d, sqlite3 **db_out)
{
	const char *path = path_of(d, "kith.db").p;
	int code = sqlite3_open_v2(path, db_out, SQLITE_OPEN_READONLY, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_exec(*db_out, "PRAGMA query_only=1", NULL, NULL, NULL);
	return code;
}

static void
check_database(struct doctor *d)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	int code = open_database(d, &db);

	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code != SQLITE_ROW) {
		report(d, "database", BAD,
			arena_copy(&d->answer.arena, slice_of(sqlite3_errmsg(db))),
			"Is this the data directory, and may you read it? Try as the server's "
			"user.");
	} else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0) {
		report(d, "database", GOOD, SLICE("kith.db is whole"), NULL);
	} else {
		report(d, "database", BAD,
			arena_copy(&d->answer.arena,
				slice_of((const char *)sqlite3_column_text(stmt, 0))),
			"Stop the server, keep a copy of the directory, restore the last backup, "
			"and look at the disk.");
	}
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
}

static void
check_log(struct doctor *d)
{
	struct stat wal = { 0 };
	bool is_there = stat(path_of(d, "kith.db-wal").p, &wal) == 0;
	struct slice size = size_text(d, is_there ? (uint64_t)wal.st_size : 0);

	if (is_there && (uint64_t)wal.st_size > LARGE_WAL)
		report(d, "log", DOUBT, size,
			"kith.db-wal should be some MiB: does a backup or another reader hold the "
			"database open?");
	else
		report(d, "log", GOOD, size, NULL);
}

/* ---- Where it lies ---- */

/* Magic numbers of statfs(2). */
static const struct {
	uint32_t magic;
	enum verdict verdict;
	const char *name, *advice;
} systems[] = {
	{ 0xef53, GOOD, "ext", NULL },
	{ 0x58465342, GOOD, "xfs", NULL },
	{ 0x9123683e, GOOD, "btrfs", NULL },
	{ 0x2fc12fc1, GOOD, "zfs", NULL },
	{ 0xf2f52010, GOOD, "f2fs", NULL },
	{ 0x01021994, BAD, "tmpfs",
		"It forgets all at the next start of the machine: use a disk." },
	{ 0x858458f6, BAD, "ramfs",
		"It forgets all at the next start of the machine: use a disk." },
	{ 0x6969, BAD, "nfs", "SQLite's locks are not safe over a network: use a local disk." },
	{ 0xff534d42, BAD, "cifs",
		"SQLite's locks are not safe over a network: use a local disk." },
	{ 0xfe534d42, BAD, "smb2",
		"SQLite's locks are not safe over a network: use a local disk." },
	{ 0x65735546, DOUBT, "fuse",
		"Whether it keeps what is synced depends on the program behind it." },
	{ 0x01021997, DOUBT, "9p", "Whether it keeps what is synced depends on the host." },
	{ 0x794c7630, DOUBT, "overlayfs", "A container's own layer goes with it: use a volume." },
};

static void
check_system(struct doctor *d)
{
	struct statfs fs;

	if (statfs(d->directory, &fs) < 0) {
		report(d, "file system", BAD, slice_of(strerror(errno)),
			"Name the data directory with --dir.");
		return;
	}
	for (size_t i = 0; i < COUNT_OF(systems); i++) {
		if ((uint32_t)fs.f_type != systems[i].magic)
			continue;
		report(d, "file system", systems[i].verdict, slice_of(systems[i].name),
			systems[i].advice);
		return;
	}
	report(d, "file system", DOUBT,
		arena_printf(&d->answer.arena, "type 0x%x", (unsigned)fs.f_type),
		"It is not among those that are known to keep what is synced.");
}

static void
check_room(struct doctor *d)
{
	struct stat db = { 0 };
	struct statfs fs;
	uint64_t room;

	if (statfs(d->directory, &fs) < 0)
		return;
	(void)stat(path_of(d, "kith.db").p, &db);
	room = (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
	if (room < LEAST_BYTES)
		report(d, "room", BAD, size_text(d, room),
			"When the disk is full nothing is accepted: make room now.");
	else if (room < (uint64_t)db.st_size + LEAST_BYTES)
		report(d, "room", DOUBT, size_text(d, room),
			"There is no room for a second database, which a backup needs.");
	else
		report(d, "room", GOOD, size_text(d, room), NULL);
}

static void
check_rights(struct doctor *d)
{
	struct stat st;

	if (stat(d->directory, &st) < 0)
		return;
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		report(d, "rights", DOUBT,
			arena_printf(&d->answer.arena, "mode %04o", (unsigned)st.st_mode & 07777u),
			"Others may look into the directory: chmod 700.");
	else
		report(d, "rights", GOOD, SLICE("only its owner's"), NULL);
}

/* ---- The disk ---- */

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* 0, or -1 with errno. */
static int
time_syncs(int fd, uint64_t us[SYNCS])
{
	char block[BLOCK];

	memset(block, 0xa5, sizeof(block));
	for (unsigned i = 0; i < SYNCS; i++) {
		uint64_t began = clock_monotonic_us();

		if (pwrite(fd, block, sizeof(block), (off_t)i * BLOCK) != BLOCK ||
			fdatasync(fd) < 0)
			return -1;
		us[i] = clock_monotonic_us() - began;
	}
	return 0;
}

static void
judge_syncs(struct doctor *d, uint64_t us[SYNCS])
{
	uint64_t middle;
	struct slice found;

	qsort(us, SYNCS, sizeof(*us), compare);
	middle = us[SYNCS / 2];
	found = arena_printf(&d->answer.arena, "%llu us, at worst %llu us",
		(unsigned long long)middle, (unsigned long long)us[SYNCS - 1]);
	if (middle < FAST_US)
		report(d, "sync", DOUBT, found,
			"No disk is as fast: something on the way only says that it has synced, "
			"and "
			"a loss of power loses what was acknowledged.");
	else if (middle > SLOW_US)
		report(d, "sync", DOUBT, found,
			"Every acknowledgement waits for this: a faster disk would help.");
	else
		report(d, "sync", GOOD, found, NULL);
}

static void
check_syncs(struct doctor *d)
{
	struct slice path = path_of(d, "kith-doctor.XXXXXX");
	char *name = xstrndup(path.p, path.len);
	uint64_t us[SYNCS];
	int fd = mkostemp(name, O_CLOEXEC);

	if (fd < 0 || time_syncs(fd, us) < 0)
		report(d, "sync", BAD, slice_of(strerror(errno)),
			"May you write there? Try as the server's user; else look at the disk.");
	else
		judge_syncs(d, us);
	if (fd >= 0) {
		(void)unlink(name);
		(void)close(fd);
	}
	free(name);
}

int
doctor_storage(struct call *call)
{
	struct doctor d = { .directory = call->directory, .json = call->json };

	buffer_init(&d.advice, 16384);
	arena_init(&d.answer.arena, 0);
	d.answer.records = arena_array(&d.answer.arena, CHECKS, struct record);
	check_system(&d);
	check_room(&d);
	check_rights(&d);
	check_syncs(&d);
	check_log(&d);
	check_database(&d);
	print_answer(&d.answer, SHAPE_TABLE, call->json, stdout);
	(void)fwrite(d.advice.data, 1, d.advice.len, stdout);
	buffer_finish(&d.advice);
	arena_finish(&d.answer.arena);
	return d.worst == BAD ? EXIT_FAILURE : EXIT_SUCCESS;
}
