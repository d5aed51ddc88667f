/* What only the SQLite back end has: refusals to start, groups, checkpoints, failing disks. */
#include "store/faulty_vfs_test.h"
#include "store/world_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	world_init(w, true);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	world_finish(*state);
	faulty_remove();
	free(*state);
	return 0;
}

/* Commits what fills about that many bytes, in pieces of 10,000; gives the first error. */
static int
fill(struct world *w, const char *owner, size_t bytes)
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

static struct slice
read_contacts(struct world *w, const char *owner)
{
	struct store_batch *batch = store_batch_create(w->store, slice_of(owner));

	(void)store_read_map(batch, CONTACTS);
	return world_read(w, batch);
}

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

static void
write_file(struct world *w, const char *name, off_t offset, struct slice bytes)
{
	int fd = open(world_path(w, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes.p, bytes.len, offset), bytes.len);
	(void)close(fd);
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
	write_file(w, "kith.db", 0, slice_make(junk, sizeof(junk)));
	assert_refused(w, -EBADMSG, "damaged");
}

static void
damage_is_found_after_an_unclean_stop(void **state)
{
	struct world *w = *state;
	char junk[4096];

	world_open(w);
	assert_int_equal(fill(w, "juliet", 200000), 0);
	world_close(w);
	assert_int_equal(w->notices[STORE_CHECKING], 0);
	write_file(w, "kith.lock", 0, SLICE("1234567\n"));
	world_open(w);
	assert_int_equal(w->notices[STORE_CHECKING], 1);
	world_close(w);
	memset(junk, 'x', sizeof(junk));
	write_file(w, "kith.db", 4096 * 5, slice_make(junk, sizeof(junk)));
	write_file(w, "kith.db", 4096 * 6, slice_make(junk, sizeof(junk)));
	write_file(w, "kith.db", 4096 * 7, slice_make(junk, sizeof(junk)));
	write_file(w, "kith.lock", 0, SLICE("1234567\n"));
	assert_refused(w, -EBADMSG, "damaged");
}

static void
a_directory_that_is_not_there_is_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(rmdir(w->dir), 0);
	assert_int_equal(world_open_with(w, test_tables, TEST_TABLES), -ENOENT);
	assert_non_null(strstr(w->fault.cause.p, "kith.lock cannot be opened"));
	assert_non_null(strstr(w->fault.cure.p, "data directory"));
}

static void
only_the_owner_may_read_the_files(void **state)
{
	static const char *const names[] = { "kith.db", "kith.db-wal", "kith.db-shm", "kith.lock" };
	struct world *w = *state;
	struct stat st;

	world_open(w);
	assert_int_equal(fill(w, "juliet", 10000), 0);
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
	assert_int_equal(fill(w, "juliet", 4000000), 0);
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
	assert_int_equal(fill(w, "juliet", 10000), 0);
	for (int i = 0; i < 1000 && !has_checkpoint(w); i++)
		(void)usleep(10000);
	assert_true(has_checkpoint(w));
}

/* ---- A full disk ---- */

/* A file system of 2 MiB over the directory; false: we may not. */
static bool
mount_small(struct world *w)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	return mount("none", w->dir, "tmpfs", 0, "size=2m") == 0;
}

static void
limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
assert_full_and_sound(struct world *w)
{
	struct store_stats stats;

	assert_int_equal(fill(w, "big", 4000000), -ENOSPC);
	assert_int_equal(w->notices[STORE_FULL], 1);
	assert_int_equal(w->notices[STORE_FENCED], 0);
	assert_true(slice_is_text(read_contacts(w, "juliet"), "k=v"));
	store_get_stats(w->store, &stats);
	assert_true(stats.txns_failed > 0 && !stats.fenced);
}

static void
assert_has_room(struct world *w)
{
	world_put(w, "juliet", "k2", "v2");
	world_wait(w, 1);
	assert_int_equal(w->last_error, 0);
	assert_int_equal(w->notices[STORE_HAS_ROOM], 1);
	world_close(w);
	write_file(w, "kith.lock", 0, SLICE("1234567\n"));
	world_open(w);
	assert_true(slice_is_text(read_contacts(w, "juliet"), "k=v k2=v2"));
	world_close(w);
}

static void
a_full_disk_refuses_and_heals(void **state)
{
	struct world *w = *state;
	bool mounted = mount_small(w);
	char *ballast = calloc(1, 1 << 20);

	assert_non_null(ballast);
	if (mounted)
		write_file(w, "ballast", 0, slice_make(ballast, 1 << 20));
	world_open(w);
	world_put(w, "juliet", "k", "v");
	world_wait(w, 1);
	(void)signal(SIGXFSZ, SIG_IGN);
	if (!mounted)
		limit_files(1 << 20);
	assert_full_and_sound(w);
	limit_files(RLIM_INFINITY);
	(void)unlink(world_path(w, "ballast"));
	assert_has_room(w);
	if (mounted)
		assert_int_equal(umount(w->dir), 0);
	free(ballast);
}

static void
a_full_disk_spares_those_that_fit(void **state)
{
	struct world *w = *state;
	char *blob = calloc(1, 2 << 20);
	struct store_txn *txn;
	size_t small = 0;

	assert_non_null(blob);
	world_open(w);
	(void)signal(SIGXFSZ, SIG_IGN);
	limit_files(1 << 20);
	for (int i = 0; i < 20; i++) {
		txn = store_txn_create(w->store, SLICE("juliet"));
		store_txn_map_put(txn, CONTACTS, arena_printf(&w->arena, "%d", i),
			slice_make(blob, i % 2 == 0 ? 10 : 2 << 20));
		store_commit(txn, 7, NULL, NULL);
	}
	for (int i = 0; i < 20; i++) {
		world_wait(w, 1);
		assert_int_equal(w->last_error, i % 2 == 0 ? 0 : -ENOSPC);
		small += w->last_error == 0;
	}
	assert_int_equal(small, 10);
	limit_files(RLIM_INFINITY);
	free(blob);
}

/* ---- A failing disk ---- */

static bool
has_recovered(struct world *w)
{
	return w->notices[STORE_RECOVERED] > 0;
}

static void
finish_kept(struct store_request *request)
{
	*(int *)request->arg = request->error;
}

/* A put that may fail; what it was answered. */
static int
try_put(struct world *w, const char *key)
{
	struct store_txn *txn = store_txn_create(w->store, SLICE("juliet"));
	int error = 1;

	store_txn_map_put(txn, CONTACTS, slice_of(key), SLICE("v"));
	store_commit(txn, 7, finish_kept, &error);
	while (error == 1)
		world_wait(w, 1);
	return error;
}

static void
assert_fences_and_heals(void **state, void (*inject)(int count))
{
	struct world *w = *state;
	struct store_stats stats;

	faulty_install();
	world_open(w);
	assert_int_equal(try_put(w, "a"), 0);
	inject(1);
	assert_int_equal(try_put(w, "b"), -EIO);
	world_until(w, has_recovered);
	assert_int_equal(w->notices[STORE_FENCED], 1);
	while (try_put(w, "c") != 0)
		;
	assert_non_null(strstr(read_contacts(w, "juliet").p, "a=v"));
	assert_non_null(strstr(read_contacts(w, "juliet").p, "c=v"));
	store_get_stats(w->store, &stats);
	assert_int_equal(stats.fences, 1);
	assert_false(stats.fenced);
	world_close(w);
	faulty_remove();
	write_file(w, "kith.lock", 0, SLICE("1234567\n"));
	world_open(w);
	assert_non_null(strstr(read_contacts(w, "juliet").p, "c=v"));
}

static void
a_failed_sync_fences_until_checked(void **state)
{
	assert_fences_and_heals(state, faulty_fail_syncs_of_log);
}

static void
a_failed_write_fences_until_checked(void **state)
{
	assert_fences_and_heals(state, faulty_fail_writes);
}

static void
a_failed_checkpoint_loses_nothing(void **state)
{
	struct world *w = *state;

	faulty_install();
	w->wal_bytes = 64 << 10;
	world_open(w);
	faulty_fail_syncs_of_database(1);
	assert_int_equal(try_put(w, "before"), 0);
	for (int i = 0; i < 200 && !has_recovered(w); i++)
		(void)try_put(w, arena_printf(&w->arena, "%d", i).p);
	world_until(w, has_recovered);
	assert_non_null(strstr(read_contacts(w, "juliet").p, "before=v"));
	world_close(w);
	faulty_remove();
}

static void
count_error(struct store_request *request)
{
	const struct store_batch *batch = store_batch_of(request);
	int *error = request->arg;

	*error = request->error;
	if (request->error != 0)
		assert_int_equal(store_result(batch, 0)->count, 0);
}

static void
a_failed_read_is_answered_and_heals(void **state)
{
	struct world *w = *state;
	struct store_batch *batch;
	int error = 0;

	faulty_install();
	world_open(w);
	assert_int_equal(fill(w, "juliet", 4000000), 0);
	world_close(w);
	world_open(w);
	faulty_fail_reads(1);
	batch = store_batch_create(w->store, SLICE("juliet"));
	(void)store_read_map(batch, CONTACTS);
	store_fetch(batch, 7, count_error, &error);
	world_wait(w, 1);
	assert_int_equal(error, -EIO);
	world_until(w, has_recovered);
	while (try_put(w, "c") != 0)
		;
	world_close(w);
	faulty_remove();
}

static void
a_disk_that_stays_broken_answers_all(void **state)
{
	struct world *w = *state;

	faulty_install();
	world_open(w);
	faulty_fail_writes(1000000);
	for (int i = 0; i < 100; i++)
		assert_int_equal(try_put(w, "k"), -EIO);
	for (int i = 0; i < 100; i++)
		world_put(w, "romeo", "k", "v");
	world_close(w);
	assert_int_equal(w->last_error, -EIO);
	assert_int_equal(w->finished, 200);
	faulty_remove();
	world_open(w);
	assert_true(slice_is_text(read_contacts(w, "romeo"), ""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_second_process_is_refused),
		TEST(a_newer_schema_is_refused),
		TEST(the_database_of_another_program_is_refused),
		TEST(a_file_that_is_no_database_is_refused),
		TEST(damage_is_found_after_an_unclean_stop),
		TEST(a_directory_that_is_not_there_is_refused),
		TEST(only_the_owner_may_read_the_files),
		TEST(what_waits_is_committed_together),
		TEST(the_log_is_kept_short),
		TEST(an_idle_store_empties_its_log),
		TEST(a_full_disk_refuses_and_heals),
		TEST(a_full_disk_spares_those_that_fit),
		TEST(a_failed_sync_fences_until_checked),
		TEST(a_failed_write_fences_until_checked),
		TEST(a_failed_checkpoint_loses_nothing),
		TEST(a_failed_read_is_answered_and_heals),
		TEST(a_disk_that_stays_broken_answers_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
