/* Copies of a database in use: what is in them, what they leave behind, and whom they hold up. */
#include "store/faulty_vfs_test.h"
#include "store/world_test.h"

#include "base/clock.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int
tear_down(void **state)
{
	(void)world_tear_down(state);
	faulty_remove();
	return 0;
}

static void
keep_error(struct store_request *request)
{
	*(int *)request->arg = request->error;
}

static void
begin_backup(struct world *w, int *error)
{
	*error = 1;
	store_backup(w->store, 7, keep_error, error);
}

static int
wait_for_backup(struct world *w, const int *error)
{
	while (*error == 1)
		world_wait(w, 1);
	return *error;
}

static int
back_up(struct world *w)
{
	int error;

	begin_backup(w, &error);
	return wait_for_backup(w, &error);
}

static bool
has_copy(struct world *w)
{
	return access(world_path(w, STORE_BACKUP_NAME), F_OK) == 0;
}

/* Another server is started from the copy. */
static void
assert_copy_is_sound(struct world *w, struct world *other)
{
	struct stat st;

	assert_int_equal(stat(world_path(w, STORE_BACKUP_NAME), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(access(world_path(w, STORE_BACKUP_NAME "-journal"), F_OK), -1);
	assert_int_equal(access(world_path(w, STORE_BACKUP_NAME "-wal"), F_OK), -1);
	world_init(other, true);
	assert_int_equal(rename(world_path(w, STORE_BACKUP_NAME), world_path(other, "kith.db")), 0);
	/* Its last process crashed, says this, so the file is looked through. */
	world_write_file(other, "kith.lock", 0, SLICE("1234567\n"));
	world_open(other);
	assert_int_equal(other->notices[STORE_CHECKING], 1);
}

static void
what_was_committed_before_is_in_the_copy(void **state)
{
	struct world *w = *state, other;

	world_open(w);
	assert_int_equal(world_fill(w, "big", 2000000), 0);
	world_put(w, "juliet", "before", "v");
	world_wait(w, 1);
	assert_int_equal(back_up(w), 0);
	world_put(w, "juliet", "after", "v");
	world_wait(w, 1);
	assert_copy_is_sound(w, &other);
	assert_text(world_read_contacts(&other, "juliet"), "before=v");
	world_finish(&other);
	assert_text(world_read_contacts(w, "juliet"), "after=v before=v");
}

/* All keys of one transaction, or none, and no later one without an earlier one. */
static void
assert_is_of_one_moment(struct world *other, int least)
{
	int seen = 0;
	bool missing = false;

	for (int i = 0; i < 2000; i++) {
		struct slice a = world_read_contacts(
			other, arena_printf(&other->arena, "w%d", i).p);

		assert_true(slice_is_text(a, "") || slice_is_text(a, "a=v b=v"));
		missing |= a.len == 0;
		assert_true(!missing || a.len == 0);
		seen += a.len > 0;
	}
	assert_true(seen >= least);
}

static void
writing_goes_on_and_the_copy_is_of_one_moment(void **state)
{
	struct world *w = *state, other;
	uint64_t worst_us = 0;
	int error = 1, written = 0, before = 0;

	w->wal_bytes = 64 << 10; /* a checkpoint all the time */
	world_open(w);
	assert_int_equal(world_fill(w, "big", 20000000), 0);
	for (; written < 2000 && error == 1; written++) {
		struct store_txn *txn = store_txn_create(
			w->store, arena_printf(&w->arena, "w%d", written));
		uint64_t began_us = clock_monotonic_us();

		store_txn_map_put(txn, CONTACTS, SLICE("a"), SLICE("v"));
		store_txn_map_put(txn, CONTACTS, SLICE("b"), SLICE("v"));
		assert_int_equal(world_commit(w, txn), 0);
		if (clock_monotonic_us() - began_us > worst_us)
			worst_us = clock_monotonic_us() - began_us;
		if (written == 20) {
			begin_backup(w, &error);
			before = written;
		}
	}
	assert_int_equal(wait_for_backup(w, &error), 0);
	print_message("%d writes beside a backup, the slowest took %llu us\n", written - before,
		(unsigned long long)worst_us);
	assert_true(worst_us < 2000000);
	assert_copy_is_sound(w, &other);
	assert_is_of_one_moment(&other, before + 1);
	world_finish(&other);
}

static void
the_log_begins_anew_after_a_backup(void **state)
{
	struct world *w = *state;
	struct store_stats stats;
	int error;

	w->wal_bytes = 64 << 10;
	world_open(w);
	assert_int_equal(world_fill(w, "big", 10000000), 0);
	begin_backup(w, &error);
	assert_int_equal(world_fill(w, "more", 2000000), 0);
	assert_int_equal(wait_for_backup(w, &error), 0);
	assert_int_equal(world_fill(w, "rest", 2000000), 0);
	store_get_stats(w->store, &stats);
	assert_true(stats.wal_bytes < 1 << 20);
}

static void
only_one_is_made_at_a_time(void **state)
{
	struct world *w = *state;
	int first, second;

	world_open(w);
	assert_int_equal(world_fill(w, "big", 20000000), 0);
	begin_backup(w, &first);
	begin_backup(w, &second);
	assert_int_equal(wait_for_backup(w, &second), -EBUSY);
	assert_int_equal(wait_for_backup(w, &first), 0);
	assert_int_equal(back_up(w), 0);
	assert_true(has_copy(w));
}

static void
a_cancelled_one_leaves_nothing(void **state)
{
	struct world *w = *state;
	int error;

	world_open(w);
	assert_int_equal(world_fill(w, "big", 20000000), 0);
	begin_backup(w, &error);
	store_cancel_backup(w->store);
	assert_int_equal(wait_for_backup(w, &error), -ECANCELED);
	assert_false(has_copy(w));
	begin_backup(w, &error);
	world_close(w);
	assert_int_equal(error, -ECANCELED);
	assert_false(has_copy(w));
	world_open(w);
	assert_int_equal(back_up(w), 0);
}

static void
what_a_killed_process_left_is_removed(void **state)
{
	struct world *w = *state;

	world_write_file(w, STORE_BACKUP_NAME, 0, SLICE("half a copy"));
	world_open(w);
	assert_false(has_copy(w));
}

static void
a_disk_that_becomes_full_ends_only_the_backup(void **state)
{
	struct world *w = *state;
	struct rlimit limit;

	world_open(w);
	assert_int_equal(world_fill(w, "big", 4000000), 0);
	world_close(w); /* into the database */
	world_open(w);
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 1 << 20, limit.rlim_max }), 0);
	assert_int_equal(back_up(w), -ENOSPC);
	assert_false(has_copy(w));
	world_put(w, "juliet", "k", "v");
	world_wait(w, 1);
	assert_int_equal(w->last_error, 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(w->notices[STORE_FULL] + w->notices[STORE_FENCED], 0);
	assert_int_equal(back_up(w), 0);
}

/* A file system of 32 MiB over the directory; false: we may not. */
static bool
mount_small(const struct world *w)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	return mount("none", w->dir, "tmpfs", 0, "size=32m") == 0;
}

static void
a_backup_that_would_fill_the_disk_is_not_begun(void **state)
{
	struct world *w = *state;

	if (!mount_small(w))
		skip();
	world_open(w);
	assert_int_equal(world_fill(w, "big", 1000000), 0);
	assert_int_equal(back_up(w), -ENOSPC);
	assert_false(has_copy(w));
	world_close(w);
	assert_int_equal(umount(w->dir), 0);
}

static bool
has_recovered(struct world *w)
{
	return w->notices[STORE_RECOVERED] > 0;
}

static void
a_fence_ends_the_backup(void **state)
{
	struct world *w = *state;
	int error;

	faulty_install();
	world_open(w);
	assert_int_equal(world_fill(w, "big", 20000000), 0);
	begin_backup(w, &error);
	faulty_fail_syncs_of_log(1);
	world_put(w, "juliet", "k", "v");
	assert_int_equal(wait_for_backup(w, &error), -ECANCELED);
	world_until(w, has_recovered);
	assert_false(has_copy(w));
	assert_int_equal(back_up(w), 0);
}

static void
memory_has_no_backup(void **state)
{
	struct world *w = *state;

	assert_int_equal(back_up(w), -ENOTSUP);
	store_cancel_backup(w->store);
}

#define ON_DISK(name) cmocka_unit_test_setup_teardown(name, world_closed_sqlite, tear_down)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		ON_DISK(what_was_committed_before_is_in_the_copy),
		ON_DISK(writing_goes_on_and_the_copy_is_of_one_moment),
		ON_DISK(the_log_begins_anew_after_a_backup),
		ON_DISK(only_one_is_made_at_a_time),
		ON_DISK(a_cancelled_one_leaves_nothing),
		ON_DISK(what_a_killed_process_left_is_removed),
		ON_DISK(a_disk_that_becomes_full_ends_only_the_backup),
		ON_DISK(a_backup_that_would_fill_the_disk_is_not_begun),
		ON_DISK(a_fence_ends_the_backup),
		cmocka_unit_test_setup_teardown(
			memory_has_no_backup, world_with_memory, world_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
