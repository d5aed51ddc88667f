/* The part of a log that is in memory only: what readers of each state find, and going back. */
#include "store/sqlite_tail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* So many there are at first: owners that differ by it are in one, and sorted there. */
enum { BUCKETS = 64 };

static int
set_up(void **state)
{
	static struct tail tail;

	tail_init(&tail, 4);
	*state = &tail;
	return 0;
}

static int
tear_down(void **state)
{
	tail_finish(*state);
	return 0;
}

static void
add(struct tail *tail, int64_t id, uint32_t owner)
{
	tail_add(tail, &(struct tail_entry){ .id = id, .owner = owner, .stamp_ms = id * 10 });
}

/* What a reader whose snapshot has this mark finds of owner 1: the sum of ids; -1: too old. */
static int64_t
sum(struct tail *tail, int64_t mark)
{
	struct tail_query query = {
		.owner = 1, .mark = mark, .bounds = range_bounds(&(struct store_range){ 0 })
	};
	struct tail_list list = { 0 };
	int64_t total = 0;

	if (!tail_find(tail, &query, &list))
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		total += list.v[i].entry.id;
		assert_true(i == 0 || list.v[i - 1].entry.id < list.v[i].entry.id);
	}
	free(list.v);
	return total;
}

/* Writes everything that is frozen to the indexes, as one group. */
static unsigned
write_all(struct tail *tail)
{
	unsigned count = 0;

	tail_begin(tail);
	while (tail_next(tail) != NULL)
		count++;
	tail->is_finishing = true;
	tail_commit(tail);
	return count;
}

static void
readers_of_each_state_find_what_it_lacks_in_the_indexes(void **state)
{
	struct tail *tail = *state;

	tail_begin(tail);
	for (int64_t id = 1; id <= 4; id++)
		add(tail, id, 1);
	assert_int_equal(sum(tail, 0), 10);
	tail_commit(tail);
	assert_true(tail_has_frozen(tail));
	tail_begin(tail);
	add(tail, 5, 1);
	tail_commit(tail);
	assert_int_equal(write_all(tail), 4);
	assert_int_equal(tail->mark, 4);
	assert_int_equal(sum(tail, 0), 15); /* who began before */
	assert_int_equal(sum(tail, 4), 5);
	tail_drop_old(tail);
	assert_int_equal(sum(tail, 0), -1);
	assert_int_equal(sum(tail, 4), 5);
}

static void
a_reader_that_is_two_steps_behind_is_told(void **state)
{
	struct tail *tail = *state;

	for (int64_t id = 1; id <= 2; id++) {
		tail_begin(tail);
		add(tail, id, 1);
		tail_commit(tail);
		tail_freeze(tail);
		assert_int_equal(write_all(tail), 1);
	}
	assert_int_equal(sum(tail, 0), -1);
	assert_int_equal(sum(tail, 1), 2);
	assert_int_equal(sum(tail, 2), 0);
}

static void
what_is_rolled_back_was_never_there(void **state)
{
	struct tail *tail = *state;
	struct tail_place first = { &tail->fresh, 0 };

	tail_begin(tail);
	add(tail, 1, 1);
	tail_commit(tail);
	tail_begin(tail);
	tail_kill(tail, first);
	for (int64_t id = 2; id <= 200; id++)
		add(tail, id, (uint32_t)id % 3);
	tail_rollback(tail);
	assert_int_equal(sum(tail, 0), 1);
	assert_false(tail->fresh.v[0].is_dead);
	assert_int_equal(tail->dead, 0);
}

static void
a_step_that_is_rolled_back_is_made_again(void **state)
{
	struct tail *tail = *state;
	tail_begin(tail);
	for (int64_t id = 0; id < 6; id++)
		add(tail, 6 - id, (uint32_t)(id / 2) * BUCKETS + 1);
	tail_commit(tail);
	tail_begin(tail);
	assert_int_equal(tail_next(tail)->id, 5);
	assert_int_equal(tail_next(tail)->id, 6);
	tail_commit(tail);
	for (int round = 0; round < 2; round++) {
		tail_begin(tail);
		assert_int_equal(tail_next(tail)->id, 3);
		assert_int_equal(tail_next(tail)->id, 4);
		assert_int_equal(tail_next(tail)->id, 1);
		tail_rollback(tail);
	}
	assert_int_equal(write_all(tail), 4);
	assert_int_equal(tail->mark, 6);
}

static void
ids_that_come_late_are_known(void **state)
{
	struct tail *tail = *state;

	tail_begin(tail);
	for (int64_t id = 10; id < 14; id++)
		add(tail, id, 1);
	assert_false(tail_is_late(tail, 9)); /* it can still be frozen with the others */
	tail_commit(tail);
	assert_true(tail_is_late(tail, 9));
	assert_false(tail_is_late(tail, 14));
	(void)write_all(tail);
	assert_true(tail_is_late(tail, 13));
	assert_false(tail_is_late(tail, 14));
}

static void
many_dead_entries_do_not_stay(void **state)
{
	struct tail *tail = *state;

	tail->window = 1000000;
	for (int64_t id = 1; !tail_has_frozen(tail); id++) {
		assert_true(id < 10000);
		tail_begin(tail);
		add(tail, id, 1);
		tail_kill(tail, (struct tail_place){ &tail->fresh, tail->fresh.count - 1 });
		tail_commit(tail);
	}
}

int
main(void)
{
#define TAIL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		TAIL(readers_of_each_state_find_what_it_lacks_in_the_indexes),
		TAIL(a_reader_that_is_two_steps_behind_is_told),
		TAIL(what_is_rolled_back_was_never_there),
		TAIL(a_step_that_is_rolled_back_is_made_again),
		TAIL(ids_that_come_late_are_known),
		TAIL(many_dead_entries_do_not_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
