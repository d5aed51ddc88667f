/* Who fails, who waits, and how long. The clock is an argument, so nothing here waits. */
#include "server/throttle.h"

#include "io/conn.h"
#include "server/places.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct throttle_policy strict = { .free_ones = 3, .first_ms = 1000 };
static const struct throttle_policy policy = { .free_ones = 5, .first_ms = 1000 };

static void
fail_times(struct throttle *throttle, const char *key, unsigned times, uint64_t now_ms)
{
	while (times-- > 0)
		(void)throttle_fail(throttle, slice_of(key), now_ms);
}

static void
the_first_failures_are_free(void **state)
{
	struct throttle *throttle = throttle_create(&policy);

	(void)state;
	assert_false(throttle_holds(throttle, SLICE("a"), 0));
	for (unsigned i = 0; i < policy.free_ones; i++)
		assert_int_equal(throttle_fail(throttle, SLICE("a"), 10), 0);
	assert_false(throttle_holds(throttle, SLICE("a"), 10));
	assert_int_equal(throttle_admit(throttle, SLICE("a"), 10, 1000), 0);
	assert_int_equal(throttle_fail(throttle, SLICE("a"), 10), 1000);
	assert_int_equal(throttle_fail(throttle, SLICE("a"), 10), 2000);
	assert_true(throttle_holds(throttle, SLICE("a"), 10));
	assert_false(throttle_holds(throttle, SLICE("b"), 10));
	throttle_destroy(&throttle);
}

static void
attempts_at_once_get_one_turn_after_the_other(void **state)
{
	struct throttle *throttle = throttle_create(&policy);

	(void)state;
	fail_times(throttle, "a", 6, 100);
	assert_int_equal(throttle_admit(throttle, SLICE("a"), 100, 15000), 1000);
	assert_int_equal(throttle_admit(throttle, SLICE("a"), 100, 15000), 2000);
	assert_int_equal(throttle_admit(throttle, SLICE("a"), 600, 15000), 2500);
	assert_int_equal(throttle_admit(throttle, SLICE("b"), 600, 15000), 0);
	throttle_destroy(&throttle);
}

static void
who_would_wait_too_long_is_refused_and_takes_no_turn(void **state)
{
	struct throttle *throttle = throttle_create(&policy);

	(void)state;
	fail_times(throttle, "a", 8, 0); /* a turn each four seconds */
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(throttle_admit(throttle, SLICE("a"), 0, 15000), i * 4000);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(throttle_admit(throttle, SLICE("a"), 0, 15000), THROTTLE_REFUSED);
	assert_int_equal(throttle_admit(throttle, SLICE("a"), 4000, 15000), 12000);
	throttle_destroy(&throttle);
}

static void
failures_are_forgotten_by_half_each_minute(void **state)
{
	struct throttle *throttle = throttle_create(&policy);

	(void)state;
	fail_times(throttle, "a", 12, 0);
	assert_true(throttle_holds(throttle, SLICE("a"), 59999));
	assert_true(throttle_holds(throttle, SLICE("a"), 60000)); /* 6 */
	assert_false(throttle_holds(throttle, SLICE("a"), 120000));
	assert_int_equal(throttle_admit(throttle, SLICE("a"), 120000, 1000), 0);
	assert_int_equal(throttle_fail(throttle, SLICE("a"), 600000), 0);
	throttle_destroy(&throttle);
}

static void
no_wait_is_longer_than_a_minute(void **state)
{
	struct throttle *throttle = throttle_create(&policy);

	(void)state;
	fail_times(throttle, "a", 100000, 0);
	assert_int_equal(throttle_fail(throttle, SLICE("a"), 0), 60000);
	throttle_destroy(&throttle);
}

static void
a_thread_whose_turn_began_earlier_does_no_harm(void **state)
{
	struct throttle *throttle = throttle_create(&policy);

	(void)state;
	fail_times(throttle, "a", 6, 5000);
	assert_true(throttle_holds(throttle, SLICE("a"), 4990));
	assert_int_equal(throttle_admit(throttle, SLICE("a"), 4990, 15000), 1010);
	throttle_destroy(&throttle);
}

static void
many_keys_take_bounded_memory(void **state)
{
	struct throttle *throttle = throttle_create(&policy);

	(void)state;
	fail_times(throttle, "old", 6, 0);
	for (unsigned i = 0; i < 20000; i++)
		(void)throttle_fail(throttle, slice_make((const char *)&i, sizeof(i)), 1);
	assert_false(throttle_holds(throttle, SLICE("old"), 1));
	throttle_destroy(&throttle);
}

static struct slice
network_of(struct peer *peer, const char *text)
{
	assert_int_equal(inet_pton(AF_INET6, text, &peer->address), 1);
	return throttle_network(peer);
}

static void
an_ipv6_subscriber_is_one_network_and_ipv4_addresses_are_many(void **state)
{
	struct peer a, b;

	(void)state;
	assert_true(slice_is(
		network_of(&a, "2001:db8:1:2::1"), network_of(&b, "2001:db8:1:2:ffff:1:2:3")));
	assert_false(
		slice_is(network_of(&a, "2001:db8:1:2::1"), network_of(&b, "2001:db8:1:3::1")));
	assert_false(
		slice_is(network_of(&a, "::ffff:192.0.2.1"), network_of(&b, "::ffff:192.0.2.2")));
}

static void
a_place_is_known_until_too_many_failures_come_from_there(void **state)
{
	struct places *places = places_create(&strict);

	(void)state;
	places_fail(places, SLICE("juliet@example.org"), SLICE("net"));
	assert_false(places_know(places, SLICE("juliet@example.org"), SLICE("net")));
	places_remember(places, SLICE("juliet@example.org"), SLICE("net"));
	assert_true(places_know(places, SLICE("juliet@example.org"), SLICE("net")));
	assert_false(places_know(places, SLICE("juliet@example.org"), SLICE("ten")));
	assert_false(places_know(places, SLICE("romeo@example.org"), SLICE("net")));
	assert_false(places_know(places, NO_SLICE, SLICE("net")));
	places_fail(places, SLICE("juliet@example.org"), SLICE("net"));
	places_fail(places, SLICE("juliet@example.org"), SLICE("net"));
	places_remember(places, SLICE("juliet@example.org"), SLICE("net"));
	places_fail(places, SLICE("juliet@example.org"), SLICE("net"));
	places_fail(places, SLICE("juliet@example.org"), SLICE("net"));
	assert_true(places_know(places, SLICE("juliet@example.org"), SLICE("net")));
	places_fail(places, SLICE("juliet@example.org"), SLICE("net"));
	assert_false(places_know(places, SLICE("juliet@example.org"), SLICE("net")));
	places_destroy(&places);
}

static void
places_take_bounded_memory(void **state)
{
	struct places *places = places_create(&strict);

	(void)state;
	places_remember(places, SLICE("a"), SLICE("used"));
	places_remember(places, SLICE("a"), SLICE("unused"));
	for (unsigned i = 0; i < 19999; i++) {
		places_remember(places, SLICE("a"), SLICE("used"));
		places_remember(places, SLICE("a"), slice_make((const char *)&i, sizeof(i)));
	}
	assert_true(places_know(places, SLICE("a"), SLICE("used")));
	assert_false(places_know(places, SLICE("a"), SLICE("unused")));
	places_destroy(&places);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_failures_are_free),
		cmocka_unit_test(attempts_at_once_get_one_turn_after_the_other),
		cmocka_unit_test(who_would_wait_too_long_is_refused_and_takes_no_turn),
		cmocka_unit_test(failures_are_forgotten_by_half_each_minute),
		cmocka_unit_test(no_wait_is_longer_than_a_minute),
		cmocka_unit_test(a_thread_whose_turn_began_earlier_does_no_harm),
		cmocka_unit_test(many_keys_take_bounded_memory),
		cmocka_unit_test(an_ipv6_subscriber_is_one_network_and_ipv4_addresses_are_many),
		cmocka_unit_test(a_place_is_known_until_too_many_failures_come_from_there),
		cmocka_unit_test(places_take_bounded_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
