/* Ids of archives, and what a question for a page means (XEP-0059, XEP-0313). */
#include "proto/mam.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
ids_lead_back_to_their_numbers(void **state)
{
	const uint64_t numbers[] = { 1, 2, 3, 16777217, 1ULL << 33, INT64_MAX, UINT64_MAX };
	struct hash_key key = hash_key_random();
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct slice id = mam_id_write(&key, &arena, numbers[i]);

		assert_int_equal(id.len, MAM_ID_CHARS);
		assert_true(mam_id_read(&key, id) == numbers[i]);
	}
	arena_finish(&arena);
}

static void
what_is_no_id_is_nothing(void **state)
{
	struct hash_key key = hash_key_random();

	(void)state;
	assert_true(mam_id_read(&key, SLICE("")) == 0);
	assert_true(mam_id_read(&key, SLICE("0123456789abcde")) == 0);
	assert_true(mam_id_read(&key, SLICE("0123456789abcdef0")) == 0);
	assert_true(mam_id_read(&key, SLICE("0123456789ABCDEF")) == 0);
	assert_true(mam_id_read(&key, SLICE("0123456789abcdeg")) == 0);
}

static struct rsm_page
page_of(struct rsm set)
{
	struct rsm_page page;

	assert_true(rsm_read(&(struct rsm_list){ &set, 1 }, 50, &page));
	return page;
}

static void
pages_are_asked_for_from_either_end(void **state)
{
	struct rsm_page page;

	(void)state;
	assert_true(rsm_read(&(struct rsm_list){ 0 }, 50, &page));
	assert_true(page.max == 50 && !page.backward && page.after.p == NULL);
	page = page_of((struct rsm){ .before = SLICE("") });
	assert_true(page.backward && page.before.p == NULL);
	page = page_of((struct rsm){ .before = SLICE("x"), .max = SLICE("7") });
	assert_true(page.backward && page.before.len == 1 && page.max == 7);
	page = page_of((struct rsm){ .after = SLICE("x"), .max = SLICE("0") });
	assert_true(!page.backward && page.after.len == 1 && page.max == 0);
}

static void
sizes_are_numbers_and_bounded(void **state)
{
	static const char *const wrong[] = { "", "-1", "1x", "99999999999x", " 1" };
	struct rsm_page page;

	(void)state;
	page = page_of((struct rsm){ .max = SLICE("99999999999999999999999") });
	assert_int_equal(page.max, 50);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct rsm set = { .max = slice_of(wrong[i]) };

		assert_false(rsm_read(&(struct rsm_list){ &set, 1 }, 50, &page));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_lead_back_to_their_numbers),
		cmocka_unit_test(what_is_no_id_is_nothing),
		cmocka_unit_test(pages_are_asked_for_from_either_end),
		cmocka_unit_test(sizes_are_numbers_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
