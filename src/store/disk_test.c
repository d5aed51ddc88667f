/* Disks that are full or fail: what is refused, what is kept, and how it heals. */
#include "base/clock.h"
#include "store/faulty_vfs_test.h"
#include "store/world_test.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static int
tear_down(void **state)
{
	faulty_fail_writes(0);
	(void)world_tear_down(state);
	faulty_remove();
	return 0;
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

	assert_int_equal(world_fill(w, "big", 4000000), -ENOSPC);
	assert_int_equal(w->notices[STORE_FULL], 1);
	assert_int_equal(w->notices[STORE_FENCED], 0);
	assert_true(slice_is_text(world_read_contacts(w, "juliet"), "k=v"));
	store_get_stats(w->store, &stats);
	assert_true(stats.txns_failed > 0 && !stats.fenced);
}

static void
assert_has_room(struct world *w)
{
	uint64_t end_ms = clock_monotonic_ms() + 20000;

	while (w->notices[STORE_HAS_ROOM] == 0 && clock_monotonic_ms() < end_ms) {
		world_put(w, "juliet", "k2", "v2");
		world_wait(w, 1);
		assert_int_equal(w->last_error, 0);
	}
	assert_int_equal(w->notices[STORE_HAS_ROOM], 1);
	world_close(w);
	world_write_file(w, "kith.lock", 0, SLICE("1234567\n"));
	world_open(w);
	assert_true(slice_is_text(world_read_contacts(w, "juliet"), "k=v k2=v2"));
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
		world_write_file(w, "ballast", 0, slice_make(ballast, 1 << 20));
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
	assert_non_null(strstr(world_read_contacts(w, "juliet").p, "a=v"));
	assert_non_null(strstr(world_read_contacts(w, "juliet").p, "c=v"));
	store_get_stats(w->store, &stats);
	assert_int_equal(stats.fences, 1);
	assert_false(stats.fenced);
	world_close(w);
	faulty_remove();
	world_write_file(w, "kith.lock", 0, SLICE("1234567\n"));
	world_open(w);
	assert_non_null(strstr(world_read_contacts(w, "juliet").p, "c=v"));
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
	assert_non_null(strstr(world_read_contacts(w, "juliet").p, "before=v"));
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
	assert_int_equal(world_fill(w, "juliet", 4000000), 0);
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
	assert_true(slice_is_text(world_read_contacts(w, "romeo"), ""));
}

#define FAILING(name) cmocka_unit_test_setup_teardown(name, world_closed_sqlite, tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FAILING(a_full_disk_refuses_and_heals),
		FAILING(a_full_disk_spares_those_that_fit),
		FAILING(a_failed_sync_fences_until_checked),
		FAILING(a_failed_write_fences_until_checked),
		FAILING(a_failed_checkpoint_loses_nothing),
		FAILING(a_failed_read_is_answered_and_heals),
		FAILING(a_disk_that_stays_broken_answers_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
