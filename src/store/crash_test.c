/*
 * The promise, put to the test: a process killed at random moments, and a power supply that goes
 * out at random writes. Whatever was acknowledged must be there, each transaction whole, logs in
 * order. KITH_CRASHES says how often (20).
 *
 * Transaction n of an owner sets the value to n, puts n into the map and appends n to the log.
 */
#include "store/faulty_vfs_test.h"
#include "store/world_test.h"

#include "base/clock.h"
#include "base/random.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { OWNERS = 8, IN_FLIGHT = 32, MOST = 200000, START_MS = 2000 };

static bool *
make_acked(void)
{
	bool *acked = calloc(MOST, sizeof(bool));

	assert_non_null(acked);
	return acked;
}

/* Indexes of logs are written in one step, in several, or not before the end. */
static size_t
window_of(unsigned n)
{
	static const size_t windows[] = { 3, 300, 3000 };

	return windows[n % COUNT_OF(windows)];
}

static unsigned
rounds(void)
{
	const char *text = getenv("KITH_CRASHES");
	uint64_t count = 20;

	if (text != NULL)
		assert_int_equal(slice_to_uint(slice_of(text), 100000, &count), 0);
	return (unsigned)count;
}

static struct slice
owner_of(struct world *w, unsigned n)
{
	return arena_printf(&w->arena, "owner%u", n % OWNERS);
}

static void
write_one(struct world *w, unsigned n, void (*done)(struct store_request *request), void *arg)
{
	struct store_txn *txn = store_txn_create(w->store, owner_of(w, n));
	struct slice number = arena_printf(&w->arena, "%08u", n);

	store_txn_value_set(txn, NOTES, number);
	store_txn_map_put(txn, CONTACTS, number, SLICE("m"));
	(void)store_txn_log_append(txn, HISTORY, n, NO_SLICE, number);
	store_commit(txn, 7, done, arg);
}

/* ---- What is there afterwards ---- */

struct check {
	const bool *acked;
	unsigned owner, next; /* all acked numbers of the owner below are accounted for */
	unsigned found;
};

static void
check_whole(struct store_request *request)
{
	const struct store_batch *batch = store_batch_of(request);
	const struct store_result *value = store_result(batch, 0);
	const struct store_result *map = store_result(batch, 1);
	const struct store_result *log = store_result(batch, 2);
	struct check *check = request->arg;
	uint64_t n = 0;

	assert_int_equal(request->error, 0);
	assert_int_equal(map->count, log->count);
	for (size_t i = 0; i < map->count; i++) {
		assert_true(slice_is(map->rows[i].key, log->rows[i].value));
		assert_int_equal(slice_to_uint(map->rows[i].key, MOST, &n), 0);
		for (; check->next < n; check->next += OWNERS)
			assert_false(check->acked[check->next]);
		assert_int_equal(check->next, n);
		check->next += OWNERS;
	}
	check->found = (unsigned)map->count;
	for (; check->next < MOST; check->next += OWNERS)
		assert_false(check->acked[check->next]);
	if (map->count > 0)
		assert_true(slice_is(value->rows[0].value, map->rows[map->count - 1].key));
}

/* How many transactions are there. */
static unsigned
verify(struct world *w, const bool *acked)
{
	unsigned found = 0;

	for (unsigned i = 0; i < OWNERS; i++) {
		struct check check = { acked, i, i, 0 };
		struct store_batch *batch = store_batch_create(w->store, owner_of(w, i));

		(void)store_read_value(batch, NOTES);
		(void)store_read_map(batch, CONTACTS);
		(void)store_read_log(batch, HISTORY, NULL);
		store_fetch(batch, 7, check_whole, &check);
		world_wait(w, 1);
		found += check.found;
	}
	return found;
}

static void
open_quickly(struct world *w)
{
	uint64_t started = clock_monotonic_ms();

	world_open(w);
	assert_true(clock_monotonic_ms() - started < START_MS);
}

/* ---- Killed ---- */

struct acknowledgement {
	unsigned n;
	int pipe;
};

static void
tell(struct store_request *request)
{
	struct acknowledgement *ack = request->arg;

	if (request->error == 0 && write(ack->pipe, &ack->n, sizeof(ack->n)) != sizeof(ack->n))
		_exit(1);
}

/* Writes from number n on until it is killed, and tells the pipe what was acknowledged. */
static noreturn void
write_until_killed(struct world *w, unsigned n, int pipe)
{
	struct acknowledgement acks[IN_FLIGHT];

	world_open(w);
	for (unsigned sent = 0;; sent++) {
		struct acknowledgement *ack = &acks[sent % IN_FLIGHT];

		if (sent >= IN_FLIGHT)
			world_wait(w, 1);
		*ack = (struct acknowledgement){ n + sent, pipe };
		write_one(w, n + sent, tell, ack);
	}
}

/* Lets a child write and kills it after about that many acknowledgements; the next number. */
static unsigned
kill_one(struct world *w, unsigned n, unsigned after, bool *acked)
{
	unsigned got = 0, number = 0, next = n;
	int ends[2];
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)close(ends[0]);
		write_until_killed(w, n, ends[1]);
	}
	(void)close(ends[1]);
	while (read(ends[0], &number, sizeof(number)) == sizeof(number)) {
		assert_true(number < MOST);
		acked[number] = true;
		next = number + 1;
		if (++got == after)
			assert_int_equal(kill(child, SIGKILL), 0);
	}
	assert_true(got >= after);
	assert_int_equal(waitpid(child, NULL, 0), child);
	(void)close(ends[0]);
	return next + IN_FLIGHT + 1;
}

/* Kills one process after the other over the same directory. */
static void
kill_some(unsigned count)
{
	struct world w;
	bool *acked = make_acked();
	unsigned n = 0, found = 0;

	world_init(&w, true);
	w.wal_bytes = 256 << 10;
	while (count-- > 0) {
		unsigned after;

		random_bytes(&after, sizeof(after));
		w.log_window = window_of(after);
		n = kill_one(&w, n, 1 + after % 400, acked);
		open_quickly(&w);
		found = verify(&w, acked);
		world_close(&w);
	}
	assert_true(found > 0);
	world_finish(&w);
	free(acked);
}

static void
a_killed_process_loses_nothing_acknowledged(void **state)
{
	(void)state;
	for (unsigned left = rounds(); left > 0;) {
		unsigned some = left < 100 ? left : 100;

		kill_some(some);
		left -= some;
	}
}

/* ---- The power goes out ---- */

static void
note(struct store_request *request)
{
	if (request->error == 0)
		*(bool *)request->arg = true;
}

/* Writes until the power is out; the next number. */
static unsigned
write_until_dark(struct world *w, unsigned n, bool *acked)
{
	unsigned sent = 0;

	for (; !faulty_is_off() && n + sent < MOST; sent++) {
		if (sent >= IN_FLIGHT)
			world_wait(w, 1);
		write_one(w, n + sent, note, &acked[n + sent]);
	}
	world_close(w);
	return n + sent;
}

static void
power_loss(unsigned seed, bool torn)
{
	struct world w;
	bool *acked = make_acked();
	unsigned n = 0;

	world_init(&w, true);
	w.wal_bytes = 64 << 10;
	faulty_install();
	for (unsigned i = 0; i < 4; i++) {
		w.log_window = window_of(seed + i);
		faulty_power_off_after((unsigned)rand_r(&seed) % (i % 2 == 0 ? 60 : 1500));
		if (world_open_with(&w, test_tables, TEST_TABLES) == 0)
			n = write_until_dark(&w, n, acked);
		faulty_power_on(torn, seed);
		(void)unlink(world_path(&w, "kith.db-shm"));
		open_quickly(&w);
		(void)verify(&w, acked);
		world_close(&w);
	}
	faulty_remove();
	world_finish(&w);
	free(acked);
}

static void
a_power_loss_takes_nothing_acknowledged(void **state)
{
	unsigned seed;

	(void)state;
	random_bytes(&seed, sizeof(seed));
	for (unsigned i = 0; i < rounds() / 4; i++) {
		print_message("seed %u\n", seed + i);
		power_loss(seed + i, false);
	}
}

static void
torn_writes_take_nothing_acknowledged(void **state)
{
	unsigned seed;

	(void)state;
	random_bytes(&seed, sizeof(seed));
	for (unsigned i = 0; i < rounds() / 4; i++) {
		print_message("seed %u\n", seed + i);
		power_loss(seed + i, true);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_process_loses_nothing_acknowledged),
		cmocka_unit_test(a_power_loss_takes_nothing_acknowledged),
		cmocka_unit_test(torn_writes_take_nothing_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
