/* OpaqueString: the examples of RFC 8265, 4.3, and the characters that a password cannot have. */
#include "proto/password.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
equal_passwords_become_equal_bytes(void **state)
{
	static const struct {
		const char *typed, *prepared;
	} cases[] = {
		{ "pencil", "pencil" },
		{ " two  blanks ", " two  blanks " },
		{ "correct horse battery staple", "correct horse battery staple" },
		{ "Correct Horse Battery Staple", "Correct Horse Battery Staple" },
		{ "\xcf\x80\xc3\x9f\xc3\xa5", "\xcf\x80\xc3\x9f\xc3\xa5" },
		{ "Jack of \xe2\x99\xa6s", "Jack of \xe2\x99\xa6s" },
		{ "foo\xe1\x9a\x80"
		  "bar",
			"foo bar" },
		{ "\xc2\xa0", " " },
		{ "\xe3\x80\x80x", " x" },
		{ "cafe\xcc\x81", "caf\xc3\xa9" },
		/* NFC, not NFKC: these stay what they are */
		{ "\xef\xac\x81", "\xef\xac\x81" },
		{ "\xe2\x85\xa3", "\xe2\x85\xa3" },
		/* an ohm sign is an omega; a full-width letter is itself */
		{ "\xe2\x84\xa6", "\xce\xa9" },
		{ "\xef\xbc\xa1", "\xef\xbc\xa1" },
		{ "\xf0\x9f\x94\x92", "\xf0\x9f\x94\x92" },
		/* joiners where a virama allows them, and a non-joiner between joining letters */
		{ "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d", "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d" },
		{ "\xd8\xa8\xe2\x80\x8c\xd8\xa8", "\xd8\xa8\xe2\x80\x8c\xd8\xa8" },
	};
	struct arena arena;
	struct slice out;

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(password_prepare(slice_of(cases[i].typed), &arena, &out), 0);
		assert_true(slice_is_text(out, cases[i].prepared));
		assert_int_equal(password_prepare(out, &arena, &out), 0);
		assert_true(slice_is_text(out, cases[i].prepared));
	}
	arena_finish(&arena);
}

static void
what_no_keyboard_types_is_refused(void **state)
{
	static const char *const cases[] = {
		"", "tab\there", "\x7f", "line\n", "\xc2\x85", /* controls */
		"\xc3", "\xc3\x28", "\xe2\x82", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xc0\x80",
		"\xff",                           /* not UTF-8 */
		"\xef\xbf\xbf",                   /* U+FFFF, not a character */
		"\xcd\xb8",                       /* U+0378, unassigned */
		"soft\xc2\xadhyphen",             /* ignorable */
		"\xe2\x80\x8b", "\xef\xbb\xbfx",  /* a byte order mark */
		"x\xe2\x80\x8dy", "\xe2\x80\x8c", /* joiners alone */
		"\xe1\x84\x80",                   /* U+1100, a part of a syllable */
	};
	struct arena arena;
	struct slice out;

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (password_prepare(slice_of(cases[i]), &arena, &out) != -EINVAL)
			fail_msg("case %zu", i);
	}
	assert_int_equal(password_prepare(slice_make("a\0b", 3), &arena, &out), -EINVAL);
	arena_finish(&arena);
}

static void
the_limit_holds_before_and_after_preparation(void **state)
{
	char typed[PASSWORD_MAX + 1];
	struct arena arena;
	struct slice out;

	(void)state;
	arena_init(&arena, 0);
	memset(typed, 'x', sizeof(typed));
	assert_int_equal(password_prepare(slice_make(typed, PASSWORD_MAX), &arena, &out), 0);
	assert_int_equal(out.len, PASSWORD_MAX);
	assert_int_equal(
		password_prepare(slice_make(typed, PASSWORD_MAX + 1), &arena, &out), -EINVAL);
	/* U+0958 takes three bytes, and NFC makes two characters of three bytes of it. */
	for (size_t i = 0; i + 3 <= PASSWORD_MAX; i += 3)
		memcpy(typed + i, "\xe0\xa5\x98", 3);
	assert_int_equal(password_prepare(slice_make(typed, 510), &arena, &out), 0);
	assert_int_equal(out.len, 1020);
	assert_int_equal(password_prepare(slice_make(typed, 513), &arena, &out), -EINVAL);
	arena_finish(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_passwords_become_equal_bytes),
		cmocka_unit_test(what_no_keyboard_types_is_refused),
		cmocka_unit_test(the_limit_holds_before_and_after_preparation),
	};

	return cmocka_run_group_tests_name("password", tests, NULL, NULL);
}
