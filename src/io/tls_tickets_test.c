/* Keys of tickets: the same on every loop, new in every period, gone after two. */
#include "io/tls_tickets.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { START_MS = 5 * TICKET_PERIOD_MS / 2 };

static void
loops_agree_without_talking(void **state)
{
	struct tls_ticket_seed seed;
	struct tls_tickets a, b;
	const struct ticket_key *key;

	(void)state;
	ticket_seed_make(&seed, START_MS);
	tickets_init(&a, &seed);
	tickets_init(&b, &seed);
	ticket_seed_erase(&seed);
	for (uint64_t now = START_MS; now < START_MS + 40ULL * TICKET_PERIOD_MS;
		now += TICKET_PERIOD_MS / 3) {
		key = tickets_current(&a, now);
		/* The other one looks at the clock only now and then. */
		if (now / (TICKET_PERIOD_MS / 3) % 7 == 0)
			assert_ptr_equal(
				tickets_find(&b, key->name, now), tickets_current(&b, now));
	}
	key = tickets_current(&a, START_MS + 40ULL * TICKET_PERIOD_MS);
	assert_memory_equal(
		key, tickets_current(&b, START_MS + 40ULL * TICKET_PERIOD_MS), sizeof(*key));
}

static void
a_key_serves_its_period_and_the_next(void **state)
{
	struct tls_ticket_seed seed;
	struct tls_tickets tickets;
	struct ticket_key first;

	(void)state;
	ticket_seed_make(&seed, START_MS);
	tickets_init(&tickets, &seed);
	first = *tickets_current(&tickets, START_MS);
	assert_non_null(tickets_find(&tickets, first.name, START_MS));
	assert_non_null(tickets_find(&tickets, first.name, START_MS + TICKET_PERIOD_MS));
	assert_memory_not_equal(
		tickets_current(&tickets, START_MS + TICKET_PERIOD_MS), &first, sizeof(first));
	assert_null(tickets_find(&tickets, first.name, START_MS + 2ULL * TICKET_PERIOD_MS));
	assert_null(memmem(&tickets, sizeof(tickets), first.cipher, TICKET_SECRET));
}

static void
servers_do_not_know_each_others_keys(void **state)
{
	struct tls_ticket_seed seeds[2];
	struct tls_tickets a, b;

	(void)state;
	for (int i = 0; i < 2; i++)
		ticket_seed_make(&seeds[i], START_MS);
	tickets_init(&a, &seeds[0]);
	tickets_init(&b, &seeds[1]);
	assert_null(tickets_find(&b, tickets_current(&a, START_MS)->name, START_MS));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(loops_agree_without_talking),
		cmocka_unit_test(a_key_serves_its_period_and_the_next),
		cmocka_unit_test(servers_do_not_know_each_others_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
