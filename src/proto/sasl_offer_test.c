/*
 * XEP-0474: the server tells by SCRAM what it offered, and the client compares. Someone in between
 * changes the offer on its way, and then what the server tells of it.
 */
#include "proto/sasl_fixture.h"

#include "proto/sasl_client_internal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Names with a space between, as a list. */
static size_t
split(const char *names, struct slice list[8])
{
	struct slice rest = slice_of(names);
	size_t count = 0;

	while (rest.len > 0) {
		size_t end = slice_find(rest, ' ');

		assert_true(count < 8);
		list[count++] = slice_make(rest.p, end);
		rest = slice_from(rest, end < rest.len ? end + 1 : end);
	}
	return count;
}

/* What came to the client, and the lists that it points to. */
struct arrived {
	struct slice mechanisms[8], bindings[8];
	struct sasl_offer offer;
};

static const struct sasl_offer *
arrive(struct arrived *a, const char *mechanisms, const char *bindings)
{
	a->offer = (struct sasl_offer){
		.mechanisms = a->mechanisms,
		.mechanism_count = split(mechanisms, a->mechanisms),
		.bindings = a->bindings,
		.binding_count = split(bindings, a->bindings),
	};
	return &a->offer;
}

#define SENT "SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1 PLAIN"
#define KINDS "tls-server-end-point tls-exporter"

static struct sasl_client *
new_client(struct fixture *f, bool binds)
{
	const struct sasl_client_config config = {
		.user = SLICE("user"),
		.allowed = binds ? 0 : SASL_BIT(SASL_SCRAM_SHA_1) | SASL_BIT(SASL_SCRAM_SHA_256),
		.bindings.data = { binds ? f->config.bindings.data[0] : NO_SLICE },
	};

	return sasl_client_create(&f->arena, f->context, &config);
}

/* The server's answer to a client that has heard of this offer. */
static struct sasl_server_step
challenge(struct fixture *f, struct sasl_client *client, struct sasl_server *server)
{
	const char *mechanism = sasl_mechanism_name(sasl_client_mechanism(client));
	struct sasl_server_step step = sasl_server_start(
		server, slice_of(mechanism), sasl_client_start(client).data);

	assert_int_equal(step.verdict, SASL_NEED_CREDENTIALS);
	return sasl_server_credentials(server, &f->account);
}

static struct slice
make_proof(struct sasl_client *client, const struct sasl_client_step *wanted)
{
	struct scram_client_keys keys;
	struct sasl_client_step step;

	assert_int_equal(wanted->verdict, SASL_NEED_KEYS);
	assert_int_equal(scram_client_keys_make(SLICE("pencil"), wanted->hash, wanted->salt,
				 wanted->iterations, &keys),
		0);
	step = sasl_client_keys(client, &keys);
	assert_int_equal(step.verdict, SASL_SEND);
	return step.data;
}

static void
the_text_is_sorted_and_hashed_as_the_xep_has_it(void **state)
{
	struct fixture *f = *state;
	struct arrived a;
	struct slice text = sasl_offer_text(
		arrive(&a, "SCRAM-SHA-1-PLUS SCRAM-SHA-1", KINDS), &f->arena);

	assert_true(slice_is_text(
		text, "SCRAM-SHA-1\x1eSCRAM-SHA-1-PLUS\x1ftls-exporter\x1etls-server-end-point"));
	assert_true(slice_is_text(sasl_offer_hash(f->context, SCRAM_SHA_1, text, &f->arena),
		"G6k/rBLDqgOhRRaCuuatSDFkJ08="));
	assert_true(slice_is_text(sasl_offer_hash(f->context, SCRAM_SHA_256, text, &f->arena),
		"H6VEQ+6wl/eYKuTjJn4D9/e9GTn1AcYGw/oiSJ3Yhy0="));
	assert_true(slice_is_text(
		sasl_offer_text(arrive(&a, "PLAIN EXTERNAL", ""), &f->arena), "EXTERNAL\x1ePLAIN"));
	assert_int_equal(sasl_offer_text(arrive(&a, "", ""), &f->arena).len, 0);
}

static void
an_offer_that_arrives_whole_lets_people_in(void **state)
{
	struct fixture *f = *state;
	struct arrived a;

	f->config.offer = sasl_offer_text(arrive(&a, SENT, KINDS), &f->arena);
	for (unsigned binds = 0; binds < 2; binds++) {
		struct sasl_client *client = new_client(f, binds == 1);
		struct sasl_server *server = new_server(f);
		struct sasl_server_step step;
		struct sasl_client_step wanted;

		/* In another order, which does not matter. */
		(void)arrive(&a, "PLAIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS",
			"tls-exporter tls-server-end-point");
		assert_int_equal(sasl_client_choose(client, &a.offer), 0);
		step = challenge(f, client, server);
		wanted = sasl_client_step(client, step.data);
		step = sasl_server_step(server, make_proof(client, &wanted));
		assert_int_equal(step.verdict, SASL_SUCCESS);
		assert_int_equal(sasl_client_success(client, step.data).verdict, SASL_DONE);
	}
}

static void
an_offer_that_was_changed_on_its_way_is_noticed(void **state)
{
	static const struct {
		const char *mechanisms, *bindings;
	} cases[] = {
		{ "SCRAM-SHA-1-PLUS SCRAM-SHA-1 PLAIN", KINDS }, /* the better hash is gone */
		{ "SCRAM-SHA-1", "" },
		{ SENT, "tls-server-end-point" }, /* the better binding is */
		{ SENT, "" },
		{ SENT " SCRAM-MD5", KINDS },
		{ "SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1 PLAI", KINDS },
	};
	struct fixture *f = *state;
	struct arrived a;

	f->config.offer = sasl_offer_text(arrive(&a, SENT, KINDS), &f->arena);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sasl_client *client = new_client(f, false);
		struct sasl_server *server = new_server(f);
		struct sasl_client_step step;

		(void)arrive(&a, cases[i].mechanisms, cases[i].bindings);
		assert_int_equal(sasl_client_choose(client, &a.offer), 0);
		step = sasl_client_step(client, challenge(f, client, server).data);
		if (step.verdict != SASL_FAILED || step.text == NULL)
			fail_msg("case %zu", i);
		/* Who was told one mechanism of many has nothing to compare. */
		client = new_client(f, false);
		a.offer.is_partial = true;
		assert_int_equal(sasl_client_choose(client, &a.offer), 0);
		step = sasl_client_step(client, challenge(f, client, new_server(f)).data);
		assert_int_equal(step.verdict, SASL_NEED_KEYS);
	}
}

/* The hash is in what both sides sign. */
static void
to_change_what_the_server_tells_of_it_helps_nobody(void **state)
{
	struct fixture *f = *state;
	struct sasl_client *client = new_client(f, false);
	struct sasl_server *server;
	struct arrived a;
	struct sasl_client_step wanted;
	struct slice message, forged;

	f->config.offer = sasl_offer_text(arrive(&a, SENT, KINDS), &f->arena);
	server = new_server(f);
	forged = sasl_offer_text(arrive(&a, "SCRAM-SHA-1", ""), &f->arena);
	forged = sasl_offer_hash(f->context, SCRAM_SHA_1, forged, &f->arena);
	assert_int_equal(sasl_client_choose(client, &a.offer), 0);
	message = challenge(f, client, server).data;
	/* A hash of SHA-1 is as long as that. */
	message = arena_printf(&f->arena, "%.*s%.*s", (int)(message.len - forged.len), message.p,
		SLICE_ARG(forged));
	wanted = sasl_client_step(client, message);
	assert_int_equal(sasl_server_step(server, make_proof(client, &wanted)).condition,
		SASL_NOT_AUTHORIZED);
}

static void
a_hash_comes_once(void **state)
{
	struct fixture *f = *state;
	struct sasl_client *client = new_client(f, false);
	struct arrived a;
	struct slice message;

	f->config.offer = sasl_offer_text(arrive(&a, "SCRAM-SHA-1", ""), &f->arena);
	assert_int_equal(sasl_client_choose(client, &a.offer), 0);
	message = challenge(f, client, new_server(f)).data;
	message = arena_printf(&f->arena, "%.*s,h=x", SLICE_ARG(message));
	assert_int_equal(sasl_client_step(client, message).verdict, SASL_FAILED);
}

/* XEP-0474, 6: no kind of binding that the client has, nor the one that all should have. */
static void
an_odd_offer_has_to_be_protected(void **state)
{
	struct fixture *f = *state;
	struct arrived a;
	struct sasl_client *client;

	(void)arrive(&a, SENT, "tls-unique");
	for (unsigned is_protected = 0; is_protected < 2; is_protected++) {
		struct sasl_client_step step;

		f->config.offer = is_protected == 1 ? sasl_offer_text(&a.offer, &f->arena)
						    : NO_SLICE;
		client = new_client(f, true);
		assert_int_equal(sasl_client_choose(client, &a.offer), 0);
		step = sasl_client_step(client, challenge(f, client, new_server(f)).data);
		assert_int_equal(step.verdict, is_protected == 1 ? SASL_NEED_KEYS : SASL_FAILED);
	}
	/* Others than SCRAM cannot. */
	(void)arrive(&a, "EXTERNAL SCRAM-SHA3-512-PLUS", "tls-unique");
	client = new_client(f, true);
	client->config.has_certificate = true;
	assert_int_equal(sasl_client_choose(client, &a.offer), -EPROTO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_create, fixture_destroy)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_text_is_sorted_and_hashed_as_the_xep_has_it),
		TEST(an_offer_that_arrives_whole_lets_people_in),
		TEST(an_offer_that_was_changed_on_its_way_is_noticed),
		TEST(to_change_what_the_server_tells_of_it_helps_nobody),
		TEST(a_hash_comes_once),
		TEST(an_odd_offer_has_to_be_protected),
	};

	return cmocka_run_group_tests_name("sasl offer", tests, NULL, NULL);
}
