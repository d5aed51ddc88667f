/* What only the SQLite back end has: refusals to start, groups, checkpoints. */
#include "store/world_test.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

static void
run_sql(struct world *w, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(world_path(w, "kith.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static struct slice
file_content(struct world *w, const char *name)
{
	int fd = open(world_path(w, name), O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *bytes;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	bytes = arena_alloc(&w->arena, (size_t)st.st_size + 1);
	assert_int_equal(read(fd, bytes, (size_t)st.st_size), st.st_size);
	(void)close(fd);
	return slice_make(bytes, (size_t)st.st_size);
}

/* The start is refused with this error and this word in the sentence; the file is left alone. */
static void
assert_refused(struct world *w, int error, const char *word)
{
	struct slice before = file_content(w, "kith.db");

	assert_int_equal(world_open_with(w, test_tables, TEST_TABLES), error);
	assert_null(w->store);
	assert_non_null(strstr(w->fault.cause.p, word));
	assert_int_equal(w->fault.cause.p[w->fault.cause.len - 1], '.');
	assert_int_equal(w->fault.cure.p[w->fault.cure.len - 1], '.');
	assert_true(slice_is(before, file_content(w, "kith.db")));
}

static void
a_second_process_is_refused(void **state)
{
	struct world *w = *state, second;

	world_open(w);
	second = *w;
	arena_init(&second.arena, 0);
	second.store = NULL;
	assert_refused(&second, -EBUSY, "Another process, pid ");
	arena_finish(&second.arena);
	world_close(w);
	world_open(w);
}

static void
a_newer_schema_is_refused(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_close(w);
	run_sql(w, "UPDATE _schema SET version = 99");
	assert_refused(w, -EPROTO, "schema 99");
}

/* As schema 1 had it: rows with their owner's name, indexes of SQLite's. */
static void
a_log_of_the_first_schema_is_kept(void **state)
{
	struct world *w = *state;
	struct store_batch *batch;

	run_sql(w,
		"CREATE TABLE _schema (version INTEGER NOT NULL, id_limit INTEGER NOT NULL);"
		"INSERT INTO _schema VALUES (1, 7);"
		"CREATE TABLE _tables (name TEXT PRIMARY KEY, kind INTEGER NOT NULL,"
		" version INTEGER NOT NULL) WITHOUT ROWID;"
		"PRAGMA application_id = 1265202280;"
		"INSERT INTO _tables VALUES ('history.entries', 3, 1);"
		"CREATE TABLE \"history.entries\" (id INTEGER PRIMARY KEY, owner TEXT NOT NULL,"
		" stamp INTEGER NOT NULL, peer TEXT, value BLOB NOT NULL);"
		"CREATE INDEX \"history.entries#owner\" ON \"history.entries\" (owner, id, stamp);"
		"CREATE INDEX \"history.entries#peer\" ON \"history.entries\""
		" (owner, peer, id, stamp) WHERE peer IS NOT NULL;"
		"INSERT INTO \"history.entries\" VALUES (3, 'romeo', 30, 'a', x'61'),"
		" (5, 'juliet', 50, NULL, x'62'), (6, 'romeo', 60, 'b', x'63')");
	for (int i = 0; i < 2; i++) {
		world_open(w);
		batch = store_batch_create(w->store, SLICE("romeo"));
		(void)store_read_log(batch, HISTORY, NULL);
		assert_text(world_read(w, batch), "30:a=a 60:b=c");
		batch = store_batch_create(w->store, SLICE("romeo"));
		(void)store_read_owners(batch, HISTORY, NO_SLICE, 0);
		assert_text(world_read(w, batch), "juliet= romeo=");
		world_close(w);
	}
}

static void
the_database_of_another_program_is_refused(void **state)
{
	struct world *w = *state;

	run_sql(w, "CREATE TABLE recipes (cake TEXT)");
	assert_refused(w, -EBADMSG, "another program");
}

static void
a_file_that_is_no_database_is_refused(void **state)
{
	struct world *w = *state;
	char junk[8192];

	memset(junk, 'x', sizeof(junk));
	world_write_file(w, "kith.db", 0, slice_make(junk, sizeof(junk)));
	assert_refused(w, -EBADMSG, "damaged");
}

static void
damage_is_found_after_an_unclean_stop(void **state)
{
	struct world *w = *state;
	char junk[4096];

	world_open(w);
	assert_int_equal(world_fill(w, "juliet", 200000), 0);
	world_close(w);
	assert_int_equal(w->notices[STORE_CHECKING], 0);
	world_write_file(w, "kith.lock", 0, SLICE("1234567\n"));
	world_open(w);
	assert_int_equal(w->notices[STORE_CHECKING], 1);
	world_close(w);
	memset(junk, 'x', sizeof(junk));
	world_write_file(w, "kith.db", 20480, slice_make(junk, sizeof(junk)));
	world_write_file(w, "kith.db", 24576, slice_make(junk, sizeof(junk)));
	world_write_file(w, "kith.db", 28672, slice_make(junk, sizeof(junk)));
	world_write_file(w, "kith.lock", 0, SLICE("1234567\n"));
	assert_refused(w, -EBADMSG, "damaged");
}

static void
die_with_the_store_open(struct world *w)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		world_open(w);
		_exit(world_fill(w, "juliet", 100000) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
}

/* A start after SIGKILL must not read the whole file; one after a power loss must. */
static void
who_was_only_killed_is_not_checked(void **state)
{
	struct world *w = *state;
	struct slice mark;
	const char *line;

	die_with_the_store_open(w);
	mark = file_content(w, "kith.lock");
	world_open(w);
	assert_int_equal(w->notices[STORE_CHECKING], 0);
	assert_int_equal(w->notices[STORE_KILLED], 1);
	assert_true(world_read_contacts(w, "juliet").len > 0);
	world_close(w);
	die_with_the_store_open(w);
	line = memchr(mark.p, '\n', mark.len);
	assert_non_null(line);
	world_write_file(w, "kith.lock", line + 1 - mark.p, SLICE("another"));
	world_open(w);
	assert_int_equal(w->notices[STORE_CHECKING], 1);
}

static void
a_directory_that_is_not_there_is_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(rmdir(w->dir), 0);
	assert_int_equal(world_open_with(w, test_tables, TEST_TABLES), -ENOENT);
	assert_non_null(strstr(w->fault.cause.p, "cannot be used: No such file"));
	assert_non_null(strstr(w->fault.cure.p, "data directory"));
}

static void
only_the_owner_may_read_the_files(void **state)
{
	static const char *const names[] = { "kith.db", "kith.db-wal", "kith.db-shm", "kith.lock" };
	struct world *w = *state;
	struct stat st;

	world_open(w);
	assert_int_equal(world_fill(w, "juliet", 10000), 0);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_int_equal(stat(world_path(w, names[i]), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	world_close(w);
	assert_true(access(world_path(w, "kith.db-wal"), F_OK) < 0);
	assert_true(slice_is_text(file_content(w, "kith.lock"), "closed\n"));
}

static uint64_t
sum(const uint64_t *counts, size_t count)
{
	uint64_t total = 0;

	while (count-- > 0)
		total += counts[count];
	return total;
}

static void
what_waits_is_committed_together(void **state)
{
	enum { COUNT = 5000 };
	struct world *w = *state;
	struct store_stats stats;

	world_open(w);
	for (size_t i = 0; i < COUNT; i++)
		world_put(w, arena_printf(&w->arena, "owner%zu", i).p, "k", "v");
	world_wait(w, COUNT);
	store_get_stats(w->store, &stats);
	assert_int_equal(stats.txns, COUNT);
	assert_int_equal(stats.rows, COUNT);
	assert_true(stats.commits >= COUNT / 256 && stats.commits < COUNT / 4);
	assert_int_equal(sum(stats.commit_us, STORE_LATENCIES), stats.commits);
	assert_int_equal(sum(stats.group_size, STORE_SIZES), stats.commits);
	assert_true(stats.commit_us_sum > 0 && stats.wal_bytes > 0);
	assert_int_equal(stats.queued_txns + stats.queued_bytes + stats.queued_batches, 0);
}

static void
the_log_is_kept_short(void **state)
{
	struct world *w = *state;
	struct store_stats stats;
	struct stat st;

	w->wal_bytes = 256 << 10;
	world_open(w);
	assert_int_equal(world_fill(w, "juliet", 4000000), 0);
	store_get_stats(w->store, &stats);
	assert_true(stats.checkpoints > 4);
	assert_int_equal(stat(world_path(w, "kith.db-wal"), &st), 0);
	assert_true(st.st_size < 1 << 20);
}

static bool
has_checkpoint(struct world *w)
{
	struct store_stats stats;

	store_get_stats(w->store, &stats);
	return stats.checkpoints > 0;
}

static void
an_idle_store_empties_its_log(void **state)
{
	struct world *w = *state;

	world_open(w);
	assert_int_equal(world_fill(w, "juliet", 10000), 0);
	for (int i = 0; i < 1000 && !has_checkpoint(w); i++)
		(void)usleep(10000);
	assert_true(has_checkpoint(w));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		SQLITE_ONLY(a_second_process_is_refused),
		SQLITE_ONLY(a_newer_schema_is_refused),
		SQLITE_ONLY(a_log_of_the_first_schema_is_kept),
		SQLITE_ONLY(the_database_of_another_program_is_refused),
		SQLITE_ONLY(a_file_that_is_no_database_is_refused),
		SQLITE_ONLY(damage_is_found_after_an_unclean_stop),
		SQLITE_ONLY(who_was_only_killed_is_not_checked),
		SQLITE_ONLY(a_directory_that_is_not_there_is_refused),
		SQLITE_ONLY(only_the_owner_may_read_the_files),
		SQLITE_ONLY(what_waits_is_committed_together),
		SQLITE_ONLY(the_log_is_kept_short),
		SQLITE_ONLY(an_idle_store_empties_its_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
