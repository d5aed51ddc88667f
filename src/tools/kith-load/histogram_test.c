/* Percentiles are within 1 % over the whole range. */
#include "tools/kith-load/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
percentiles_are_within_one_percent(void **state)
{
	(void)state;
	for (uint64_t unit = 1; unit < (uint64_t)1 << 50; unit *= 7) {
		struct histogram *h = xcalloc(1, sizeof(*h));

		for (uint64_t i = 1; i <= 1000; i++)
			histogram_add(h, i * unit);
		for (unsigned p = 1; p <= 1000; p += 37) {
			uint64_t got = histogram_permille(h, p);
			assert_true(got >= p * unit && got <= p * unit + p * unit / 100);
		}
		assert_int_equal(histogram_permille(h, 1000), 1000 * unit);
		free(h);
	}
}

static void
the_ends_of_the_range_have_buckets(void **state)
{
	struct histogram *h = xcalloc(1, sizeof(*h));

	(void)state;
	assert_int_equal(histogram_permille(h, 990), 0);
	histogram_add(h, 0);
	assert_int_equal(histogram_permille(h, 990), 0);
	histogram_add(h, UINT64_MAX);
	assert_int_equal(histogram_permille(h, 1000), UINT64_MAX);
	free(h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percentiles_are_within_one_percent),
		cmocka_unit_test(the_ends_of_the_range_have_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
