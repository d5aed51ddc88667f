/*
 * What a login costs the server: memory within a bound, time printed, and no difference in time
 * between a user that is not there and a wrong password (reliability row 28).
 */
#include "base/clock.h"
#include "proto/base64.h"
#include "proto/sasl_fixture.h"
#include "proto/scram_vectors.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LOGINS = 25, SAMPLES = 101, ARENA_MOST = 4096 };

/* The server's part of one login. */
static enum sasl_server_verdict
sign_in(struct fixture *f, const struct sasl_account *account, const struct scram_vector *v)
{
	struct sasl_server *server = new_server(f);
	struct sasl_server_step step;

	(void)sasl_server_start(server, slice_of(v->mechanism), slice_of(v->client_first));
	(void)sasl_server_credentials(server, account);
	step = sasl_server_step(server, slice_of(v->client_final));
	sasl_server_finish(&server);
	return step.verdict;
}

static uint64_t
measure(struct fixture *f, const struct sasl_account *account, const struct scram_vector *v)
{
	uint64_t start_us = clock_monotonic_us();

	for (size_t i = 0; i < LOGINS; i++) {
		(void)sign_in(f, account, v);
		arena_reset(&f->arena);
	}
	return clock_monotonic_us() - start_us;
}

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint64_t
median(uint64_t samples[SAMPLES])
{
	qsort(samples, SAMPLES, sizeof(samples[0]), compare);
	return samples[SAMPLES / 2];
}

/* The account of the vector: its salt, the right password or another. */
static void
take_vector(struct fixture *f, const struct scram_vector *v, const char *password)
{
	enum scram_hash hash = SCRAM_SHA_1;
	struct slice salt;

	while (strcmp(scram_hash_name(hash), v->mechanism) != 0)
		hash++;
	f->config.nonce = slice_of(v->server_nonce);
	assert_int_equal(base64_decode(slice_of(v->salt), &f->arena, &salt), 0);
	assert_int_equal(
		scram_keys_make(slice_of(password), hash, salt, 4096, &f->credentials.keys[hash]),
		0);
}

static void
a_login_is_small_and_its_time_is_printed(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(scram_vectors); i++) {
		uint64_t samples[SAMPLES];

		take_vector(f, &scram_vectors[i], "pencil");
		arena_reset(&f->arena);
		assert_int_equal(sign_in(f, &f->account, &scram_vectors[i]), SASL_SUCCESS);
		assert_in_range(f->arena.taken, 1, ARENA_MOST);
		for (size_t n = 0; n < SAMPLES; n++)
			samples[n] = measure(f, &f->account, &scram_vectors[i]);
		print_message("%s: %llu ns a login\n", scram_vectors[i].mechanism,
			(unsigned long long)(median(samples) * 1000 / LOGINS));
	}
}

static void
nobody_takes_as_long_as_a_wrong_password(void **state)
{
	const struct sasl_account nobody = { SLICE("user"), NULL, SASL_NO_CONDITION };
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(scram_vectors); i++) {
		uint64_t wrong[SAMPLES], unknown[SAMPLES];

		take_vector(f, &scram_vectors[i], "pen");
		assert_int_equal(sign_in(f, &f->account, &scram_vectors[i]), SASL_FAILURE);
		assert_int_equal(sign_in(f, &nobody, &scram_vectors[i]), SASL_FAILURE);
		/* In turn, so that whatever else the machine does hits both. */
		for (size_t n = 0; n < SAMPLES; n++) {
			wrong[n] = measure(f, &f->account, &scram_vectors[i]);
			unknown[n] = measure(f, &nobody, &scram_vectors[i]);
		}
		print_message("%s: %llu us for %d wrong passwords, %llu us for as many unknown\n",
			scram_vectors[i].mechanism, (unsigned long long)median(wrong), LOGINS,
			(unsigned long long)median(unknown));
		assert_in_range(median(wrong), median(unknown) * 4 / 5, median(unknown) * 5 / 4);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_create, fixture_destroy)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_login_is_small_and_its_time_is_printed),
		TEST(nobody_takes_as_long_as_a_wrong_password),
	};

	return cmocka_run_group_tests_name("scram cost", tests, NULL, NULL);
}
