/*
 * kithctl backup: takes away the copy that the server made in its data directory. It is written
 * beside its destination, synced, looked through by SQLite, and only then gets its name: what is
 * called as the user wished is a whole backup, or the one that was there before.
 */
#include "tools/kithctl/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 1024 * 1024, SYNC_AFTER = 4 * PIECE };

static int
complain(const char *path, const char *what, const char *why)
{
	(void)fprintf(stderr, "kithctl: %s %s: %s; there is no new backup\n", path, what, why);
	return -1;
}

static int
write_piece(int fd, const char *at, size_t left)
{
	while (left > 0) {
		ssize_t n = write(fd, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		left -= (size_t)n;
	}
	return 0;
}

/*
 * 0, or -1 after a message. Synced as it grows, so that a server on the same disk does not have to
 * wait for all of it at once; a pipe cannot be synced, and need not.
 */
static int
copy_file(int from, int to, const char *from_path, const char *to_path)
{
	char *piece = xmalloc(PIECE);
	size_t unsynced = 0;
	int r = 0;
	ssize_t n;

	while ((n = read(from, piece, PIECE)) != 0 && r == 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = complain(from_path, "cannot be read", strerror(errno));
		else if (write_piece(to, piece, (size_t)n) < 0)
			r = complain(to_path, "cannot be written", strerror(errno));
		unsynced += n > 0 ? (size_t)n : 0;
		if (unsynced < SYNC_AFTER)
			continue;
		(void)fdatasync(to);
		unsynced = 0;
	}
	free(piece);
	return r;
}

/*
 * Opened as a file that nobody changes, so that SQLite puts no other files beside it. A path in a
 * URI has some characters escaped.
 */
static int
open_copy(const char *path, sqlite3 **db_out)
{
	struct buffer uri;
	int code;

	buffer_init(&uri, 4 * PATH_MAX);
	(void)buffer_text(&uri, "file:");
	for (const char *at = path; *at != '\0'; at++)
		(void)buffer_printf(
			&uri, strchr("%?#", *at) != NULL ? "%%%02X" : "%c", (unsigned char)*at);
	(void)buffer_text(&uri, "?immutable=1");
	(void)buffer_append(&uri, SLICE("\0"));
	code = sqlite3_open_v2(uri.data, db_out, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
	buffer_finish(&uri);
	return code;
}

/* 0, or -1 after a message: it is no sound database. */
static int
check_copy(const char *path)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	int code = open_copy(path, &db), r = 0;

	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code != SQLITE_ROW)
		r = complain(path, "cannot be checked", sqlite3_errmsg(db));
	else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0)
		r = complain(path, "is damaged", (const char *)sqlite3_column_text(stmt, 0));
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	return r;
}

/* The name is in its directory for good. */
static int
sync_directory_of(const char *path)
{
	char copy[PATH_MAX];
	int fd, r;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0)
		(void)close(fd);
	return r < 0 ? complain(path, "cannot be synced", strerror(errno)) : 0;
}

static int
fill(int from, const char *from_path, const char *partial)
{
	int to = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (to < 0)
		return complain(partial, "cannot be made", strerror(errno));
	r = copy_file(from, to, from_path, partial);
	if (r == 0 && fsync(to) < 0)
		r = complain(partial, "cannot be synced", strerror(errno));
	if (close(to) < 0 && r == 0)
		r = complain(partial, "cannot be written", strerror(errno));
	if (r == 0)
		r = check_copy(partial);
	if (r < 0)
		(void)unlink(partial);
	return r;
}

static int
copy_to_file(int from, const char *from_path, const char *path)
{
	char partial[PATH_MAX];
	int len = snprintf(partial, sizeof(partial), "%s.partial-%ld", path, (long)getpid());

	if (len < 0 || (size_t)len >= sizeof(partial))
		return complain(path, "cannot be made", strerror(ENAMETOOLONG));
	if (fill(from, from_path, partial) < 0)
		return -1;
	if (rename(partial, path) < 0) {
		(void)complain(path, "cannot be replaced", strerror(errno));
		(void)unlink(partial);
		return -1;
	}
	return sync_directory_of(path);
}

static int
copy_to_stdout(int from, const char *from_path)
{
	if (check_copy(from_path) < 0)
		return -1;
	return copy_file(from, STDOUT_FILENO, from_path, "standard output");
}

/* Where the copy is; it is ours until we say that we have it. */
static int
take(struct call *call, const char *from_path)
{
	int from = open(from_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (from < 0)
		return complain(from_path, "cannot be read", strerror(errno));
	if (strcmp(call->args[0], "-") == 0)
		r = copy_to_stdout(from, from_path);
	else
		r = copy_to_file(from, from_path, call->args[0]);
	/* Giving the room of a large file back takes a while; so it is not left to the server's
	 * loop. */
	(void)unlink(from_path);
	(void)close(from);
	return r;
}

/* The server may have ended meanwhile; the backup is whole all the same. */
static void
tell_taken(struct call *call)
{
	struct answer answer;

	if (control_send(&call->control, (const char *const[]){ "backup-taken" }, 1) < 0)
		return;
	(void)control_answer(&call->control, &answer);
	answer_finish(&answer);
}

static int
take_and_tell(struct call *call, struct answer *made)
{
	struct slice name = record_value(&made->records[0], "file");
	struct slice path = arena_printf(&made->arena, "%s/%.*s", call->directory, SLICE_ARG(name));
	int r = take(call, path.p);

	tell_taken(call);
	if (r < 0)
		return EXIT_FAILURE;
	if (strcmp(call->args[0], "-") != 0) {
		made->records[0].fields[0].value = slice_of(call->args[0]);
		print_answer(made, call->verb->shape, call->json, stdout);
	}
	return EXIT_SUCCESS;
}

int
backup(struct call *call)
{
	struct answer made = { .records = NULL };
	int status = EXIT_FAILURE;

	/* A limit on the size of files is an error to tell, not an end. */
	(void)signal(SIGXFSZ, SIG_IGN);
	if (control_send(&call->control, (const char *const[]){ "backup" }, 1) < 0)
		return EXIT_FAILURE;
	if (control_answer(&call->control, &made) == 0)
		status = check_answer(&made);
	if (status == EXIT_SUCCESS && made.count > 0)
		status = take_and_tell(call, &made);
	answer_finish(&made);
	return status;
}
