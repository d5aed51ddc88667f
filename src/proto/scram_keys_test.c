/* Keys from passwords, to text and back. */
#include "proto/scram_keys.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Computed with Python's hashlib: password "pencil", salt "0123456789abcdef", 4096 rounds. */
static const char known_text[] = "SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg==$"
				 "nQpbZ77WudtqufPwikHXGRt6g2QJ4zns8bZLw273DRM=:jn2amWP1q1h+"
				 "jgjy0YTO14S6/F02SV7taipOeB7ef20=";

static void
keys_are_what_others_compute(void **state)
{
	struct scram_credentials made = { 0 };
	struct buffer text;

	(void)state;
	buffer_init(&text, 4096);
	assert_int_equal(scram_keys_make(SLICE("pencil"), SCRAM_SHA_256, SLICE("0123456789abcdef"),
				 4096, &made.keys[SCRAM_SHA_256]),
		0);
	assert_int_equal(scram_credentials_write(&made, &text), 0);
	assert_true(slice_is_text(buffer_slice(&text), known_text));
	buffer_finish(&text);
}

static void
a_password_fits_its_own_keys_only(void **state)
{
	struct scram_credentials made, one, none = { 0 };

	(void)state;
	assert_int_equal(scram_credentials_make(SLICE("pencil"), 4096, &made), 0);
	assert_true(scram_password_fits(&made, SLICE("pencil")));
	assert_false(scram_password_fits(&made, SLICE("pencil ")));
	assert_false(scram_password_fits(&made, SLICE("Pencil")));
	assert_false(scram_password_fits(&made, SLICE("")));
	assert_false(scram_password_fits(&none, SLICE("pencil")));
	assert_false(scram_password_fits(&none, SLICE("")));
	for (size_t i = 0; i < SCRAM_HASHES; i++) {
		one = none;
		one.keys[i] = made.keys[i];
		assert_true(scram_password_fits(&one, SLICE("pencil")));
		assert_false(scram_password_fits(&one, SLICE("pen")));
	}
}

static void
each_account_and_hash_has_a_salt_of_its_own(void **state)
{
	struct scram_credentials a, b;

	(void)state;
	assert_int_equal(scram_credentials_make(SLICE("pencil"), 4096, &a), 0);
	assert_int_equal(scram_credentials_make(SLICE("pencil"), 4096, &b), 0);
	for (size_t i = 0; i < SCRAM_HASHES; i++) {
		assert_int_equal(a.keys[i].salt_len, SCRAM_SALT_BYTES);
		assert_memory_not_equal(a.keys[i].salt, b.keys[i].salt, SCRAM_SALT_BYTES);
		assert_memory_not_equal(
			a.keys[i].salt, a.keys[(i + 1) % SCRAM_HASHES].salt, SCRAM_SALT_BYTES);
	}
}

static void
numbers_out_of_bounds_make_no_keys(void **state)
{
	static const char salt[SCRAM_SALT_MAX + 1];
	struct scram_credentials all;
	struct scram_keys keys;

	(void)state;
	assert_int_equal(
		scram_keys_make(SLICE("x"), SCRAM_SHA_1, SLICE("salt"), 0, &keys), -EINVAL);
	assert_int_equal(scram_keys_make(SLICE("x"), SCRAM_SHA_1, SLICE("salt"),
				 SCRAM_ITERATIONS_MAX + 1, &keys),
		-EINVAL);
	assert_int_equal(scram_keys_make(SLICE("x"), SCRAM_SHA_1, SLICE(""), 4096, &keys), -EINVAL);
	assert_int_equal(scram_keys_make(SLICE("x"), SCRAM_SHA_1, slice_make(salt, sizeof(salt)),
				 4096, &keys),
		-EINVAL);
	assert_int_equal(scram_keys_make(SLICE("x"), SCRAM_SHA_1,
				 slice_make(salt, sizeof(salt) - 1), 1, &keys),
		0);
	assert_int_equal(scram_credentials_make(SLICE("x"), 0, &all), -EINVAL);
}

static void
stored_text_comes_back_as_it_was(void **state)
{
	struct scram_credentials made, read;
	struct buffer text, again;

	(void)state;
	buffer_init(&text, 4096);
	buffer_init(&again, 4096);
	assert_int_equal(scram_credentials_make(SLICE("pencil"), 4096, &made), 0);
	assert_int_equal(scram_credentials_write(&made, &text), 0);
	assert_int_equal(scram_credentials_parse(buffer_slice(&text), &read), 0);
	assert_int_equal(scram_credentials_write(&read, &again), 0);
	assert_true(slice_is(buffer_slice(&text), buffer_slice(&again)));
	assert_true(scram_password_fits(&read, SLICE("pencil")));
	buffer_finish(&again);
	buffer_init(&again, text.len - 1);
	assert_int_equal(scram_credentials_write(&made, &again), -ENOBUFS);
	assert_int_equal(again.len, 0);
	buffer_finish(&again);
	buffer_finish(&text);
}

static void
many_passwords_at_once_fit_each_its_own(void **state)
{
	struct scram_credentials made[SCRAM_MANY], *out[SCRAM_MANY];
	char text[SCRAM_MANY + 1] = "abcdefghijklmnop";
	struct slice passwords[SCRAM_MANY + 1];

	(void)state;
	for (size_t i = 0; i <= SCRAM_MANY; i++)
		passwords[i] = slice_make(text, i);
	for (size_t i = 0; i < SCRAM_MANY; i++)
		out[i] = &made[i];
	assert_int_equal(scram_credentials_make_many(passwords, SCRAM_MANY, 4096, out), 0);
	for (size_t i = 0; i < SCRAM_MANY; i++) {
		assert_true(scram_password_fits(&made[i], passwords[i]));
		assert_false(scram_password_fits(&made[i], passwords[i + 1]));
		for (size_t h = 0; h < SCRAM_HASHES; h++) {
			const struct scram_keys *keys = &made[i].keys[h];
			struct scram_keys again;

			assert_int_equal(
				scram_keys_make(passwords[i], (enum scram_hash)h,
					slice_make((const char *)keys->salt, keys->salt_len), 4096,
					&again),
				0);
			assert_memory_equal(
				again.stored_key, keys->stored_key, scram_hash_bytes(keys->hash));
			assert_memory_equal(
				again.server_key, keys->server_key, scram_hash_bytes(keys->hash));
		}
	}
	assert_int_equal(
		scram_credentials_make_many(passwords, SCRAM_MANY + 1, 4096, out), -EINVAL);
}

/* One good item for SHA-1: 20 zero bytes twice. */
#define ZERO20 "AAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define GOOD "SCRAM-SHA-1$4096:c2FsdA==$" ZERO20 ":" ZERO20

static void
stored_text_that_is_not_ours_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		" ",
		GOOD " ",
		" " GOOD,
		GOOD " " GOOD, /* the same hash twice */
		GOOD "x",
		GOOD "\n",
		"{SCRAM-SHA-1}4096:c2FsdA==$" ZERO20 ":" ZERO20,
		"SCRAM-MD5$4096:c2FsdA==$" ZERO20 ":" ZERO20,
		"SCRAM-SHA-1$0:c2FsdA==$" ZERO20 ":" ZERO20,
		"SCRAM-SHA-1$-1:c2FsdA==$" ZERO20 ":" ZERO20,
		"SCRAM-SHA-1$10000001:c2FsdA==$" ZERO20 ":" ZERO20,
		"SCRAM-SHA-1$99999999999999999999:c2FsdA==$" ZERO20 ":" ZERO20,
		"SCRAM-SHA-1$4096:$" ZERO20 ":" ZERO20,
		"SCRAM-SHA-1$4096:c2FsdA$" ZERO20 ":" ZERO20,
		"SCRAM-SHA-1$4096:c2FsdA==$AAAA:" ZERO20,
		"SCRAM-SHA-1$4096:c2FsdA==$" ZERO20 ":AAAA",
		"SCRAM-SHA-1$4096:c2FsdA==$" ZERO20 ":" ZERO20 ":" ZERO20,
		"SCRAM-SHA-256$4096:c2FsdA==$" ZERO20 ":" ZERO20,
		"SCRAM-SHA-1$4096:c2FsdA==$" ZERO20,
		"SCRAM-SHA-1$4096",
		"SCRAM-SHA-1",
	};
	struct scram_credentials read = { .keys[0].iterations = 77 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (scram_credentials_parse(slice_of(cases[i]), &read) != -EINVAL)
			fail_msg("%s", cases[i]);
	}
	assert_int_equal(read.keys[0].iterations, 77);
	assert_int_equal(scram_credentials_parse(SLICE(GOOD), &read), 0);
	assert_int_equal(read.keys[SCRAM_SHA_1].iterations, 4096);
	assert_int_equal(read.keys[SCRAM_SHA_256].iterations, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_what_others_compute),
		cmocka_unit_test(a_password_fits_its_own_keys_only),
		cmocka_unit_test(each_account_and_hash_has_a_salt_of_its_own),
		cmocka_unit_test(numbers_out_of_bounds_make_no_keys),
		cmocka_unit_test(many_passwords_at_once_fit_each_its_own),
		cmocka_unit_test(stored_text_comes_back_as_it_was),
		cmocka_unit_test(stored_text_that_is_not_ours_is_refused),
	};

	return cmocka_run_group_tests_name("scram keys", tests, NULL, NULL);
}
