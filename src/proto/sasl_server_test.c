/*
 * The server's machine as a whole: what is offered, whose turn it is, and the mechanisms that need
 * one message (reliability rows 24 and 26). SCRAM has a test of its own.
 */
#include "proto/sasl_server.h"

#include "proto/sasl_fixture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
assert_failure(struct sasl_server_step step, enum sasl_condition condition)
{
	assert_int_equal(step.verdict, SASL_FAILURE);
	assert_string_equal(sasl_condition_name(step.condition), sasl_condition_name(condition));
}

static void
without_an_initial_response_an_empty_challenge_asks_for_it(void **state)
{
	struct fixture *f = *state;
	struct sasl_server *server = new_server(f);
	struct sasl_server_step step = sasl_server_start(server, SLICE("SCRAM-SHA-1"), NO_SLICE);

	assert_int_equal(step.verdict, SASL_CHALLENGE);
	assert_non_null(step.data.p);
	assert_int_equal(step.data.len, 0);
	step = sasl_server_step(server, SLICE("n,,n=user,r=abc"));
	assert_int_equal(step.verdict, SASL_NEED_CREDENTIALS);
}

/* Row 24 */
static void
a_mechanism_that_was_not_offered_is_invalid(void **state)
{
	static const char *const names[] = { "ANONYMOUS", "EXTERNAL", "DIGEST-MD5", "CRAM-MD5",
		"GSSAPI", "SCRAM-SHA-224", "SCRAM-SHA3-512", "plain", "PLAIN ", "", "SCRAM-SHA-1-",
		"SCRAM-SHA-1-PLUS-PLUS" };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_failure(first(f, names[i], SLICE("")), SASL_INVALID_MECHANISM);
	for (unsigned i = SASL_NO_MECHANISM + 1; i < SASL_MECHANISMS; i++) {
		const char *name = sasl_mechanism_name((enum sasl_mechanism)i);

		f->config.offered = ~SASL_BIT(i);
		assert_failure(first(f, name, SLICE("n,,n=user,r=abc")), SASL_INVALID_MECHANISM);
	}
}

/* Row 26 */
static void
an_authzid_is_the_user_or_refused(void **state)
{
	static const struct {
		const char *authzid;
		bool fine;
	} cases[] = {
		{ "user", true },
		{ "user@example.com", true },
		{ "User@EXAMPLE.com", true },
		{ "other", false },
		{ "other@example.com", false },
		{ "user@example.org", false },
		{ "user@", false },
		{ "user@example.com/resource", false },
		{ "user@example.com ", false },
		{ "users", false },
		{ "use", false },
		{ "@example.com", false },
		{ "example.com", false },
		{ "admin@example.com", false },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *authzid = cases[i].authzid;
		struct slice scram = arena_printf(&f->arena, "n,a=%s,n=user,r=abc", authzid);
		struct slice plain = arena_printf(
			&f->arena, "%s%cuser%cpencil", authzid, '\0', '\0');
		struct sasl_server_step by_scram = first(f, "SCRAM-SHA-1", scram);
		struct sasl_server_step by_plain = first(f, "PLAIN", plain);

		if (cases[i].fine) {
			assert_int_equal(by_scram.verdict, SASL_NEED_CREDENTIALS);
			assert_int_equal(by_plain.verdict, SASL_NEED_CHECK);
		} else {
			assert_failure(by_scram, SASL_INVALID_AUTHZID);
			assert_failure(by_plain, SASL_INVALID_AUTHZID);
		}
	}
}

static struct sasl_server_step
check_plain(struct fixture *f, struct slice message, bool fits)
{
	struct sasl_server *server = new_server(f);
	struct sasl_server_step step = sasl_server_start(server, SLICE("PLAIN"), message);

	assert_int_equal(step.verdict, SASL_NEED_CHECK);
	step = sasl_server_checked(server, &f->account, fits);
	sasl_server_finish(&server);
	return step;
}

static void
plain_hands_name_and_prepared_password_to_its_owner(void **state)
{
	struct fixture *f = *state;
	struct slice message = slice_make("\0us,e=r\0pen\xc2\xa0"
					  "cil",
		16);
	struct sasl_server_step step = first(f, "PLAIN", message);

	assert_int_equal(step.verdict, SASL_NEED_CHECK);
	assert_true(slice_is_text(step.user, "us,e=r"));
	assert_true(slice_is_text(step.password, "pen cil"));
	step = check_plain(f, message, true);
	assert_int_equal(step.verdict, SASL_SUCCESS);
	assert_true(slice_is_text(step.user, "user"));
	assert_null(step.data.p);
	assert_failure(check_plain(f, message, false), SASL_NOT_AUTHORIZED);
	f->account.refusal = SASL_CREDENTIALS_EXPIRED;
	assert_failure(check_plain(f, message, true), SASL_CREDENTIALS_EXPIRED);
	assert_failure(check_plain(f, message, false), SASL_NOT_AUTHORIZED);
	f->account.user = NO_SLICE;
	assert_failure(check_plain(f, message, true), SASL_NOT_AUTHORIZED);
}

static void
a_plain_message_that_is_none_is_refused(void **state)
{
	static const struct {
		struct slice message;
		enum sasl_condition condition;
	} cases[] = {
		{ { "", 0 }, SASL_MALFORMED_REQUEST },
		{ { "user", 4 }, SASL_MALFORMED_REQUEST },
		{ { "\0", 1 }, SASL_MALFORMED_REQUEST },
		{ { "\0user", 5 }, SASL_MALFORMED_REQUEST },
		{ { "user\0pencil", 11 }, SASL_MALFORMED_REQUEST },
		{ { "\0\0pencil", 8 }, SASL_MALFORMED_REQUEST },
		{ { "\0user\0pencil\0", 13 }, SASL_MALFORMED_REQUEST },
		{ { "\0user\0pen\0cil", 13 }, SASL_MALFORMED_REQUEST },
		{ { "\0us\xffr\0pencil", 12 }, SASL_MALFORMED_REQUEST },
		{ { "\0user\0pen\xff", 10 }, SASL_MALFORMED_REQUEST },
		{ { "\xff\0user\0pencil", 13 }, SASL_MALFORMED_REQUEST },
		{ { "\0user\0", 6 }, SASL_NOT_AUTHORIZED },
		{ { "\0user\0pen\tcil", 13 }, SASL_NOT_AUTHORIZED },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_failure(first(f, "PLAIN", cases[i].message), cases[i].condition);
}

static void
nobodys_credentials_are_stable_and_fit_no_password(void **state)
{
	struct fixture *f = *state;
	struct sasl_server *server = new_server(f);
	struct scram_credentials one, two;

	sasl_server_fake_credentials(server, SLICE("nobody"), &one);
	sasl_server_fake_credentials(server, SLICE("nobody"), &two);
	assert_memory_equal(&one, &two, sizeof(one));
	assert_int_equal(one.keys[SCRAM_SHA_256].iterations, 4096);
	assert_false(scram_password_fits(&one, SLICE("pencil")));
}

/* XEP-0178, 2.9 and 3.8 */
static void
external_goes_by_the_addresses_of_the_certificate(void **state)
{
	static const struct slice two[] = { { "user@example.com", 16 },
		{ "other@example.com", 17 } };
	static const struct {
		size_t addresses;
		struct slice authzid;
		const char *user; /* NULL: refused with: */
		enum sasl_condition condition;
	} cases[] = {
		{ 1, { "", 0 }, "user@example.com", SASL_NO_CONDITION },
		{ 1, { "user@example.com", 16 }, "user@example.com", SASL_NO_CONDITION },
		{ 1, { "USER@Example.Com", 16 }, "user@example.com", SASL_NO_CONDITION },
		{ 1, { "other@example.com", 17 }, NULL, SASL_INVALID_AUTHZID },
		{ 1, { "user", 4 }, NULL, SASL_INVALID_AUTHZID },
		{ 1, { "user@example.com\0", 17 }, NULL, SASL_MALFORMED_REQUEST },
		{ 1, { "\xff", 1 }, NULL, SASL_MALFORMED_REQUEST },
		{ 2, { "", 0 }, NULL, SASL_INVALID_AUTHZID },
		{ 2, { "other@example.com", 17 }, "other@example.com", SASL_NO_CONDITION },
		{ 0, { "", 0 }, NULL, SASL_NOT_AUTHORIZED },
		{ 0, { "user@example.com", 16 }, NULL, SASL_NOT_AUTHORIZED },
	};
	struct fixture *f = *state;

	f->config.offered = SASL_BIT(SASL_EXTERNAL);
	f->config.identities = two;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sasl_server_step step;

		f->config.identity_count = cases[i].addresses;
		step = first(f, "EXTERNAL", cases[i].authzid);
		if (cases[i].user == NULL) {
			assert_failure(step, cases[i].condition);
			continue;
		}
		assert_int_equal(step.verdict, SASL_SUCCESS);
		assert_true(slice_is_text(step.user, cases[i].user));
		assert_null(step.data.p);
	}
}

static void
anonymous_needs_no_name(void **state)
{
	struct fixture *f = *state;
	struct sasl_server_step step;

	f->config.offered = SASL_BIT(SASL_ANONYMOUS);
	step = first(f, "ANONYMOUS", SLICE("someone"));
	assert_int_equal(step.verdict, SASL_SUCCESS);
	assert_null(step.user.p);
	assert_int_equal(first(f, "ANONYMOUS", SLICE("")).verdict, SASL_SUCCESS);
	assert_failure(first(f, "ANONYMOUS", SLICE("\xff")), SASL_MALFORMED_REQUEST);
}

static void
speaking_out_of_turn_or_too_long_or_aborting_ends_it(void **state)
{
	struct fixture *f = *state;
	struct sasl_server *server = new_server(f);
	char *long_message = arena_alloc(&f->arena, SASL_MESSAGE_MAX + 1);

	(void)sasl_server_start(server, SLICE("SCRAM-SHA-1"), SLICE("n,,n=user,r=abc"));
	assert_failure(sasl_server_step(server, SLICE("c=biws")), SASL_MALFORMED_REQUEST);
	assert_failure(sasl_server_credentials(server, &f->account), SASL_MALFORMED_REQUEST);
	server = new_server(f);
	(void)sasl_server_start(server, SLICE("PLAIN"), slice_make("\0user\0pencil", 12));
	assert_failure(sasl_server_step(server, SLICE("")), SASL_MALFORMED_REQUEST);
	assert_failure(sasl_server_checked(server, &f->account, true), SASL_MALFORMED_REQUEST);
	memset(long_message, 'x', SASL_MESSAGE_MAX + 1);
	memcpy(long_message, "n,,n=user,r=", 12);
	assert_int_equal(
		first(f, "SCRAM-SHA-1", slice_make(long_message, SASL_MESSAGE_MAX)).verdict,
		SASL_NEED_CREDENTIALS);
	assert_failure(first(f, "SCRAM-SHA-1", slice_make(long_message, SASL_MESSAGE_MAX + 1)),
		SASL_MALFORMED_REQUEST);
	server = new_server(f);
	(void)sasl_server_start(server, SLICE("SCRAM-SHA-1"), NO_SLICE);
	assert_failure(sasl_server_abort(server), SASL_ABORTED);
	assert_failure(sasl_server_step(server, SLICE("n,,n=user,r=abc")), SASL_MALFORMED_REQUEST);
	sasl_server_finish(&server);
	sasl_server_finish(&server);
}

static void
data_on_the_wire_tells_nothing_from_empty(void **state)
{
	struct fixture *f = *state;
	struct slice data;

	assert_int_equal(sasl_data_decode(NO_SLICE, &f->arena, &data), 0);
	assert_null(data.p);
	assert_int_equal(sasl_data_decode(SLICE(""), &f->arena, &data), 0);
	assert_null(data.p);
	assert_int_equal(sasl_data_decode(SLICE("="), &f->arena, &data), 0);
	assert_non_null(data.p);
	assert_int_equal(data.len, 0);
	assert_int_equal(sasl_data_decode(SLICE("biws"), &f->arena, &data), 0);
	assert_true(slice_is_text(data, "n,,"));
	assert_int_equal(sasl_data_decode(SLICE(" biws"), &f->arena, &data), -EINVAL);
	assert_null(sasl_data_encode(NO_SLICE, &f->arena).p);
	assert_true(slice_is_text(sasl_data_encode(SLICE(""), &f->arena), "="));
	assert_true(slice_is_text(sasl_data_encode(SLICE("n,,"), &f->arena), "biws"));
	for (unsigned i = SASL_NO_CONDITION + 1; i < SASL_CONDITIONS; i++) {
		const char *name = sasl_condition_name((enum sasl_condition)i);

		assert_int_equal(sasl_condition_find(slice_of(name)), i);
	}
	assert_int_equal(sasl_condition_find(SLICE("no-such-thing")), SASL_NO_CONDITION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_create, fixture_destroy)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_an_initial_response_an_empty_challenge_asks_for_it),
		TEST(a_mechanism_that_was_not_offered_is_invalid),
		TEST(an_authzid_is_the_user_or_refused),
		TEST(plain_hands_name_and_prepared_password_to_its_owner),
		TEST(a_plain_message_that_is_none_is_refused),
		TEST(nobodys_credentials_are_stable_and_fit_no_password),
		TEST(external_goes_by_the_addresses_of_the_certificate),
		TEST(anonymous_needs_no_name),
		TEST(speaking_out_of_turn_or_too_long_or_aborting_ends_it),
		TEST(data_on_the_wire_tells_nothing_from_empty),
	};

	return cmocka_run_group_tests_name("sasl server", tests, NULL, NULL);
}
