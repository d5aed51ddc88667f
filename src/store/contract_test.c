/* What store.h promises, asked of both back ends. */
#include "store/world_test.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct slice juliet = { "juliet@example.test", 19 };
static const struct slice romeo = { "romeo@example.test", 18 };

static struct slice
read_all(struct world *w, struct slice owner)
{
	struct store_batch *batch = store_batch_create(w->store, owner);

	(void)store_read_value(batch, NOTES);
	(void)store_read_set(batch, FRIENDS);
	(void)store_read_map(batch, CONTACTS);
	(void)store_read_log(batch, HISTORY, NULL);
	return world_read(w, batch);
}

static void
values_are_set_replaced_and_deleted(void **state)
{
	struct world *w = *state;
	struct store_txn *txn = store_txn_create(w->store, juliet);

	store_txn_value_set(txn, NOTES, SLICE("one"));
	assert_int_equal(world_commit(w, txn), 0);
	assert_text(read_all(w, juliet), "=one");
	assert_text(read_all(w, romeo), "");
	txn = store_txn_create(w->store, juliet);
	store_txn_value_set(txn, NOTES, SLICE("two"));
	assert_int_equal(world_commit(w, txn), 0);
	assert_text(read_all(w, juliet), "=two");
	txn = store_txn_create(w->store, juliet);
	store_txn_value_set(txn, NOTES, NO_SLICE);
	assert_int_equal(world_commit(w, txn), 0);
	assert_text(read_all(w, juliet), "=");
	txn = store_txn_create(w->store, juliet);
	store_txn_value_delete(txn, NOTES);
	store_txn_value_delete(txn, NOTES);
	assert_int_equal(world_commit(w, txn), 0);
	assert_text(read_all(w, juliet), "");
}

static void
keys_come_in_the_order_of_their_bytes(void **state)
{
	struct world *w = *state;
	struct store_txn *txn = store_txn_create(w->store, juliet);
	struct store_batch *batch;

	store_txn_set_add(txn, FRIENDS, SLICE("b"));
	store_txn_set_add(txn, FRIENDS, SLICE("\xc3\xa4"));
	store_txn_set_add(txn, FRIENDS, SLICE("Z"));
	store_txn_set_add(txn, FRIENDS, SLICE("b"));
	store_txn_set_add(txn, FRIENDS, SLICE(""));
	store_txn_set_add(txn, FRIENDS, SLICE("a"));
	store_txn_set_remove(txn, FRIENDS, SLICE("a"));
	store_txn_map_put(txn, CONTACTS, SLICE("y"), SLICE("1"));
	store_txn_map_put(txn, CONTACTS, SLICE("x"), SLICE("2"));
	store_txn_map_put(txn, CONTACTS, SLICE("y"), SLICE("3"));
	store_txn_map_put(txn, CONTACTS, SLICE("z"), SLICE("4"));
	store_txn_map_delete(txn, CONTACTS, SLICE("z"));
	assert_int_equal(world_commit(w, txn), 0);
	assert_text(read_all(w, juliet), "= Z= b= \xc3\xa4= x=2 y=3");
	batch = store_batch_create(w->store, juliet);
	(void)store_read_key(batch, CONTACTS, SLICE("y"));
	(void)store_read_key(batch, CONTACTS, SLICE("z"));
	(void)store_read_key(batch, FRIENDS, SLICE("Z"));
	(void)store_read_key(batch, FRIENDS, SLICE("z"));
	(void)store_read_count(batch, FRIENDS, NULL);
	(void)store_read_size(batch, FRIENDS);
	(void)store_read_size(batch, CONTACTS);
	(void)store_read_size(batch, NOTES);
	assert_text(world_read(w, batch), "y=3 Z=#4#4#4");
	txn = store_txn_create(w->store, juliet);
	store_txn_set_clear(txn, FRIENDS);
	store_txn_map_clear(txn, CONTACTS);
	store_txn_set_add(txn, FRIENDS, SLICE("new"));
	assert_int_equal(world_commit(w, txn), 0);
	assert_text(read_all(w, juliet), "new=");
}

static void
bytes_may_be_any(void **state)
{
	struct world *w = *state;
	struct store_txn *txn = store_txn_create(w->store, juliet);
	char blob[256], key[255];

	for (size_t i = 0; i < sizeof(blob); i++)
		blob[i] = (char)i;
	memcpy(key, blob + 1, sizeof(key));
	store_txn_map_put(txn, CONTACTS, slice_make(key, sizeof(key)), slice_make(blob, 256));
	assert_int_equal(world_commit(w, txn), 0);
	assert_int_equal(read_all(w, juliet).len, sizeof(key) + 1 + sizeof(blob));
	txn = store_txn_create(w->store, juliet);
	store_txn_map_delete(txn, CONTACTS, slice_make(key, sizeof(key)));
	assert_int_equal(world_commit(w, txn), 0);
	assert_text(read_all(w, juliet), "");
}

static void
a_condition_that_is_not_met_leaves_nothing(void **state)
{
	struct world *w = *state;
	struct store_txn *txn = store_txn_create(w->store, juliet);

	store_txn_set_add(txn, FRIENDS, SLICE("tybalt"));
	store_txn_value_require(txn, NOTES);
	assert_int_equal(world_commit(w, txn), -ENOENT);
	assert_text(read_all(w, juliet), "");
	txn = store_txn_create(w->store, juliet);
	store_txn_value_create(txn, NOTES, SLICE("mine"));
	assert_int_equal(world_commit(w, txn), 0);
	txn = store_txn_create(w->store, juliet);
	store_txn_set_add(txn, FRIENDS, SLICE("tybalt"));
	store_txn_value_create(txn, NOTES, SLICE("yours"));
	assert_int_equal(world_commit(w, txn), -EEXIST);
	txn = store_txn_create(w->store, juliet);
	store_txn_value_require(txn, NOTES);
	store_txn_set_add(txn, FRIENDS, SLICE("nurse"));
	assert_int_equal(world_commit(w, txn), 0);
	assert_text(read_all(w, juliet), "=mine nurse=");
}

static int
write_if(struct world *w, unsigned table, struct slice key, struct slice expected)
{
	struct store_txn *txn = store_txn_create(w->store, juliet);

	store_txn_value_set(txn, NOTES, SLICE("new"));
	store_txn_map_put(txn, CONTACTS, SLICE("nurse"), SLICE("new"));
	store_txn_expect(txn, table, key, expected);
	return world_commit(w, txn);
}

static void
what_was_read_can_be_expected_to_be_there_still(void **state)
{
	struct world *w = *state;

	assert_int_equal(write_if(w, NOTES, NO_SLICE, SLICE("old")), -ESTALE);
	assert_int_equal(write_if(w, CONTACTS, SLICE("nurse"), SLICE("old")), -ESTALE);
	assert_text(read_all(w, juliet), "");
	assert_int_equal(write_if(w, NOTES, NO_SLICE, NO_SLICE), 0);
	assert_int_equal(write_if(w, NOTES, NO_SLICE, NO_SLICE), -ESTALE);
	assert_int_equal(write_if(w, NOTES, NO_SLICE, SLICE("ne")), -ESTALE);
	assert_int_equal(write_if(w, NOTES, NO_SLICE, SLICE("new")), 0);
	assert_int_equal(write_if(w, CONTACTS, SLICE("nurse"), NO_SLICE), -ESTALE);
	assert_int_equal(write_if(w, CONTACTS, SLICE("nurse"), SLICE("newer")), -ESTALE);
	assert_int_equal(write_if(w, CONTACTS, SLICE("nurse"), SLICE("new")), 0);
	assert_int_equal(write_if(w, CONTACTS, SLICE("page"), NO_SLICE), 0);
}

struct order {
	size_t *next;
	size_t number;
	int expected;
};

static void
check_order(struct store_request *request)
{
	struct order *order = request->arg;

	assert_int_equal(order->number, *order->next);
	assert_int_equal(request->error, order->expected);
	++*order->next;
}

static void
one_that_fails_does_not_harm_its_neighbours(void **state)
{
	enum { COUNT = 600 };
	struct world *w = *state;
	struct order *orders = calloc(COUNT, sizeof(*orders));
	struct store_batch *batch;
	size_t next = 0;

	assert_non_null(orders);
	for (size_t i = 0; i < COUNT; i++) {
		struct slice owner = arena_printf(&w->arena, "owner%zu", i / 3);
		struct store_txn *txn = store_txn_create(w->store, owner);

		store_txn_value_create(txn, NOTES, SLICE("x"));
		store_txn_map_put(txn, CONTACTS, arena_printf(&w->arena, "%zu", i), SLICE("y"));
		orders[i] = (struct order){ &next, i, i % 3 == 0 ? 0 : -EEXIST };
		store_commit(txn, 7, check_order, &orders[i]);
	}
	world_wait(w, COUNT);
	assert_int_equal(next, COUNT);
	batch = store_batch_create(w->store, SLICE("owner199"));
	(void)store_read_map(batch, CONTACTS);
	assert_text(world_read(w, batch), "597=y");
	free(orders);
}

static void
fill_all(struct world *w, struct slice owner)
{
	struct store_txn *txn = store_txn_create(w->store, owner);

	store_txn_value_set(txn, NOTES, SLICE("v"));
	store_txn_set_add(txn, FRIENDS, SLICE("f"));
	store_txn_map_put(txn, CONTACTS, SLICE("k"), SLICE("c"));
	(void)store_txn_log_append(txn, HISTORY, 5, SLICE("w"), SLICE("h"));
	assert_int_equal(world_commit(w, txn), 0);
}

static void
an_owner_is_deleted_from_all_tables(void **state)
{
	struct world *w = *state;
	struct store_txn *txn;

	fill_all(w, juliet);
	fill_all(w, romeo);
	world_close(w);
	assert_int_equal(world_open_with(w, test_tables, 1), 0);
	txn = store_txn_create(w->store, juliet);
	store_txn_owner_delete(txn);
	store_txn_value_set(txn, NOTES, SLICE("again"));
	assert_int_equal(world_commit(w, txn), 0);
	world_close(w);
	world_open(w);
	assert_text(read_all(w, juliet), "=again");
	assert_text(read_all(w, romeo), "=v f= k=c 5:w=h");
}

static struct slice
read_owners(struct world *w, struct slice after, uint32_t limit)
{
	struct store_batch *batch = store_batch_create(w->store, NO_SLICE);

	(void)store_read_owners(batch, CONTACTS, after, limit);
	return world_read(w, batch);
}

static void
owners_are_listed_in_pages(void **state)
{
	struct world *w = *state;

	assert_text(read_owners(w, NO_SLICE, 10), "");
	world_put(w, "c", "1", "x");
	world_put(w, "a", "1", "x");
	world_put(w, "b", "1", "x");
	world_put(w, "a", "2", "x");
	assert_text(read_owners(w, NO_SLICE, 2), "a= b=…");
	assert_text(read_owners(w, SLICE("b"), 2), "c=");
	assert_text(read_owners(w, NO_SLICE, 0), "a= b= c=");
	assert_text(read_owners(w, SLICE("c"), 1), "");
}

static void
check_own_write(struct store_request *request)
{
	const struct store_result *result = store_result(store_batch_of(request), 0);
	const struct slice *expected = request->arg;

	assert_int_equal(request->error, 0);
	assert_int_equal(result->count, 1);
	assert_true(slice_is(result->rows[0].value, *expected));
}

static void
a_read_sees_what_was_written_before_it(void **state)
{
	enum { COUNT = 500 };
	struct world *w = *state;
	struct slice *values = arena_array(&w->arena, COUNT, struct slice);

	for (size_t i = 0; i < COUNT; i++) {
		struct slice owner = arena_printf(&w->arena, "owner%zu", i % 50);
		struct store_txn *txn = store_txn_create(w->store, owner);
		struct store_batch *batch = store_batch_create(w->store, owner);

		values[i] = arena_printf(&w->arena, "%zu", i);
		store_txn_value_set(txn, NOTES, values[i]);
		store_commit(txn, 7, NULL, NULL);
		(void)store_read_value(batch, NOTES);
		if (i >= COUNT - 50) {
			store_fetch(batch, 7, check_own_write, &values[i]);
			continue;
		}
		store_batch_destroy(&batch);
	}
	world_wait(w, COUNT + 50);
}

static void
check_pair(struct store_request *request)
{
	const struct store_batch *batch = store_batch_of(request);
	const struct store_result *value = store_result(batch, 0);
	const struct store_result *map = store_result(batch, 1);

	assert_int_equal(request->error, 0);
	assert_int_equal(value->count, map->count);
	if (value->count > 0)
		assert_true(slice_is(value->rows[0].value, map->rows[0].value));
}

static void
a_batch_sees_one_state(void **state)
{
	enum { COUNT = 300 };
	struct world *w = *state;

	for (size_t i = 0; i < COUNT; i++) {
		struct store_txn *txn = store_txn_create(w->store, juliet);
		struct store_batch *batch = store_batch_create(w->store, juliet);
		struct slice value = arena_printf(&w->arena, "%zu", i);

		(void)store_read_value(batch, NOTES);
		(void)store_read_map(batch, CONTACTS);
		store_fetch(batch, 7, check_pair, NULL);
		store_txn_value_set(txn, NOTES, value);
		store_txn_map_put(txn, CONTACTS, SLICE("k"), value);
		store_commit(txn, 7, NULL, NULL);
	}
	world_wait(w, (size_t)2 * COUNT);
}

static void
what_is_stored_outlives_the_handle(void **state)
{
	struct world *w = *state;

	fill_all(w, juliet);
	world_put(w, "juliet@example.test", "late", "x"); /* not waited for: close does */
	world_close(w);
	assert_int_equal(w->last_error, 0);
	world_open(w);
	assert_text(read_all(w, juliet), "=v f= k=c late=x 5:w=h");
}

static void
what_is_too_large_is_refused(void **state)
{
	struct world *w = *state;
	struct store_txn *txn = store_txn_create(w->store, juliet);
	char *key = calloc(1, STORE_MAX_KEY + 1);
	struct store_stats stats;

	assert_non_null(key);
	memset(key, 'k', STORE_MAX_KEY + 1);
	store_txn_set_add(txn, FRIENDS, SLICE("small"));
	store_txn_set_add(txn, FRIENDS, slice_make(key, STORE_MAX_KEY + 1));
	assert_int_equal(world_commit(w, txn), -EMSGSIZE);
	assert_text(read_all(w, juliet), "");
	txn = store_txn_create(w->store, juliet);
	store_txn_set_add(txn, FRIENDS, slice_make(key, STORE_MAX_KEY));
	assert_int_equal(world_commit(w, txn), 0);
	assert_int_equal(read_all(w, juliet).len, STORE_MAX_KEY + 1);
	free(key);
	store_get_stats(w->store, &stats);
	assert_int_equal(stats.txns, 1);
	assert_int_equal(stats.txns_refused, 1);
	assert_int_equal(stats.rows, 1);
	assert_int_equal(stats.queued_bytes, 0);
	assert_false(store_is_busy(w->store));
}

static void
requests_that_were_never_sent_go_away(void **state)
{
	struct world *w = *state;
	struct store_txn *txn = store_txn_create(w->store, juliet);
	struct store_batch *batch = store_batch_create(w->store, juliet);

	store_txn_value_set(txn, NOTES, SLICE("x"));
	assert_true(slice_is(store_txn_owner(txn), juliet));
	assert_true(slice_is(store_batch_owner(batch), juliet));
	store_txn_destroy(&txn);
	store_batch_destroy(&batch);
	assert_null(txn);
	store_txn_destroy(&txn);
	store_batch_destroy(&batch);
	assert_text(read_all(w, juliet), "");
}

static void
tables_of_another_kind_or_a_newer_form_are_refused(void **state)
{
	static const struct store_table newer[] = { { "notes.text", STORE_VALUE, 2 } };
	static const struct store_table other[] = { { "notes.text", STORE_MAP, 2 } };
	struct world *w = *state;

	fill_all(w, juliet);
	world_close(w);
	assert_int_equal(world_open_with(w, other, 1), -EINVAL);
	assert_true(w->fault.cause.len > 0 && w->fault.cure.len > 0);
	assert_int_equal(world_open_with(w, newer, 1), 0);
	world_close(w);
	assert_int_equal(world_open_with(w, test_tables, TEST_TABLES), -EPROTO);
	assert_text(w->fault.cause, "The stored table \"notes.text\" has form 2, and this program "
				    "knows forms up to 1.");
	assert_int_equal(world_open_with(w, newer, 1), 0);
}

static void
memory_fails_when_it_is_told_to(void **state)
{
	struct world *w = *state;

	store_memory_fail(w->memory, 1, 2, -ENOSPC);
	for (int i = 0; i < 4; i++) {
		world_put(w, "juliet@example.test", "k", i == 0 ? "first" : "later");
		world_wait(w, 1);
		assert_int_equal(w->last_error, i == 1 || i == 2 ? -ENOSPC : 0);
		if (i == 2)
			assert_text(read_all(w, juliet), "k=first");
	}
	assert_text(read_all(w, juliet), "k=later");
}

static void
memory_can_be_held_and_crashed(void **state)
{
	struct world *w = *state;

	store_memory_hold(w->memory, true);
	world_put(w, "juliet@example.test", "a", "1");
	store_memory_hold(w->memory, false);
	world_wait(w, 1);
	store_memory_hold(w->memory, true);
	world_put(w, "juliet@example.test", "b", "2");
	store_memory_crash(&w->store);
	assert_null(w->store);
	store_memory_hold(w->memory, false);
	world_open(w);
	assert_text(read_all(w, juliet), "a=1");
}

static void
an_entry_that_is_appended_twice_is_there_twice(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 2; i++) {
		struct store_txn *txn = store_txn_create(w->store, juliet);

		(void)store_txn_log_append(txn, HISTORY, 7, SLICE("romeo"), SLICE("same"));
		assert_int_equal(world_commit(w, txn), 0);
	}
	assert_text(read_all(w, juliet), "7:romeo=same 7:romeo=same");
}

/* A request is pending until a moment after its completion was posted. */
static bool
nothing_pends(struct world *w)
{
	return store_pending(w->store) == 0;
}

/* What was asked before is done; what is asked afterwards is not, and says so. */
static void
a_store_refuses_what_comes_after_it_was_told_to(void **state)
{
	struct world *w = *state;
	struct store_txn *txn;
	struct store_batch *batch;

	world_put(w, "juliet@example.test", "a", "1");
	store_refuse(w->store);
	txn = store_txn_create(w->store, juliet);
	store_txn_map_put(txn, CONTACTS, SLICE("b"), SLICE("2"));
	store_commit(txn, 7, NULL, NULL);
	world_wait(w, 2);
	world_until(w, nothing_pends);
	batch = store_batch_create(w->store, juliet);
	(void)store_read_map(batch, CONTACTS);
	store_fetch(batch, 7, NULL, NULL);
	world_wait(w, 1);
	assert_int_equal(w->last_error, -ECANCELED);
	world_close(w);
	world_open(w);
	assert_text(read_all(w, juliet), "a=1");
}

static void
memory_takes_steps_that_keep_the_promises(void **state)
{
	struct world *w = *state;

	store_memory_hold(w->memory, true);
	assert_false(store_memory_step(w->memory, 0));
	world_put(w, "juliet@example.test", "a", "1");
	world_put(w, "romeo@example.test", "a", "1");
	assert_int_equal(store_pending(w->store), 2);
	/* Transactions keep their order, so the second cannot be first. */
	assert_true(store_memory_step(w->memory, 1));
	assert_int_equal(store_pending(w->store), 1);
	world_wait(w, 1);
	assert_true(store_memory_step(w->memory, 7));
	assert_false(store_memory_step(w->memory, 0));
	world_wait(w, 1);
	assert_int_equal(store_pending(w->store), 0);
	store_memory_hold(w->memory, false);
	assert_text(read_all(w, juliet), "a=1");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		BOTH(values_are_set_replaced_and_deleted),
		BOTH(keys_come_in_the_order_of_their_bytes),
		BOTH(bytes_may_be_any),
		BOTH(a_condition_that_is_not_met_leaves_nothing),
		BOTH(what_was_read_can_be_expected_to_be_there_still),
		BOTH(one_that_fails_does_not_harm_its_neighbours),
		BOTH(an_owner_is_deleted_from_all_tables),
		BOTH(owners_are_listed_in_pages),
		BOTH(a_read_sees_what_was_written_before_it),
		BOTH(a_batch_sees_one_state),
		BOTH(what_is_stored_outlives_the_handle),
		BOTH(what_is_too_large_is_refused),
		BOTH(an_entry_that_is_appended_twice_is_there_twice),
		BOTH(a_store_refuses_what_comes_after_it_was_told_to),
		BOTH(requests_that_were_never_sent_go_away),
		BOTH(tables_of_another_kind_or_a_newer_form_are_refused),
		{ "memory_fails_when_it_is_told_to", memory_fails_when_it_is_told_to,
			world_with_memory, world_tear_down, NULL },
		{ "memory_can_be_held_and_crashed", memory_can_be_held_and_crashed,
			world_with_memory, world_tear_down, NULL },
		{ "memory_takes_steps_that_keep_the_promises",
			memory_takes_steps_that_keep_the_promises, world_with_memory,
			world_tear_down, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
