/*
 * The client's machine: what it picks from an offer, the exchanges of the RFCs, and what it does
 * when the server is not the one that it claims to be.
 */
#include "proto/sasl_client.h"

#include "proto/base64.h"
#include "proto/scram_vectors.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
	struct arena arena;
	struct sasl_context *context;
	struct sasl_client_config config;
};

static int
set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	arena_init(&f->arena, 0);
	f->context = sasl_context_create();
	f->config.user = SLICE("user");
	f->config.password = SLICE("pencil");
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	sasl_context_destroy(&f->context);
	arena_finish(&f->arena);
	free(f);
	return 0;
}

/* Names in one text, each behind a space, as a list. */
static size_t
split(const char *names, struct slice list[16])
{
	struct slice rest = slice_of(names);
	size_t count = 0;

	while (rest.len > 0) {
		size_t end;

		rest = slice_from(rest, 1);
		end = slice_find(rest, ' ');
		assert_true(count < 16);
		list[count++] = slice_make(rest.p, end);
		rest = slice_from(rest, end);
	}
	return count;
}

static struct sasl_client *
choose(struct fixture *f, const char *mechanisms, const char *bindings, int *r_out)
{
	struct slice names[16], types[16];
	const struct sasl_offer offer = {
		.mechanisms = names,
		.mechanism_count = split(mechanisms, names),
		.bindings = types,
		.binding_count = split(bindings, types),
	};
	struct sasl_client *client = sasl_client_create(&f->arena, f->context, &f->config);

	*r_out = sasl_client_choose(client, &offer);
	return client;
}

enum { TLS = 1, EXPORTER = 2, END_POINT = 4, CERTIFICATE = 8, BOTH = TLS | EXPORTER | END_POINT };

#define ALL_SCRAM \
	" SCRAM-SHA-1 SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-256-PLUS SCRAM-SHA-512 " \
	"SCRAM-SHA-512-PLUS"
#define BOTH_TYPES " tls-exporter tls-server-end-point"

static void
a_client_picks_the_strongest_that_both_can(void **state)
{
	static const struct {
		unsigned has;
		const char *mechanisms, *bindings;
		const char *starts; /* of the first message; NULL: nothing is picked */
		enum sasl_mechanism picked;
		int error;
	} cases[] = {
		{ BOTH, " PLAIN" ALL_SCRAM, BOTH_TYPES,
			"p=tls-exporter,,n=user,r=", SASL_SCRAM_SHA_512_PLUS, 0 },
		{ BOTH, " PLAIN" ALL_SCRAM, " tls-unique tls-server-end-point",
			"p=tls-server-end-point,,n=user,r=", SASL_SCRAM_SHA_512_PLUS, 0 },
		{ TLS | END_POINT, ALL_SCRAM, BOTH_TYPES,
			"p=tls-server-end-point,,n=user,r=", SASL_SCRAM_SHA_512_PLUS, 0 },
		{ BOTH, ALL_SCRAM, "", "p=tls-exporter,,n=user,r=", SASL_SCRAM_SHA_512_PLUS, 0 },
		{ BOTH, " SCRAM-SHA-512 SCRAM-SHA-1-PLUS", BOTH_TYPES,
			"p=tls-exporter,,n=user,r=", SASL_SCRAM_SHA_1_PLUS, 0 },
		{ BOTH | CERTIFICATE, " EXTERNAL" ALL_SCRAM, BOTH_TYPES, "", SASL_EXTERNAL, 0 },
		{ BOTH, " EXTERNAL PLAIN SCRAM-SHA-1", "", "y,,n=user,r=", SASL_SCRAM_SHA_1, 0 },
		{ TLS, " PLAIN SCRAM-SHA-256 SCRAM-SHA-1", "", "n,,n=user,r=", SASL_SCRAM_SHA_256,
			0 },
		{ TLS, ALL_SCRAM, BOTH_TYPES, "n,,n=user,r=", SASL_SCRAM_SHA_512, 0 },
		/* binding is there, but only for a hash that we do not have: neither "y" nor "p" */
		{ BOTH, " SCRAM-SHA3-512-PLUS SCRAM-SHA-1", "", "n,,n=user,r=", SASL_SCRAM_SHA_1,
			0 },
		/* XEP-0440: only the type that everyone has, and we do not */
		{ TLS | EXPORTER, ALL_SCRAM, " tls-server-end-point",
			"n,,n=user,r=", SASL_SCRAM_SHA_512, 0 },
		/* XEP-0440: types without mechanisms; unknown types only */
		{ BOTH, " SCRAM-SHA-1 PLAIN", BOTH_TYPES, NULL, SASL_NO_MECHANISM, -EPROTO },
		/* XEP-0474: it has to be protected, which shows later */
		{ BOTH, ALL_SCRAM, " tls-unique tls-made-up", "n,,n=user,r=", SASL_SCRAM_SHA_512,
			0 },
		{ TLS | EXPORTER, ALL_SCRAM, " tls-unique", "n,,n=user,r=", SASL_SCRAM_SHA_512, 0 },
		{ TLS, " PLAIN", "", "", SASL_PLAIN, 0 },
		/* never PLAIN without TLS, never ANONYMOUS unless asked for */
		{ 0, " PLAIN", "", NULL, SASL_NO_MECHANISM, -EOPNOTSUPP },
		{ 0, " PLAIN SCRAM-SHA-1", "", "n,,n=user,r=", SASL_SCRAM_SHA_1, 0 },
		{ TLS, " ANONYMOUS", "", NULL, SASL_NO_MECHANISM, -EOPNOTSUPP },
		{ TLS, " DIGEST-MD5 CRAM-MD5 X-OAUTH2", "", NULL, SASL_NO_MECHANISM, -EOPNOTSUPP },
		{ TLS, "", "", NULL, SASL_NO_MECHANISM, -EOPNOTSUPP },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		unsigned has = cases[i].has;
		struct sasl_client *client;
		int r;

		f->config.encrypted = (has & TLS) != 0;
		f->config.has_certificate = (has & CERTIFICATE) != 0;
		f->config.bindings.data[0] = (has & EXPORTER) != 0 ? SLICE("x") : NO_SLICE;
		f->config.bindings.data[1] = (has & END_POINT) != 0 ? SLICE("y") : NO_SLICE;
		client = choose(f, cases[i].mechanisms, cases[i].bindings, &r);
		if (r != cases[i].error || sasl_client_mechanism(client) != cases[i].picked)
			fail_msg("case %zu: %d, %u", i, r, sasl_client_mechanism(client));
		if (r == 0 &&
			!slice_starts(sasl_client_start(client).data, slice_of(cases[i].starts)))
			fail_msg("case %zu", i);
	}
}

static void
a_client_never_goes_below_what_worked_before(void **state)
{
	struct fixture *f = *state;
	int r;

	f->config.encrypted = true;
	f->config.at_least = SASL_SCRAM_SHA_256;
	(void)choose(f, " PLAIN SCRAM-SHA-1", "", &r);
	assert_int_equal(r, -EPROTO);
	(void)choose(f, " PLAIN", "", &r);
	assert_int_equal(r, -EPROTO);
	(void)choose(f, "", "", &r);
	assert_int_equal(r, -EPROTO);
	(void)choose(f, " SCRAM-SHA-1 SCRAM-SHA-256", "", &r);
	assert_int_equal(r, 0);
	(void)choose(f, " SCRAM-SHA-512", "", &r);
	assert_int_equal(r, 0);
}

static void
only_what_is_allowed_is_picked(void **state)
{
	struct fixture *f = *state;
	struct sasl_client *client;
	int r;

	f->config.encrypted = true;
	f->config.allowed = SASL_BIT(SASL_ANONYMOUS) | SASL_BIT(SASL_SCRAM_SHA_1);
	client = choose(f, " ANONYMOUS PLAIN SCRAM-SHA-1 SCRAM-SHA-256", "", &r);
	assert_int_equal(sasl_client_mechanism(client), SASL_SCRAM_SHA_1);
	client = choose(f, " ANONYMOUS PLAIN SCRAM-SHA-256", "", &r);
	assert_int_equal(sasl_client_mechanism(client), SASL_ANONYMOUS);
	f->config.allowed = 0;
	f->config.user = NO_SLICE;
	(void)choose(f, " PLAIN SCRAM-SHA-256", "", &r);
	assert_int_equal(r, -EOPNOTSUPP);
	f->config.user = SLICE("user");
	f->config.password = NO_SLICE;
	(void)choose(f, " PLAIN", "", &r);
	assert_int_equal(r, -EOPNOTSUPP);
}

/* A client that has sent its first message. */
static struct sasl_client *
started(struct fixture *f, const struct scram_vector *v)
{
	struct sasl_client *client;
	int r;

	f->config.nonce = slice_of(v->client_nonce);
	client = choose(f, arena_printf(&f->arena, " %s", v->mechanism).p, "", &r);
	assert_int_equal(r, 0);
	assert_true(slice_is_text(sasl_client_start(client).data, v->client_first));
	return client;
}

/* A client that waits for the server's proof. */
static struct sasl_client *
proved(struct fixture *f, const struct scram_vector *v)
{
	struct sasl_client *client = started(f, v);
	struct sasl_client_step step = sasl_client_step(client, slice_of(v->server_first));
	struct scram_client_keys keys;

	assert_int_equal(step.verdict, SASL_NEED_KEYS);
	assert_int_equal(step.iterations, 4096);
	assert_int_equal(scram_client_keys_make(
				 SLICE("pencil"), step.hash, step.salt, step.iterations, &keys),
		0);
	step = sasl_client_keys(client, &keys);
	assert_int_equal(step.verdict, SASL_SEND);
	assert_true(slice_is_text(step.data, v->client_final));
	return client;
}

static void
the_exchanges_of_the_rfcs_succeed(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(scram_vectors); i++) {
		const struct scram_vector *v = &scram_vectors[i];
		struct sasl_client *client = proved(f, v);

		assert_int_equal(
			sasl_client_success(client, slice_of(v->server_final)).verdict, SASL_DONE);
		/* The other way: the last word as a challenge, and success without data. */
		client = proved(f, v);
		assert_int_equal(
			sasl_client_step(client, slice_of(v->server_final)).verdict, SASL_SEND);
		assert_int_equal(sasl_client_success(client, NO_SLICE).verdict, SASL_DONE);
		assert_int_equal(sasl_client_success(client, NO_SLICE).verdict, SASL_FAILED);
		sasl_client_finish(&client);
		assert_null(client);
		sasl_client_finish(&client);
	}
}

/* Row 25 */
static void
a_server_that_asks_for_nonsense_gets_no_proof(void **state)
{
#define NONCE "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j"
#define SALT ",s=QSXCR+Q6sek8bf92"
	static const char *const cases[] = { "", "x", NONCE, NONCE SALT,
		NONCE SALT ",i=", NONCE SALT ",i=1", NONCE SALT ",i=4095",
		NONCE SALT ",i=1000000000", NONCE SALT ",i=10000001",
		NONCE SALT ",i=99999999999999999999999", NONCE SALT ",i=0", NONCE SALT ",i=-4096",
		NONCE SALT ",i=04096", NONCE SALT ",i=4096x", NONCE SALT ",i=0x1000",
		NONCE SALT ",i=4096,", NONCE ",s=,i=4096", NONCE ",s=QSXCR,i=4096",
		NONCE ",s=QSXCR+Q6sek8bf9*,i=4096", NONCE SALT SALT ",i=4096",
		/* our nonce alone, cut, of somebody else, with a space */
		"r=fyko+d2lbbFgONRv9qkxdawL" SALT ",i=4096", "r=fyko+d2lbbFgON" SALT ",i=4096",
		"r=3rfcNHYJY1ZVvWVs7jfyko+d2lbbFgONRv9qkxdawL" SALT ",i=4096",
		"r=fyko+d2lbbFgONRv9qkxdawL 3rf" SALT ",i=4096",
		/* an extension that must be understood, the wrong order, an error */
		"m=ext," NONCE SALT ",i=4096", NONCE ",i=4096" SALT, "e=other-error",
		"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=", NONCE SALT ",i=4096,\xff=1" };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sasl_client *client = started(f, &scram_vectors[0]);
		struct sasl_client_step step = sasl_client_step(client, slice_of(cases[i]));

		if (step.verdict != SASL_FAILED || step.text == NULL)
			fail_msg("%s", cases[i]);
		/* Nor does the right message help afterwards. */
		step = sasl_client_step(client, slice_of(scram_vectors[0].server_first));
		assert_int_equal(step.verdict, SASL_FAILED);
	}
	assert_int_equal(
		sasl_client_step(started(f, &scram_vectors[0]), SLICE(NONCE SALT ",i=4096,x=y"))
			.verdict,
		SASL_NEED_KEYS);
}

static void
the_bounds_of_iterations_are_the_owners(void **state)
{
	struct fixture *f = *state;

	f->config.min_iterations = 10000;
	f->config.max_iterations = 20000;
	assert_int_equal(
		sasl_client_step(started(f, &scram_vectors[0]), SLICE(NONCE SALT ",i=9999"))
			.verdict,
		SASL_FAILED);
	assert_int_equal(
		sasl_client_step(started(f, &scram_vectors[0]), SLICE(NONCE SALT ",i=10000"))
			.verdict,
		SASL_NEED_KEYS);
	assert_int_equal(
		sasl_client_step(started(f, &scram_vectors[0]), SLICE(NONCE SALT ",i=20000"))
			.verdict,
		SASL_NEED_KEYS);
	assert_int_equal(
		sasl_client_step(started(f, &scram_vectors[0]), SLICE(NONCE SALT ",i=20001"))
			.verdict,
		SASL_FAILED);
}

static void
a_salt_that_is_too_long_is_refused(void **state)
{
	struct fixture *f = *state;
	static const char zeros[SCRAM_SALT_MAX + 1];

	for (size_t len = SCRAM_SALT_MAX; len <= SCRAM_SALT_MAX + 1; len++) {
		struct slice salt = base64_encode(slice_make(zeros, len), &f->arena);
		struct slice message = arena_printf(
			&f->arena, NONCE ",s=%.*s,i=4096", SLICE_ARG(salt));
		struct sasl_client_step step = sasl_client_step(
			started(f, &scram_vectors[0]), message);

		assert_int_equal(
			step.verdict, len <= SCRAM_SALT_MAX ? SASL_NEED_KEYS : SASL_FAILED);
	}
}

static void
success_without_proof_is_none(void **state)
{
	static const char *const cases[] = { "", "v=", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ",
		"v=sMF9pqV8S7suAoZWja4dJRkFsKQ=", "v=rmF9pqV8S7suAoZWja4dJRkFsKU=",
		"v=AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "v=rmF9", "e=other-error", "x=1",
		"rmF9pqV8S7suAoZWja4dJRkFsKQ=", "x=1,v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
		"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sasl_client_step step = sasl_client_success(
			proved(f, &scram_vectors[0]), slice_of(cases[i]));

		if (step.verdict != SASL_FAILED)
			fail_msg("%s", cases[i]);
		step = sasl_client_step(proved(f, &scram_vectors[0]), slice_of(cases[i]));
		assert_int_equal(step.verdict, SASL_FAILED);
	}
	assert_int_equal(
		sasl_client_success(started(f, &scram_vectors[0]), NO_SLICE).verdict, SASL_FAILED);
	assert_int_equal(
		sasl_client_success(proved(f, &scram_vectors[0]), NO_SLICE).verdict, SASL_FAILED);
}

static void
success_before_the_keys_are_there_is_none(void **state)
{
	struct fixture *f = *state;
	struct sasl_client *client = started(f, &scram_vectors[0]);
	struct scram_client_keys keys = { 0 };

	assert_int_equal(sasl_client_step(client, slice_of(scram_vectors[0].server_first)).verdict,
		SASL_NEED_KEYS);
	/* The signature of no keys: nothing was computed yet. */
	assert_int_equal(
		sasl_client_success(client, SLICE("v=AAAAAAAAAAAAAAAAAAAAAAAAAAA=")).verdict,
		SASL_FAILED);
	assert_int_equal(sasl_client_keys(client, &keys).verdict, SASL_FAILED);
}

static void
names_are_written_as_saslname(void **state)
{
	struct fixture *f = *state;
	struct sasl_client *client;
	int r;

	f->config.user = SLICE("a,b=c\xc3\xa4");
	f->config.authzid = SLICE("x=y");
	f->config.nonce = SLICE("abc");
	client = choose(f, " SCRAM-SHA-1", "", &r);
	assert_true(slice_is_text(
		sasl_client_start(client).data, "n,a=x=3Dy,n=a=2Cb=3Dc\xc3\xa4,r=abc"));
	f->config.user = slice_make("a\0b", 3);
	client = choose(f, " SCRAM-SHA-1", "", &r);
	assert_int_equal(sasl_client_start(client).verdict, SASL_FAILED);
}

static void
nonces_are_never_used_twice(void **state)
{
	struct fixture *f = *state;
	struct slice one, two;
	int r;

	one = sasl_client_start(choose(f, " SCRAM-SHA-1", "", &r)).data;
	two = sasl_client_start(choose(f, " SCRAM-SHA-1", "", &r)).data;
	assert_int_equal(one.len, two.len);
	assert_false(slice_is(one, two));
}

static void
one_message_is_enough_for_the_others(void **state)
{
	struct fixture *f = *state;
	struct sasl_client *client;
	struct sasl_client_step step;
	int r;

	f->config.encrypted = f->config.has_certificate = true;
	client = choose(f, " PLAIN", "", &r);
	step = sasl_client_start(client);
	assert_true(slice_is(step.data, slice_make("\0user\0pencil", 12)));
	assert_int_equal(sasl_client_success(client, NO_SLICE).verdict, SASL_DONE);
	f->config.authzid = SLICE("me@example.com");
	client = choose(f, " PLAIN", "", &r);
	step = sasl_client_start(client);
	assert_true(slice_is(step.data, slice_make("me@example.com\0user\0pencil", 26)));
	assert_int_equal(sasl_client_step(client, SLICE("more?")).verdict, SASL_FAILED);
	client = choose(f, " EXTERNAL", "", &r);
	assert_true(slice_is_text(sasl_client_start(client).data, "me@example.com"));
	f->config.authzid = NO_SLICE;
	client = choose(f, " EXTERNAL", "", &r);
	step = sasl_client_start(client);
	assert_non_null(step.data.p);
	assert_int_equal(step.data.len, 0);
	f->config.allowed = SASL_BIT(SASL_ANONYMOUS);
	f->config.trace = SLICE("someone");
	client = choose(f, " ANONYMOUS", "", &r);
	assert_true(slice_is_text(sasl_client_start(client).data, "someone"));
	assert_int_equal(sasl_client_success(client, NO_SLICE).verdict, SASL_DONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_client_picks_the_strongest_that_both_can),
		TEST(a_client_never_goes_below_what_worked_before),
		TEST(only_what_is_allowed_is_picked),
		TEST(the_exchanges_of_the_rfcs_succeed),
		TEST(a_server_that_asks_for_nonsense_gets_no_proof),
		TEST(the_bounds_of_iterations_are_the_owners),
		TEST(a_salt_that_is_too_long_is_refused),
		TEST(success_without_proof_is_none),
		TEST(success_before_the_keys_are_there_is_none),
		TEST(names_are_written_as_saslname),
		TEST(nonces_are_never_used_twice),
		TEST(one_message_is_enough_for_the_others),
	};

	return cmocka_run_group_tests_name("sasl client", tests, NULL, NULL);
}
