/* The tables of RFC 6121, appendix A, row by row, and what pre-approval adds (3.4). */
#include "server/subscription_step.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
	NONE = 0,
	OUT = CONTACT_ASKED,
	IN = CONTACT_REQUESTED,
	OUT_IN = OUT | IN,
	TO = CONTACT_TO,
	TO_IN = TO | IN,
	FROM = CONTACT_FROM,
	FROM_OUT = FROM | OUT,
	BOTH = TO | FROM,
	STATES = 9,
};

static const unsigned states[STATES] = { NONE, OUT, IN, OUT_IN, TO, TO_IN, FROM, FROM_OUT, BOTH };

/* What a stanza does in each of the states, in that order. */
struct table {
	enum stanza_type type;
	bool goes_on[STATES];
	unsigned after[STATES];
};

/* A.2.1 to A.2.4. "subscribed" that nobody waits for is kept as an approval: 3.4. */
static const struct table sent[] = {
	{ TYPE_SUBSCRIBE, { true, true, true, true, true, true, true, true, true },
		{ OUT, OUT, OUT_IN, OUT_IN, TO, TO_IN, FROM_OUT, FROM_OUT, BOTH } },
	{ TYPE_UNSUBSCRIBE, { true, true, true, true, true, true, true, true, true },
		{ NONE, NONE, IN, IN, NONE, IN, FROM, FROM, FROM } },
	{ TYPE_SUBSCRIBED, { false, false, true, true, false, true, false, false, false },
		{ NONE | CONTACT_APPROVED, OUT | CONTACT_APPROVED, FROM, FROM_OUT,
			TO | CONTACT_APPROVED, BOTH, FROM, FROM_OUT, BOTH } },
	{ TYPE_UNSUBSCRIBED, { false, false, true, true, false, true, true, true, true },
		{ NONE, OUT, NONE, OUT, TO, TO, NONE, OUT, TO } },
};

/* A.3.1 to A.3.4 */
static const struct table received[] = {
	{ TYPE_SUBSCRIBE, { true, true, false, false, true, false, false, false, false },
		{ IN, OUT_IN, IN, OUT_IN, TO_IN, TO_IN, FROM, FROM_OUT, BOTH } },
	{ TYPE_UNSUBSCRIBE, { false, false, true, true, false, true, true, true, true },
		{ NONE, OUT, NONE, OUT, TO, TO, NONE, OUT, TO } },
	{ TYPE_SUBSCRIBED, { false, true, false, true, false, false, false, true, false },
		{ NONE, TO, IN, TO_IN, TO, TO_IN, FROM, BOTH, BOTH } },
	{ TYPE_UNSUBSCRIBED, { false, true, false, true, true, true, false, true, true },
		{ NONE, NONE, IN, IN, NONE, IN, FROM, FROM, FROM } },
};

static void
check(const struct table *table,
	struct subscription_step (*step)(unsigned state, enum stanza_type type))
{
	for (size_t i = 0; i < STATES; i++) {
		struct subscription_step s = step(states[i], table->type);

		if (s.state != table->after[i] || s.goes_on != table->goes_on[i])
			fail_msg("type %d in state %u: state %u, goes on: %d", (int)table->type,
				states[i], s.state, s.goes_on);
	}
}

static void
what_the_user_sends_follows_the_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(sent); i++)
		check(&sent[i], subscription_sent);
}

static void
what_the_contact_sends_follows_the_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(received); i++)
		check(&received[i], subscription_received);
}

static void
only_who_may_see_is_answered_by_the_server(void **state)
{
	(void)state;
	for (unsigned before = 0; before < 32; before++) {
		struct subscription_step s = subscription_received(before, TYPE_SUBSCRIBE);
		bool may = (before & (CONTACT_FROM | CONTACT_APPROVED)) != 0;

		assert_int_equal(s.answered, may);
		assert_false(s.answered && s.goes_on);
		assert_false(subscription_received(before, TYPE_SUBSCRIBED).answered);
		assert_false(subscription_sent(before, TYPE_SUBSCRIBE).answered);
	}
}

static void
an_approval_lasts_until_it_is_taken_back(void **state)
{
	struct subscription_step s = subscription_sent(NONE, TYPE_SUBSCRIBED);

	(void)state;
	s = subscription_received(s.state, TYPE_SUBSCRIBE);
	assert_int_equal(s.state, FROM | CONTACT_APPROVED);
	s = subscription_received(s.state, TYPE_UNSUBSCRIBE);
	assert_int_equal(s.state, NONE | CONTACT_APPROVED);
	assert_true(s.goes_on);
	s = subscription_sent(s.state, TYPE_UNSUBSCRIBED);
	assert_int_equal(s.state, NONE);
	assert_false(s.goes_on);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_user_sends_follows_the_tables),
		cmocka_unit_test(what_the_contact_sends_follows_the_tables),
		cmocka_unit_test(only_who_may_see_is_answered_by_the_server),
		cmocka_unit_test(an_approval_lasts_until_it_is_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
