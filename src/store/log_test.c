/* What store.h promises of logs, asked of both back ends. */
#include "store/world_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct slice juliet = { "juliet@example.test", 19 };
static const struct slice romeo = { "romeo@example.test", 18 };

static struct slice
read_log(struct world *w, struct store_range range)
{
	struct store_batch *batch = store_batch_create(w->store, juliet);

	(void)store_read_log(batch, HISTORY, &range);
	return world_read(w, batch);
}

static void
fill_history(struct world *w)
{
	static const char *const with[] = { "a", "b", NULL };

	for (int i = 1; i <= 6; i++) {
		struct store_txn *txn = store_txn_create(w->store, i == 4 ? romeo : juliet);

		(void)store_txn_log_append(txn, HISTORY, (int64_t)i * 100, slice_of(with[i % 3]),
			arena_printf(&w->arena, "m%d", i));
		assert_int_equal(world_commit(w, txn), 0);
	}
}

static void
logs_are_read_in_both_directions_and_in_parts(void **state)
{
	struct world *w = *state;
	struct store_batch *batch;

	fill_history(w);
	assert_text(read_log(w, (struct store_range){ 0 }),
		"100:b=m1 200:=m2 300:a=m3 500:=m5 600:a=m6");
	assert_text(read_log(w, (struct store_range){ .backward = true }),
		"600:a=m6 500:=m5 300:a=m3 200:=m2 100:b=m1");
	assert_text(read_log(w, (struct store_range){ .limit = 2 }), "100:b=m1 200:=m2…");
	assert_text(read_log(w, (struct store_range){ .limit = 5 }),
		"100:b=m1 200:=m2 300:a=m3 500:=m5 600:a=m6");
	assert_text(read_log(w, (struct store_range){ .limit = 2, .backward = true }),
		"600:a=m6 500:=m5…");
	assert_text(read_log(w, (struct store_range){ .with = SLICE("a") }), "300:a=m3 600:a=m6");
	assert_text(
		read_log(w,
			(struct store_range){ .with = SLICE("a"), .backward = true, .limit = 1 }),
		"600:a=m6…");
	assert_text(read_log(w, (struct store_range){ .with = SLICE("c") }), "");
	assert_text(read_log(w, (struct store_range){ .since_ms = 200, .until_ms = 300 }),
		"200:=m2 300:a=m3");
	batch = store_batch_create(w->store, juliet);
	(void)store_read_count(batch, HISTORY, NULL);
	(void)store_read_count(batch, HISTORY, &(struct store_range){ .with = SLICE("a") });
	(void)store_read_count(batch, HISTORY, &(struct store_range){ .until_ms = 99 });
	(void)store_read_size(batch, HISTORY);
	assert_text(world_read(w, batch), "#5#2#13");
}

static void
keep_ids(struct store_request *request)
{
	uint64_t *ids = request->arg;

	assert_int_equal(request->error, 0);
	ids[0] = store_txn_log_id(store_txn_of(request), 0);
	ids[1] = store_txn_log_id(store_txn_of(request), 1);
}

/* Appends two entries; gives their ids. */
static void
append_two(struct world *w, uint64_t ids[2])
{
	struct store_txn *txn = store_txn_create(w->store, juliet);

	(void)store_txn_log_append(txn, HISTORY, 1, NO_SLICE, SLICE("x"));
	store_txn_set_add(txn, FRIENDS, SLICE("f"));
	(void)store_txn_log_append(txn, HISTORY, 2, NO_SLICE, SLICE("y"));
	store_commit(txn, 7, keep_ids, ids);
	world_wait(w, 1);
	assert_true(ids[0] > 0 && ids[1] > ids[0]);
}

static void
ids_bound_a_range_and_are_never_used_again(void **state)
{
	struct world *w = *state;
	uint64_t first[2], second[2], third[2];
	struct store_txn *txn;

	append_two(w, first);
	append_two(w, second);
	assert_true(second[0] > first[1]);
	assert_text(read_log(w, (struct store_range){ .after = first[0], .before = second[1] }),
		"2:=y 1:=x");
	assert_text(read_log(w, (struct store_range){ .after = second[1] }), "");
	assert_text(read_log(w, (struct store_range){ .before = 1 }), "");
	assert_text(read_log(w, (struct store_range){ .after = UINT64_MAX }), "");
	txn = store_txn_create(w->store, juliet);
	store_txn_log_delete(txn, HISTORY, &(struct store_range){ .after = first[1] });
	assert_int_equal(world_commit(w, txn), 0);
	assert_text(read_log(w, (struct store_range){ 0 }), "1:=x 2:=y");
	world_close(w);
	world_open(w);
	append_two(w, third);
	assert_true(third[0] > second[1]);
	txn = store_txn_create(w->store, juliet);
	store_txn_log_delete(txn, HISTORY, &(struct store_range){ .until_ms = 1 });
	assert_int_equal(world_commit(w, txn), 0);
	assert_text(read_log(w, (struct store_range){ 0 }), "2:=y 2:=y");
	txn = store_txn_create(w->store, juliet);
	store_txn_log_delete(txn, HISTORY, &(struct store_range){ 0 });
	assert_int_equal(world_commit(w, txn), 0);
	assert_text(read_log(w, (struct store_range){ 0 }), "");
}

static void
logs_are_trimmed_by_with(void **state)
{
	struct world *w = *state;
	struct store_txn *txn;

	fill_history(w);
	txn = store_txn_create(w->store, juliet);
	store_txn_log_delete(txn, HISTORY, &(struct store_range){ .with = SLICE("a") });
	assert_int_equal(world_commit(w, txn), 0);
	assert_text(read_log(w, (struct store_range){ 0 }), "100:b=m1 200:=m2 500:=m5");
}

/* Appends m0, m1, … to the logs of two owners by turns; the odd ones are Romeo's. */
static void
append_many(struct world *w, size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++) {
		struct store_txn *txn = store_txn_create(w->store, i % 2 == 0 ? juliet : romeo);

		(void)store_txn_log_append(
			txn, HISTORY, (int64_t)i, SLICE("a"), arena_printf(&w->arena, "m%zu", i));
		store_commit(txn, 7, NULL, NULL);
		if (i % 20 == 19)
			world_wait(w, 20);
	}
}

/* All there, once, in order, whichever part of the log is read and in which direction. */
static void
assert_many(struct world *w, size_t first, size_t count)
{
	struct store_batch *batch = store_batch_create(w->store, juliet);
	struct slice all = SLICE("");

	for (size_t i = first; i < count; i += 2)
		all = arena_printf(&w->arena, "%.*s%s%zu:a=m%zu", SLICE_ARG(all),
			all.len == 0 ? "" : " ", i, i);
	assert_text(read_log(w, (struct store_range){ 0 }), all.p);
	assert_text(read_log(w, (struct store_range){ .with = SLICE("a") }), all.p);
	(void)store_read_count(batch, HISTORY, NULL);
	(void)store_read_count(batch, HISTORY, &(struct store_range){ .with = SLICE("a") });
	assert_text(world_read(w, batch),
		arena_printf(&w->arena, "#%zu#%zu", (count - first) / 2, (count - first) / 2).p);
}

static void
a_log_is_whole_while_its_indexes_are_written(void **state)
{
	static const size_t windows[] = { 1, 100, 1000 };
	struct world *w = *state;

	for (size_t i = 0; i < COUNT_OF(windows); i++) {
		struct store_txn *txn;

		world_close(w);
		w->log_window = windows[i];
		world_open(w);
		for (size_t n = 0; n < 800; n += 200) {
			append_many(w, n, 200);
			assert_many(w, 0, n + 200);
		}
		txn = store_txn_create(w->store, juliet);
		store_txn_log_delete(
			txn, HISTORY, &(struct store_range){ .until_ms = 99, .with = SLICE("a") });
		assert_int_equal(world_commit(w, txn), 0);
		txn = store_txn_create(w->store, juliet);
		store_txn_log_delete(txn, HISTORY, &(struct store_range){ .since_ms = 600 });
		assert_int_equal(world_commit(w, txn), 0);
		assert_many(w, 100, 600);
		world_close(w);
		world_open(w);
		assert_many(w, 100, 600);
		txn = store_txn_create(w->store, juliet);
		store_txn_owner_delete(txn);
		assert_int_equal(world_commit(w, txn), 0);
		assert_text(read_log(w, (struct store_range){ 0 }), "");
	}
}

/* Ids are given when entries are appended, and may be committed in another order. */
static void
entries_that_come_late_are_in_their_place(void **state)
{
	struct world *w = *state;
	struct store_txn *late[3];

	for (size_t i = 0; i < COUNT_OF(late); i++) {
		late[i] = store_txn_create(w->store, juliet);
		(void)store_txn_log_append(late[i], HISTORY, (int64_t)i * 100 + 1, SLICE("a"),
			arena_printf(&w->arena, "late%zu", i));
		for (int64_t n = 2; n <= 9; n++) {
			struct store_txn *txn = store_txn_create(w->store, juliet);

			(void)store_txn_log_append(
				txn, HISTORY, (int64_t)i * 100 + n, SLICE("b"), SLICE("x"));
			assert_int_equal(world_commit(w, txn), 0);
		}
	}
	for (size_t i = COUNT_OF(late); i-- > 0;)
		assert_int_equal(world_commit(w, late[i]), 0);
	for (int again = 0; again < 2; again++) {
		assert_text(read_log(w, (struct store_range){ .with = SLICE("a") }),
			"1:a=late0 101:a=late1 201:a=late2");
		assert_text(read_log(w, (struct store_range){ .since_ms = 9, .until_ms = 102 }),
			"9:b=x 101:a=late1 102:b=x");
		if (w->dir == NULL)
			break;
		world_close(w);
		world_open(w);
	}
}

/* Who has written n entries sees them, and later ones perhaps, without a gap. */
static void
check_look(struct store_request *request)
{
	const struct store_result *result = store_result(store_batch_of(request), 0);
	const size_t *least = request->arg;

	assert_int_equal(request->error, 0);
	assert_true(result->count >= *least);
	for (size_t i = 0; i < result->count; i++)
		assert_int_equal(result->rows[i].stamp_ms, i);
}

static void
who_reads_meanwhile_misses_nothing(void **state)
{
	enum { COUNT = 600 };
	struct world *w = *state;
	static size_t least[COUNT];

	for (size_t i = 0; i < COUNT; i++) {
		struct store_txn *txn = store_txn_create(w->store, juliet);
		struct store_batch *batch = store_batch_create(w->store, juliet);

		least[i] = i + 1;
		(void)store_txn_log_append(txn, HISTORY, (int64_t)i, SLICE("a"), SLICE("x"));
		store_commit(txn, 7, NULL, NULL);
		(void)store_read_log(batch, HISTORY,
			i % 2 == 0 ? NULL : &(struct store_range){ .with = SLICE("a") });
		store_fetch(batch, 7, check_look, &least[i]);
		if (i % 10 == 9)
			world_wait(w, 20);
	}
}

/* Entries n of 20,000, of which one in 500 is Juliet's, at the time that the clock shows then. */
static void
append_by_clock(struct world *w, int64_t (*clock)(int64_t n))
{
	for (int64_t n = 0; n < 20000; n++) {
		struct store_txn *txn = store_txn_create(w->store, n % 500 == 0 ? juliet : romeo);

		(void)store_txn_log_append(txn, HISTORY, clock(n), NO_SLICE, SLICE("x"));
		store_commit(txn, 7, NULL, NULL);
		if (n % 100 == 99)
			world_wait(w, 100);
	}
}

/* How many of Juliet's are in the range, and how many must be. */
static void
assert_times(struct world *w, int64_t (*clock)(int64_t n), int64_t since, int64_t until)
{
	struct store_range range = { .since_ms = since, .until_ms = until };
	struct store_batch *batch = store_batch_create(w->store, juliet);
	struct slice expected = SLICE("");
	unsigned count = 0;

	for (int64_t n = 0; n < 20000; n += 500) {
		if ((since != 0 && clock(n) < since) || (until != 0 && clock(n) > until))
			continue;
		expected = arena_printf(&w->arena, "%.*s%s%lld:=x", SLICE_ARG(expected),
			count++ > 0 ? " " : "", (long long)clock(n));
	}
	assert_text(read_log(w, range), expected.p);
	(void)store_read_count(batch, HISTORY, &range);
	assert_text(
		world_read(w, batch), count == 0 ? "" : arena_printf(&w->arena, "#%u", count).p);
}

static int64_t
good_clock(int64_t n)
{
	return 1000000 + n;
}

/* An hour ahead for a while, then back; and a moment long a day behind. */
static int64_t
jumping_clock(int64_t n)
{
	if (n >= 6000 && n < 9000)
		return 1000000 + n + 3600000;
	return n == 13000 ? 500000 : 1000000 + n;
}

static void
assert_all_times(struct world *w, int64_t (*clock)(int64_t n))
{
	for (int64_t n = 0; n <= 20000; n += 2500) {
		assert_times(w, clock, 1000000 + n, 0);
		assert_times(w, clock, 0, 1000000 + n);
		assert_times(w, clock, 1000000 + n, 1000000 + n + 4000);
	}
	assert_times(w, clock, 500000, 0);
	assert_times(w, clock, 0, 500000);
	assert_times(w, clock, 4000000, 0);
}

static void
times_are_found_by_a_good_clock(void **state)
{
	append_by_clock(*state, good_clock);
	assert_all_times(*state, good_clock);
}

static void
times_are_found_though_the_clock_jumps(void **state)
{
	struct world *w = *state;

	append_by_clock(w, jumping_clock);
	assert_all_times(w, jumping_clock);
	if (w->dir == NULL)
		return;
	world_close(w);
	world_open(w);
	assert_all_times(w, jumping_clock);
}

static void
append_for_romeo(struct world *w, int64_t first, int64_t count)
{
	for (int64_t n = first; n < first + count; n++) {
		struct store_txn *txn = store_txn_create(w->store, romeo);

		(void)store_txn_log_append(txn, HISTORY, n, NO_SLICE, SLICE("x"));
		store_commit(txn, 7, NULL, NULL);
		if (n % 100 == 99)
			world_wait(w, 100);
	}
}

static void
the_time_of_an_entry_that_comes_late_is_found(void **state)
{
	struct world *w = *state;
	struct store_txn *late[2] = { store_txn_create(w->store, juliet),
		store_txn_create(w->store, juliet) };

	(void)store_txn_log_append(late[0], HISTORY, 99999, NO_SLICE, SLICE("far"));
	(void)store_txn_log_append(late[1], HISTORY, 5, NO_SLICE, SLICE("old"));
	append_for_romeo(w, 1000, 9000);
	assert_int_equal(world_commit(w, late[0]), 0);
	assert_int_equal(world_commit(w, late[1]), 0);
	append_for_romeo(w, 10000, 9000);
	assert_text(read_log(w, (struct store_range){ .since_ms = 99999 }), "99999:=far");
	assert_text(read_log(w, (struct store_range){ .until_ms = 5 }), "5:=old");
	assert_text(read_log(w, (struct store_range){ .since_ms = 5 }), "99999:=far 5:=old");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		BOTH(logs_are_read_in_both_directions_and_in_parts),
		BOTH(ids_bound_a_range_and_are_never_used_again),
		BOTH(logs_are_trimmed_by_with),
		BOTH(entries_that_come_late_are_in_their_place),
		BOTH(who_reads_meanwhile_misses_nothing),
		BOTH(times_are_found_by_a_good_clock),
		BOTH(times_are_found_though_the_clock_jumps),
		BOTH(the_time_of_an_entry_that_comes_late_is_found),
		BOTH(a_log_is_whole_while_its_indexes_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
