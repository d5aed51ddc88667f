/*
 * The server's half of SCRAM: the exchanges of the RFCs byte by byte, then everything that a client
 * or someone in between may try (reliability rows 25 and 28).
 */
#include "proto/sasl_server.h"

#include "proto/base64.h"
#include "proto/sasl_client.h"
#include "proto/sasl_fixture.h"
#include "proto/scram_vectors.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
assert_failure(struct sasl_server_step step, enum sasl_condition condition)
{
	assert_int_equal(step.verdict, SASL_FAILURE);
	assert_string_equal(sasl_condition_name(step.condition), sasl_condition_name(condition));
}

/* A machine that has sent the vector's server-first-message. */
static struct sasl_server *
challenged(struct fixture *f, const struct scram_vector *v)
{
	struct sasl_server *server;
	struct sasl_server_step step;
	struct slice salt;

	f->config.nonce = slice_of(v->server_nonce);
	f->config.offered &= ~SASL_PLUS_BITS;
	server = new_server(f);
	step = sasl_server_start(server, slice_of(v->mechanism), slice_of(v->client_first));
	assert_int_equal(step.verdict, SASL_NEED_CREDENTIALS);
	assert_true(slice_is_text(step.user, "user"));
	assert_string_equal(scram_hash_name(step.hash), v->mechanism);
	assert_int_equal(base64_decode(slice_of(v->salt), &f->arena, &salt), 0);
	assert_int_equal(scram_keys_make(SLICE("pencil"), step.hash, salt, 4096,
				 &f->credentials.keys[step.hash]),
		0);
	step = sasl_server_credentials(server, &f->account);
	assert_int_equal(step.verdict, SASL_CHALLENGE);
	assert_true(slice_is_text(step.data, v->server_first));
	return server;
}

static void
the_exchanges_of_the_rfcs_succeed(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(scram_vectors); i++) {
		struct sasl_server *server = challenged(f, &scram_vectors[i]);
		struct sasl_server_step step = sasl_server_step(
			server, slice_of(scram_vectors[i].client_final));

		assert_int_equal(step.verdict, SASL_SUCCESS);
		assert_true(slice_is_text(step.user, "user"));
		assert_true(slice_is_text(step.data, scram_vectors[i].server_final));
		sasl_server_finish(&server);
		assert_null(server);
	}
}

static void
a_first_message_that_is_not_scram_is_malformed(void **state)
{
	static const char *const cases[] = { "", "n", "n,", "n,,", "n,,n=user", "n,,n=user,",
		"n,,n=,r=abc", "n,,n=user,r=", "n,,r=abc,n=user", "n,,n=user,r=abc,",
		"n,,n=user,r=a c", "n,,n=user,r=abc,x",
		"n,,n=user,r=abc,x=", "n,,n=user,r=abc,,y=z", "n,,n=us=er,r=abc",
		"n,,n=us=2cer,r=abc", "n,,n=us=3,r=abc", "n,,n=user=,r=abc", "n,,n=\xff,r=abc",
		"n,,m=ext,n=user,r=abc", "n,x,n=user,r=abc", "n,a=,n=user,r=abc",
		"n,a=b=c,n=user,r=abc", "nn,,n=user,r=abc", "n=,,n=user,r=abc", "x,,n=user,r=abc",
		",,n=user,r=abc", "y=tls-exporter,,n=user,r=abc", "p,,n=user,r=abc",
		"p=,,n=user,r=abc", "n,,N=user,r=abc", "n,,n=user,r=abc\x7f",
		"n,,n=user,r=ab\xc3\xa4", "=", "n,,=user,r=abc" };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sasl_server_step step = first(f, "SCRAM-SHA-256", slice_of(cases[i]));

		if (step.verdict != SASL_FAILURE || step.condition != SASL_MALFORMED_REQUEST)
			fail_msg("%s", cases[i]);
	}
	assert_failure(first(f, "SCRAM-SHA-1", slice_make("n,,n=us\0r,r=abc", 15)),
		SASL_MALFORMED_REQUEST);
}

static void
names_may_hold_commas_and_equals_signs_and_extensions_are_ignored(void **state)
{
	struct fixture *f = *state;
	struct sasl_server_step step = first(
		f, "SCRAM-SHA-1", SLICE("n,,n=a=2Cb=3Dc=3D2C\xc3\xa4,r=abc,x=1,y=zz"));

	assert_int_equal(step.verdict, SASL_NEED_CREDENTIALS);
	assert_true(slice_is_text(step.user, "a,b=c=2C\xc3\xa4"));
}

/* Row 25 */
static void
what_a_client_says_of_binding_must_fit_the_offer(void **state)
{
	struct fixture *f = *state;

	/* "y" means that no -PLUS arrived there; but one was sent. */
	assert_failure(first(f, "SCRAM-SHA-1", SLICE("y,,n=user,r=abc")), SASL_NOT_AUTHORIZED);
	assert_int_equal(
		first(f, "SCRAM-SHA-1", SLICE("n,,n=user,r=abc")).verdict, SASL_NEED_CREDENTIALS);
	assert_failure(first(f, "SCRAM-SHA-1", SLICE("p=tls-exporter,,n=user,r=abc")),
		SASL_MALFORMED_REQUEST);
	assert_failure(
		first(f, "SCRAM-SHA-1-PLUS", SLICE("n,,n=user,r=abc")), SASL_MALFORMED_REQUEST);
	assert_failure(
		first(f, "SCRAM-SHA-1-PLUS", SLICE("y,,n=user,r=abc")), SASL_MALFORMED_REQUEST);
	assert_failure(first(f, "SCRAM-SHA-1-PLUS", SLICE("p=tls-other,,n=user,r=abc")),
		SASL_NOT_AUTHORIZED);
	assert_int_equal(
		first(f, "SCRAM-SHA-1-PLUS", SLICE("p=tls-server-end-point,,n=user,r=abc")).verdict,
		SASL_NEED_CREDENTIALS);
	f->config.bindings.data[SASL_TLS_SERVER_END_POINT] = NO_SLICE;
	assert_failure(first(f, "SCRAM-SHA-1-PLUS", SLICE("p=tls-server-end-point,,n=user,r=abc")),
		SASL_NOT_AUTHORIZED);
	f->config.offered &= ~SASL_PLUS_BITS;
	assert_int_equal(
		first(f, "SCRAM-SHA-1", SLICE("y,,n=user,r=abc")).verdict, SASL_NEED_CREDENTIALS);
}

static void
a_final_message_that_is_not_scram_is_malformed(void **state)
{
#define NONCE "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j"
	static const char *const cases[] = { "", "c=biws", "c=biws," NONCE, "c=biws," NONCE ",",
		NONCE ",c=biws,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "c=biws," NONCE ",p=",
		"c=biws," NONCE ",p=v0X8", "c=biws," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts",
		"c=biws," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=,x=1",
		"c=biws," NONCE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
		"c=," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "n,,n=user,r=abc" };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sasl_server *server = challenged(f, &scram_vectors[0]);
		struct sasl_server_step step = sasl_server_step(server, slice_of(cases[i]));

		if (step.verdict != SASL_FAILURE || step.condition != SASL_MALFORMED_REQUEST)
			fail_msg("%s", cases[i]);
	}
}

static void
a_final_message_with_anything_changed_is_not_authorized(void **state)
{
	static const char *const cases[] = {
		/* another header: "y,,", "p=x,,", "n,a=user,", not canonical base64 */
		"c=eSws," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"c=cD14LCw=," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"c=bixhPXVzZXIs," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"c=biwt," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"c=biws\xc3\xa4," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		/* another nonce: without our half, longer, another letter */
		"c=biws,r=fyko+d2lbbFgONRv9qkxdawL,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"c=biws," NONCE "x,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"c=biws,r=Fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+"
		"HI4Ts=",
		/* another proof: first byte, last byte; a signed extension that was not there */
		"c=biws," NONCE ",p=w0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
		"c=biws," NONCE ",p=v0X8v3Bz2T0CJGbJQyF0X+HI4To=",
		"c=biws," NONCE ",p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"c=biws," NONCE ",x=1,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sasl_server *server = challenged(f, &scram_vectors[0]);
		struct sasl_server_step step = sasl_server_step(server, slice_of(cases[i]));

		if (step.verdict != SASL_FAILURE || step.condition != SASL_NOT_AUTHORIZED)
			fail_msg("%s", cases[i]);
		/* Nor does the right answer help afterwards. */
		step = sasl_server_step(server, slice_of(scram_vectors[0].client_final));
		assert_int_equal(step.verdict, SASL_FAILURE);
	}
}

/* A client of ours for one mechanism; its first message goes to *message_out. */
static struct sasl_client *
new_client(struct fixture *f, const char *mechanism, enum sasl_binding binding,
	const char *password, struct slice *message_out)
{
	const struct slice offered[] = { slice_of(mechanism) };
	const struct sasl_offer offer = { .mechanisms = offered, .mechanism_count = 1 };
	struct sasl_client_config config = {
		.user = SLICE("user"),
		.password = slice_of(password),
		.encrypted = true,
	};
	struct sasl_client *client;

	if (binding != SASL_BINDINGS)
		config.bindings.data[binding] = f->config.bindings.data[binding];
	client = sasl_client_create(&f->arena, f->context, &config);
	assert_int_equal(sasl_client_choose(client, &offer), 0);
	*message_out = sasl_client_start(client).data;
	return client;
}

static struct slice
answer(struct sasl_client *client, const char *password, struct slice challenge)
{
	struct sasl_client_step step = sasl_client_step(client, challenge);
	struct scram_client_keys keys;

	assert_int_equal(step.verdict, SASL_NEED_KEYS);
	assert_int_equal(scram_client_keys_make(
				 slice_of(password), step.hash, step.salt, step.iterations, &keys),
		0);
	step = sasl_client_keys(client, &keys);
	assert_int_equal(step.verdict, SASL_SEND);
	return step.data;
}

/* A whole login; the last step of the server. */
static struct sasl_server_step
sign_in(struct fixture *f, const char *mechanism, enum sasl_binding binding, const char *password)
{
	struct sasl_server *server = new_server(f);
	struct sasl_server_step step;
	struct slice message;
	struct sasl_client *client = new_client(f, mechanism, binding, password, &message);

	step = sasl_server_start(server, slice_of(mechanism), message);
	if (step.verdict != SASL_NEED_CREDENTIALS)
		return step;
	step = sasl_server_credentials(server, &f->account);
	step = sasl_server_step(server, answer(client, password, step.data));
	if (step.verdict == SASL_SUCCESS)
		assert_int_equal(sasl_client_success(client, step.data).verdict, SASL_DONE);
	sasl_client_finish(&client);
	return step;
}

static void
both_sides_of_ours_agree_on_all_mechanisms_and_bindings(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = SASL_SCRAM_SHA_1; i <= SASL_SCRAM_SHA_512_PLUS; i++) {
		const char *name = sasl_mechanism_name((enum sasl_mechanism)i);
		bool plus = (SASL_BIT(i) & SASL_PLUS_BITS) != 0;
		unsigned last = plus ? SASL_BINDINGS - 1 : SASL_BINDINGS;

		for (unsigned b = plus ? 0 : SASL_BINDINGS; b <= last; b++) {
			struct sasl_server_step step = sign_in(
				f, name, (enum sasl_binding)b, "pencil");

			assert_int_equal(step.verdict, SASL_SUCCESS);
			assert_true(slice_is_text(step.user, "user"));
			assert_failure(sign_in(f, name, (enum sasl_binding)b, "Pencil"),
				SASL_NOT_AUTHORIZED);
		}
	}
}

static void
another_tls_connection_does_not_match(void **state)
{
	struct fixture *f = *state;

	for (unsigned b = 0; b < SASL_BINDINGS; b++) {
		struct slice message;
		struct sasl_client *client = new_client(
			f, "SCRAM-SHA-256-PLUS", (enum sasl_binding)b, "pencil", &message);
		struct slice own = f->config.bindings.data[b];
		struct sasl_server_step step;
		struct sasl_server *server;

		f->config.bindings.data[b] = SLICE("of another connection");
		server = new_server(f);
		step = sasl_server_start(server, SLICE("SCRAM-SHA-256-PLUS"), message);
		assert_int_equal(step.verdict, SASL_NEED_CREDENTIALS);
		step = sasl_server_credentials(server, &f->account);
		step = sasl_server_step(server, answer(client, "pencil", step.data));
		assert_failure(step, SASL_NOT_AUTHORIZED);
		f->config.bindings.data[b] = own;
	}
}

/* Someone in between strips -PLUS from the offer and hides it by changing "y" to "n". */
static void
a_changed_flag_does_not_hide_a_stripped_offer(void **state)
{
	struct fixture *f = *state;
	const struct slice offered[] = { SLICE("SCRAM-SHA-1") };
	const struct sasl_offer offer = { .mechanisms = offered, .mechanism_count = 1 };
	const struct sasl_client_config config = {
		.user = SLICE("user"),
		.bindings = f->config.bindings,
	};
	struct sasl_client *client = sasl_client_create(&f->arena, f->context, &config);
	struct sasl_server *server = new_server(f);
	struct sasl_server_step step;
	struct slice message;

	assert_int_equal(sasl_client_choose(client, &offer), 0);
	message = sasl_client_start(client).data;
	assert_int_equal(message.p[0], 'y');
	assert_failure(first(f, "SCRAM-SHA-1", message), SASL_NOT_AUTHORIZED);
	step = sasl_server_start(server, SLICE("SCRAM-SHA-1"),
		arena_printf(&f->arena, "n%.*s", (int)message.len - 1, message.p + 1));
	assert_int_equal(step.verdict, SASL_NEED_CREDENTIALS);
	step = sasl_server_credentials(server, &f->account);
	step = sasl_server_step(server, answer(client, "pencil", step.data));
	assert_failure(step, SASL_NOT_AUTHORIZED);
}

static void
a_recorded_login_cannot_be_played_again(void **state)
{
	struct fixture *f = *state;
	struct sasl_server *one = new_server(f), *two = new_server(f);
	struct slice message, proof;
	struct sasl_client *client = new_client(
		f, "SCRAM-SHA-256", SASL_BINDINGS, "pencil", &message);
	struct sasl_server_step step;

	(void)sasl_server_start(one, SLICE("SCRAM-SHA-256"), message);
	step = sasl_server_credentials(one, &f->account);
	proof = answer(client, "pencil", step.data);
	assert_int_equal(sasl_server_step(one, proof).verdict, SASL_SUCCESS);
	assert_failure(sasl_server_step(one, proof), SASL_MALFORMED_REQUEST);
	(void)sasl_server_start(two, SLICE("SCRAM-SHA-256"), message);
	(void)sasl_server_credentials(two, &f->account);
	assert_failure(sasl_server_step(two, proof), SASL_NOT_AUTHORIZED);
}

static void
the_session_belongs_to_the_name_that_the_owner_gave(void **state)
{
	struct fixture *f = *state;
	struct sasl_server_step step;

	f->account.user = SLICE("normalised");
	step = sign_in(f, "SCRAM-SHA-1", SASL_BINDINGS, "pencil");
	assert_int_equal(step.verdict, SASL_SUCCESS);
	assert_true(slice_is_text(step.user, "normalised"));
}

/* server-first for this name, with a nonce of ours that does not change */
static struct slice
challenge_for(struct fixture *f, const char *mechanism, const char *user)
{
	struct sasl_server *server = new_server(f);

	(void)sasl_server_start(server, slice_of(mechanism), SLICE("n,,n=x,r=abc"));
	return sasl_server_credentials(
		server, &(struct sasl_account){ slice_of(user), NULL, SASL_NO_CONDITION })
		.data;
}

/* Row 28 */
static void
unknown_users_look_like_known_ones(void **state)
{
	struct fixture *f = *state;
	struct sasl_server *server;
	struct slice known, one, two;

	f->config.nonce = SLICE("server");
	server = new_server(f);
	one = challenge_for(f, "SCRAM-SHA-1", "nobody");
	assert_true(slice_is(one, challenge_for(f, "SCRAM-SHA-1", "nobody")));
	two = challenge_for(f, "SCRAM-SHA-1", "nobody2");
	assert_false(slice_is(one, two));
	assert_false(slice_is(one, challenge_for(f, "SCRAM-SHA-256", "nobody")));
	f->config.secret = SLICE("another secret of this server");
	assert_false(slice_is(one, challenge_for(f, "SCRAM-SHA-1", "nobody")));
	(void)sasl_server_start(server, SLICE("SCRAM-SHA-1"), SLICE("n,,n=x,r=abc"));
	known = sasl_server_credentials(server, &f->account).data;
	assert_int_equal(known.len, one.len);
	assert_true(slice_starts(one, SLICE("r=abcserver,s=")));
	assert_true(slice_starts(known, SLICE("r=abcserver,s=")));
}

static void
unknown_users_fail_only_at_the_end(void **state)
{
	struct fixture *f = *state;
	struct scram_credentials some = f->credentials;

	f->account.credentials = NULL;
	assert_failure(sign_in(f, "SCRAM-SHA-256", SASL_BINDINGS, "pencil"), SASL_NOT_AUTHORIZED);
	/* Keys for other hashes only, and a name that nobody can have. */
	some.keys[SCRAM_SHA_256] = (struct scram_keys){ 0 };
	f->account.credentials = &some;
	assert_failure(sign_in(f, "SCRAM-SHA-256", SASL_BINDINGS, "pencil"), SASL_NOT_AUTHORIZED);
	f->account.credentials = &f->credentials;
	f->account.user = NO_SLICE;
	assert_failure(sign_in(f, "SCRAM-SHA-256", SASL_BINDINGS, "pencil"), SASL_NOT_AUTHORIZED);
}

static void
a_refusal_is_told_only_to_who_knows_the_password(void **state)
{
	struct fixture *f = *state;

	f->account.refusal = SASL_ACCOUNT_DISABLED;
	assert_failure(sign_in(f, "SCRAM-SHA-1", SASL_BINDINGS, "wrong"), SASL_NOT_AUTHORIZED);
	assert_failure(sign_in(f, "SCRAM-SHA-1", SASL_BINDINGS, "pencil"), SASL_ACCOUNT_DISABLED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_create, fixture_destroy)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_exchanges_of_the_rfcs_succeed),
		TEST(a_first_message_that_is_not_scram_is_malformed),
		TEST(names_may_hold_commas_and_equals_signs_and_extensions_are_ignored),
		TEST(what_a_client_says_of_binding_must_fit_the_offer),
		TEST(a_final_message_that_is_not_scram_is_malformed),
		TEST(a_final_message_with_anything_changed_is_not_authorized),
		TEST(both_sides_of_ours_agree_on_all_mechanisms_and_bindings),
		TEST(another_tls_connection_does_not_match),
		TEST(a_changed_flag_does_not_hide_a_stripped_offer),
		TEST(a_recorded_login_cannot_be_played_again),
		TEST(the_session_belongs_to_the_name_that_the_owner_gave),
		TEST(unknown_users_look_like_known_ones),
		TEST(unknown_users_fail_only_at_the_end),
		TEST(a_refusal_is_told_only_to_who_knows_the_password),
	};

	return cmocka_run_group_tests_name("scram server", tests, NULL, NULL);
}
