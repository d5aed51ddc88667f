/* Base64: the vectors of RFC 4648, and everything that a strict decoder refuses. */
#include "proto/base64.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
bytes_and_text_are_two_forms_of_one_thing(void **state)
{
	static const struct {
		const char *bytes, *text;
	} cases[] = {
		/* RFC 4648, 10 */
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfd", "//79" },
		{ "\xfb\xef\xbe", "++++" },
	};
	struct arena arena;
	struct slice bytes;

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_string_equal(
			base64_encode(slice_of(cases[i].bytes), &arena).p, cases[i].text);
		assert_int_equal(base64_decode(slice_of(cases[i].text), &arena, &bytes), 0);
		assert_non_null(bytes.p);
		assert_true(slice_is_text(bytes, cases[i].bytes));
	}
	arena_finish(&arena);
}

static void
every_byte_comes_back_at_every_length(void **state)
{
	struct arena arena;
	char all[256];

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	for (size_t len = 0; len <= sizeof(all); len++) {
		struct slice text = base64_encode(slice_make(all, len), &arena), bytes;

		assert_int_equal(text.len, base64_chars(len));
		assert_int_equal(base64_decode(text, &arena, &bytes), 0);
		assert_true(slice_is(bytes, slice_make(all, len)));
	}
	arena_finish(&arena);
}

static void
whatever_has_another_spelling_is_refused(void **state)
{
	static const char *const cases[] = { "Z", "Zg", "Zg=", "Zm9vYg", "Zm9vYg=", "Zm9v=", "=",
		"==", "===", "====", "Z===", "=Zg=", "Zg==Zg==", "Zm8=Zm9v",
		" Zg==", "Zg== ", "Zm9v\n", "Zm\n9v", "Zm9v\r\nYmFy", "Zm9_", "Zm9-", "Zm9*",
		"Zm9\xc3", "Zh==", "Zm9=", "Z=g=" };
	struct arena arena;
	struct slice bytes = SLICE("untouched");

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (base64_decode(slice_of(cases[i]), &arena, &bytes) != -EINVAL)
			fail_msg("%s", cases[i]);
	}
	assert_int_equal(base64_decode(slice_make("Zm9\0", 4), &arena, &bytes), -EINVAL);
	arena_finish(&arena);
}

static void
a_result_never_passes_the_room_it_was_given(void **state)
{
	unsigned char three[3];
	struct buffer text;
	size_t len = 7;

	(void)state;
	assert_int_equal(base64_decode_to(SLICE("Zm9vYg=="), three, sizeof(three), &len), -ENOBUFS);
	assert_int_equal(len, 7);
	assert_int_equal(base64_decode_to(SLICE("Zm9v"), three, sizeof(three), &len), 0);
	assert_int_equal(len, 3);
	buffer_init(&text, 7);
	assert_int_equal(base64_append(SLICE("foo"), &text), 0);
	assert_int_equal(base64_append(SLICE("bar"), &text), -ENOBUFS);
	assert_true(slice_is_text(buffer_slice(&text), "Zm9v"));
	buffer_finish(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_and_text_are_two_forms_of_one_thing),
		cmocka_unit_test(every_byte_comes_back_at_every_length),
		cmocka_unit_test(whatever_has_another_spelling_is_refused),
		cmocka_unit_test(a_result_never_passes_the_room_it_was_given),
	};

	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
