/*
 * libgsasl as the other side, which shares no line with ours: its client against our server, and
 * the other way round. libgsasl 2.2 knows no SHA-512, and its client never says "y"; it must get
 * binding data only for a mechanism that uses it.
 */
#include "proto/base64.h"
#include "proto/sasl_client.h"
#include "proto/sasl_server.h"

#include <gsasl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define BINDING "exporter-binding-of-32-bytes....."

struct fixture {
	struct arena arena;
	struct sasl_context *context;
	struct scram_credentials credentials;
	struct sasl_server_config config;
	Gsasl *gsasl;
	const char *password; /* what libgsasl's side takes for the password */
	const char *binding;  /* base64; NULL: none */
};

/* What libgsasl asks for; as a server also the verdicts, which are given by hand. */
static int
answer_gsasl(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
	struct fixture *f = gsasl_callback_hook_get(gsasl);

	switch (property) {
	case GSASL_PASSWORD:
		return gsasl_property_set(session, property, f->password);
	case GSASL_AUTHID:
		return gsasl_property_set(session, property, "user");
	case GSASL_ANONYMOUS_TOKEN:
		return gsasl_property_set(session, property, "someone");
	case GSASL_CB_TLS_EXPORTER:
		return f->binding == NULL ? GSASL_NO_CALLBACK
					  : gsasl_property_set(session, property, f->binding);
	case GSASL_SCRAM_ITER:
		return gsasl_property_set(session, property, "4096");
	case GSASL_VALIDATE_EXTERNAL:
	case GSASL_VALIDATE_ANONYMOUS:
		return GSASL_OK;
	default:
		return GSASL_NO_CALLBACK;
	}
}

static int
set_up(void **state)
{
	static const struct slice identities[] = { { "user@example.com", 16 } };
	struct fixture *f = xcalloc(1, sizeof(*f));

	arena_init(&f->arena, 0);
	f->context = sasl_context_create();
	f->password = "pencil";
	f->config = (struct sasl_server_config){
		.offered = ~0u,
		.offer = SLICE("SCRAM-SHA-1"), /* it reads over what it does not know */
		.bindings.data[SASL_TLS_EXPORTER] = SLICE(BINDING),
		.domain = SLICE("example.com"),
		.secret = SLICE("0123456789abcdef"),
		.iterations = 4096,
		.identities = identities,
		.identity_count = COUNT_OF(identities),
	};
	assert_int_equal(scram_credentials_make(SLICE("pencil"), 4096, &f->credentials), 0);
	assert_int_equal(gsasl_init(&f->gsasl), GSASL_OK);
	gsasl_callback_hook_set(f->gsasl, f);
	gsasl_callback_set(f->gsasl, answer_gsasl);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	gsasl_done(f->gsasl);
	sasl_context_destroy(&f->context);
	arena_finish(&f->arena);
	free(f);
	return 0;
}

/* libgsasl's next message in our arena; *r_out is GSASL_OK, GSASL_NEEDS_MORE or an error. */
static struct slice
gsasl_says(struct fixture *f, Gsasl_session *session, struct slice heard, int *r_out)
{
	char *text = NULL;
	size_t len = 0;
	struct slice said = SLICE("");

	*r_out = gsasl_step(session, heard.p, heard.len, &text, &len);
	if ((*r_out == GSASL_OK || *r_out == GSASL_NEEDS_MORE) && len > 0)
		said = arena_copy(&f->arena, slice_make(text, len));
	gsasl_free(text);
	return said;
}

/* What the owner of our server does with its questions. */
static struct sasl_server_step
settle(struct fixture *f, struct sasl_server *server, struct sasl_server_step step)
{
	const struct sasl_account account = { step.user, &f->credentials, SASL_NO_CONDITION };

	if (step.verdict == SASL_NEED_CREDENTIALS)
		return sasl_server_credentials(server, &account);
	if (step.verdict == SASL_NEED_CHECK)
		return sasl_server_checked(
			server, &account, scram_password_fits(&f->credentials, step.password));
	return step;
}

/* A login of libgsasl's client at our server; our last step. */
static struct sasl_server_step
gsasl_signs_in(struct fixture *f, const char *mechanism)
{
	struct sasl_server *server = sasl_server_create(&f->arena, f->context, &f->config);
	struct sasl_server_step step;
	Gsasl_session *session;
	struct slice said;
	int r;

	assert_int_equal(gsasl_client_start(f->gsasl, mechanism, &session), GSASL_OK);
	said = gsasl_says(f, session, NO_SLICE, &r);
	step = settle(f, server, sasl_server_start(server, slice_of(mechanism), said));
	while (step.verdict == SASL_CHALLENGE) {
		said = gsasl_says(f, session, step.data, &r);
		assert_int_equal(r, GSASL_NEEDS_MORE);
		step = settle(f, server, sasl_server_step(server, said));
	}
	if (step.verdict == SASL_SUCCESS && step.data.p != NULL) {
		(void)gsasl_says(f, session, step.data, &r);
		assert_int_equal(r, GSASL_OK);
	}
	gsasl_finish(session);
	sasl_server_finish(&server);
	return step;
}

static const struct {
	const char *mechanism;
	bool bound, by_password;
} mechanisms[] = {
	{ "SCRAM-SHA-1", false, true },
	{ "SCRAM-SHA-1-PLUS", true, true },
	{ "SCRAM-SHA-256", false, true },
	{ "SCRAM-SHA-256-PLUS", true, true },
	{ "PLAIN", false, true },
	{ "EXTERNAL", false, false },
	{ "ANONYMOUS", false, false },
};

static void
its_client_signs_in_at_our_server(void **state)
{
	struct fixture *f = *state;
	struct slice binding = base64_encode(SLICE(BINDING), &f->arena);

	for (size_t i = 0; i < COUNT_OF(mechanisms); i++) {
		struct sasl_server_step step;

		f->binding = mechanisms[i].bound ? binding.p : NULL;
		step = gsasl_signs_in(f, mechanisms[i].mechanism);
		if (step.verdict != SASL_SUCCESS)
			fail_msg("%s: %d", mechanisms[i].mechanism, (int)step.condition);
		if (mechanisms[i].by_password)
			assert_true(slice_is_text(step.user, "user"));
	}
}

static void
its_client_fails_with_the_wrong_password_or_binding(void **state)
{
	struct fixture *f = *state;
	struct slice binding = base64_encode(SLICE(BINDING), &f->arena);

	f->password = "pen";
	for (size_t i = 0; i < COUNT_OF(mechanisms); i++) {
		struct sasl_server_step step;

		if (!mechanisms[i].by_password)
			continue;
		f->binding = mechanisms[i].bound ? binding.p : NULL;
		step = gsasl_signs_in(f, mechanisms[i].mechanism);
		assert_int_equal(step.verdict, SASL_FAILURE);
		assert_int_equal(step.condition, SASL_NOT_AUTHORIZED);
	}
	f->password = "pencil";
	f->binding = "b2YgYW5vdGhlciBjb25uZWN0aW9u";
	assert_int_equal(gsasl_signs_in(f, "SCRAM-SHA-256-PLUS").condition, SASL_NOT_AUTHORIZED);
}

static struct sasl_client_step
hear(struct sasl_client *client, struct slice challenge)
{
	struct sasl_client_step step = sasl_client_step(client, challenge);
	struct scram_client_keys keys;

	if (step.verdict != SASL_NEED_KEYS)
		return step;
	assert_int_equal(scram_client_keys_make(
				 SLICE("pencil"), step.hash, step.salt, step.iterations, &keys),
		0);
	return sasl_client_keys(client, &keys);
}

/* A login of our client at libgsasl's server: whether both sides are content. */
static bool
we_sign_in(struct fixture *f, struct sasl_client *client, const char *mechanism)
{
	struct sasl_client_step step = sasl_client_start(client);
	Gsasl_session *session;
	struct slice said;
	int r;

	assert_int_equal(gsasl_server_start(f->gsasl, mechanism, &session), GSASL_OK);
	do {
		said = gsasl_says(f, session, step.data, &r);
		if (r == GSASL_NEEDS_MORE)
			step = hear(client, said);
	} while (r == GSASL_NEEDS_MORE && step.verdict == SASL_SEND);
	gsasl_finish(session);
	if (r != GSASL_OK)
		return false;
	if (said.len == 0)
		said = NO_SLICE;
	return sasl_client_success(client, said).verdict == SASL_DONE;
}

static struct sasl_client *
our_client(struct fixture *f, const char *mechanism)
{
	const struct slice offered[] = { slice_of(mechanism) };
	const struct sasl_offer offer = { .mechanisms = offered, .mechanism_count = 1 };
	const struct sasl_client_config config = {
		.user = SLICE("user"),
		.password = SLICE("pencil"),
		.authzid = slice_of(strcmp(mechanism, "EXTERNAL") == 0 ? "user" : NULL),
		.trace = SLICE("someone"),
		.allowed = ~0u,
		.encrypted = true,
		.has_certificate = true,
		.bindings.data[SASL_TLS_EXPORTER] = SLICE(BINDING),
	};
	struct sasl_client *client = sasl_client_create(&f->arena, f->context, &config);

	assert_int_equal(sasl_client_choose(client, &offer), 0);
	return client;
}

static void
our_client_signs_in_at_its_server(void **state)
{
	struct fixture *f = *state;
	struct slice binding = base64_encode(SLICE(BINDING), &f->arena);

	for (size_t i = 0; i < COUNT_OF(mechanisms); i++) {
		const char *mechanism = mechanisms[i].mechanism;

		f->binding = mechanisms[i].bound ? binding.p : NULL;
		f->password = "pencil";
		if (!we_sign_in(f, our_client(f, mechanism), mechanism))
			fail_msg("%s", mechanism);
		f->password = "pen";
		if (we_sign_in(f, our_client(f, mechanism), mechanism) && mechanisms[i].by_password)
			fail_msg("%s", mechanism);
	}
}

static void
its_server_sees_a_stripped_offer_by_our_flag(void **state)
{
	struct fixture *f = *state;

	/* With binding data it is a server that offers -PLUS; our client says "y". */
	f->binding = base64_encode(SLICE(BINDING), &f->arena).p;
	assert_false(we_sign_in(f, our_client(f, "SCRAM-SHA-256"), "SCRAM-SHA-256"));
	f->binding = NULL;
	assert_true(we_sign_in(f, our_client(f, "SCRAM-SHA-256"), "SCRAM-SHA-256"));
}

static void
keys_are_the_same_as_its_keys(void **state)
{
	static const struct {
		enum scram_hash ours;
		Gsasl_hash its;
	} hashes[] = { { SCRAM_SHA_1, GSASL_HASH_SHA1 }, { SCRAM_SHA_256, GSASL_HASH_SHA256 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hashes); i++) {
		char salted[64], client_key[64], server_key[64], stored_key[64];
		size_t bytes = scram_hash_bytes(hashes[i].ours);
		struct scram_keys keys;

		assert_int_equal(scram_keys_make(SLICE("pencil"), hashes[i].ours,
					 SLICE("0123456789abcdef"), 5000, &keys),
			0);
		assert_int_equal(
			gsasl_scram_secrets_from_password(hashes[i].its, "pencil", 5000,
				"0123456789abcdef", 16, salted, client_key, server_key, stored_key),
			GSASL_OK);
		assert_memory_equal(keys.stored_key, stored_key, bytes);
		assert_memory_equal(keys.server_key, server_key, bytes);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(its_client_signs_in_at_our_server),
		TEST(its_client_fails_with_the_wrong_password_or_binding),
		TEST(our_client_signs_in_at_its_server),
		TEST(its_server_sees_a_stripped_offer_by_our_flag),
		TEST(keys_are_the_same_as_its_keys),
	};

	return cmocka_run_group_tests_name("sasl with libgsasl", tests, NULL, NULL);
}
