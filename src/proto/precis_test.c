/*
 * PRECIS: the derived property of characters of every category, the contextual rules of RFC 5892,
 * the Bidi Rule, and both profiles.
 */
#include "proto/precis.h"
#include "proto/precis_rules.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* One or more from each category of RFC 8264, section 9. */
static const struct {
	uint32_t code;
	enum precis_class class;
} classes[] = {
	{ 'a', PRECIS_VALID },
	{ 'A', PRECIS_VALID },
	{ '~', PRECIS_VALID },
	{ ' ', PRECIS_FREE },
	{ 0x00, PRECIS_DISALLOWED },
	{ 0x1f, PRECIS_DISALLOWED },
	{ 0x7f, PRECIS_DISALLOWED },
	{ 0x80, PRECIS_DISALLOWED },
	{ 0xa0, PRECIS_FREE },       /* Zs and HasCompat */
	{ 0xad, PRECIS_DISALLOWED }, /* soft hyphen */
	{ 0xb7, PRECIS_CONTEXTO },
	{ 0xdf, PRECIS_VALID }, /* exception: sharp s */
	{ 0xd7, PRECIS_FREE },  /* symbol */
	{ 0xe9, PRECIS_VALID },
	{ 0x132, PRECIS_FREE },       /* HasCompat */
	{ 0x1c5, PRECIS_FREE },       /* titlecase, HasCompat */
	{ 0x1f88, PRECIS_FREE },      /* titlecase without compatibility form */
	{ 0x301, PRECIS_VALID },      /* combining acute */
	{ 0x34f, PRECIS_DISALLOWED }, /* default ignorable */
	{ 0x375, PRECIS_CONTEXTO },
	{ 0x378, PRECIS_UNASSIGNED },
	{ 0x3c2, PRECIS_VALID }, /* exception: final sigma */
	{ 0x488, PRECIS_FREE },  /* Me */
	{ 0x5d0, PRECIS_VALID },
	{ 0x5f3, PRECIS_CONTEXTO },
	{ 0x640, PRECIS_DISALLOWED }, /* exception: tatweel */
	{ 0x660, PRECIS_CONTEXTO },
	{ 0x6f9, PRECIS_CONTEXTO },
	{ 0x6fd, PRECIS_VALID },       /* exception */
	{ 0x1100, PRECIS_DISALLOWED }, /* old jamo */
	{ 0x11ff, PRECIS_DISALLOWED },
	{ 0x200b, PRECIS_DISALLOWED }, /* zero width space */
	{ 0x200c, PRECIS_CONTEXTJ },
	{ 0x200d, PRECIS_CONTEXTJ },
	{ 0x200e, PRECIS_DISALLOWED }, /* left-to-right mark */
	{ 0x2028, PRECIS_DISALLOWED }, /* line separator */
	{ 0x202e, PRECIS_DISALLOWED }, /* right-to-left override */
	{ 0x212a, PRECIS_FREE },       /* Kelvin sign */
	{ 0x2163, PRECIS_FREE },       /* Roman numeral four */
	{ 0x265a, PRECIS_FREE },       /* black chess king */
	{ 0x3007, PRECIS_VALID },      /* exception: ideographic zero */
	{ 0x302e, PRECIS_DISALLOWED },
	{ 0x3031, PRECIS_DISALLOWED },
	{ 0x30fb, PRECIS_CONTEXTO },
	{ 0x4e00, PRECIS_VALID },
	{ 0xac00, PRECIS_VALID },
	{ 0xd7b0, PRECIS_DISALLOWED }, /* old jamo */
	{ 0xd800, PRECIS_DISALLOWED }, /* surrogate */
	{ 0xe000, PRECIS_DISALLOWED }, /* private use */
	{ 0xf900, PRECIS_FREE },       /* compatibility ideograph */
	{ 0xfdd0, PRECIS_DISALLOWED }, /* noncharacter */
	{ 0xfe0f, PRECIS_DISALLOWED }, /* variation selector */
	{ 0xff21, PRECIS_FREE },       /* full-width A, before it is mapped */
	{ 0xfffd, PRECIS_FREE },
	{ 0xffff, PRECIS_DISALLOWED },
	{ 0x10330, PRECIS_VALID }, /* Gothic */
	{ 0x1f600, PRECIS_FREE },
	{ 0xe0001, PRECIS_DISALLOWED }, /* tag */
	{ 0x10ffff, PRECIS_DISALLOWED },
};

static void
each_character_has_its_property(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(classes); i++) {
		enum precis_class class = precis_class_of(classes[i].code);

		if (class != classes[i].class)
			fail_msg("U+%04X: %d", classes[i].code, (int)class);
	}
}

static void
the_table_is_in_order(void **state)
{
	(void)state;
	assert_true(precis_table_count > 1000);
	assert_int_equal(precis_table[0] >> 3, 0);
	for (size_t i = 1; i < precis_table_count; i++) {
		assert_true(precis_table[i] >> 3 > precis_table[i - 1] >> 3);
		assert_true((precis_table[i] & 7) != (precis_table[i - 1] & 7));
	}
}

/* result NULL: refused with this error. */
struct row {
	const char *text, *result;
	int error;
};

typedef int profile(struct slice text, struct arena *arena, struct slice *out);

static void
check(profile *enforce, const struct row *rows, size_t count)
{
	struct arena arena;

	arena_init(&arena, 0);
	for (size_t i = 0; i < count; i++) {
		struct slice out = SLICE("untouched");
		int r = enforce(slice_of(rows[i].text), &arena, &out);

		if (r != rows[i].error)
			fail_msg("%s: %d instead of %d", rows[i].text, r, rows[i].error);
		if (!slice_is_text(out, r == 0 ? rows[i].result : "untouched"))
			fail_msg("%s: %.*s", rows[i].text, SLICE_ARG(out));
	}
	arena_finish(&arena);
}

static void
usernames_have_one_form(void **state)
{
	static const struct row rows[] = {
		/* RFC 8265, 3.7 */
		{ "juliet@example.com", "juliet@example.com", 0 },
		{ "fussball", "fussball", 0 },
		{ "fu\xc3\x9f"
		  "ball",
			"fu\xc3\x9f"
			"ball",
			0 },
		{ "\xcf\x80", "\xcf\x80", 0 },
		{ "\xce\xa3", "\xcf\x83", 0 },
		{ "\xcf\x83", "\xcf\x83", 0 },
		{ "\xcf\x82", "\xcf\x82", 0 },
		{ "foo bar", NULL, -EINVAL },
		{ "", NULL, -EINVAL },
		{ "henry\xe2\x85\xa3", NULL, -EINVAL },
		{ "\xe2\x99\x9a", NULL, -EINVAL },
		/* case: capital sharp s, dotted I, final sigma in a word, titlecase, Cherokee */
		{ "\xe1\xba\x9e", "\xc3\x9f", 0 },
		{ "\xc4\xb0", "i\xcc\x87", 0 },
		{ "I", "i", 0 },
		{ "\xce\xa3\xce\x91\xce\xa3", "\xcf\x83\xce\xb1\xcf\x82", 0 },
		{ "\xcf\x83\xce\xb1\xcf\x83", "\xcf\x83\xce\xb1\xcf\x83", 0 },
		{ "\xe1\xbe\x88", NULL, -EINVAL },
		{ "\xe1\x8e\xa0", "\xea\xad\xb0", 0 },
		/* width: full-width Latin, half-width katakana with its mark, ideographic space */
		{ "\xef\xbc\xa1\xef\xbd\x82", "ab", 0 },
		{ "\xef\xbd\xb6\xef\xbe\x9e", "\xe3\x82\xac", 0 },
		{ "a\xe3\x80\x80"
		  "b",
			NULL, -EINVAL },
		/* composed and decomposed; in any order of marks */
		{ "e\xcc\x81", "\xc3\xa9", 0 },
		{ "E\xcc\x81", "\xc3\xa9", 0 },
		{ "q\xcc\xa3\xcc\x87", "q\xcc\xa3\xcc\x87", 0 },
		{ "q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87", 0 },
		/* what would become allowed if it were mapped first: Kelvin, Angstrom, Ohm */
		{ "\xe2\x84\xaa", NULL, -EINVAL },
		{ "\xe2\x84\xab", NULL, -EINVAL },
		{ "\xe2\x84\xa6", NULL, -EINVAL },
		{ "\xef\xac\x81", NULL, -EINVAL },
		/* conjoining jamo */
		{ "\xe1\x84\x92\xe1\x85\xa1", NULL, -EINVAL },
		/* directions */
		{ "\xd7\x90\xd7\x91", "\xd7\x90\xd7\x91", 0 },
		{ "\xd7\x90"
		  "1",
			"\xd7\x90"
			"1",
			0 },
		{ "1\xd7\x90", NULL, -EDOM },
		{ "a\xd7\x90", NULL, -EDOM },
		{ "\xd7\x90-", NULL, -EDOM },
		{ "\xd7\x90\xd6\xb0", "\xd7\x90\xd6\xb0", 0 },
		{ "\xd9\xa1", NULL, -EDOM },
		{ "\xd8\xa7\xd9\xa1", "\xd8\xa7\xd9\xa1", 0 },
		{ "\xd8\xa7\xd9\xa1"
		  "1",
			NULL, -EDOM },
		/* no UTF-8 */
		{ "\xc0\xaf", NULL, -EILSEQ },
		{ "\xed\xa0\x80", NULL, -EILSEQ },
		{ "\xf4\x90\x80\x80", NULL, -EILSEQ },
		{ "a\xe2\x84", NULL, -EILSEQ },
		{ "\x80", NULL, -EILSEQ },
		{ "\xff", NULL, -EILSEQ },
	};

	(void)state;
	check(precis_username, rows, COUNT_OF(rows));
}

static void
contextual_rules_hold(void **state)
{
	static const struct row rows[] = {
		/* A.1: after a virama, or between letters that join */
		{ "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8c\xe0\xa4\xb7",
			"\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8c\xe0\xa4\xb7", 0 },
		{ "\xd8\xa8\xe2\x80\x8c\xd8\xa8", "\xd8\xa8\xe2\x80\x8c\xd8\xa8", 0 },
		{ "\xd8\xa8\xd9\x8e\xe2\x80\x8c\xd9\x8e\xd8\xa8",
			"\xd8\xa8\xd9\x8e\xe2\x80\x8c\xd9\x8e\xd8\xa8", 0 },
		{ "\xd8\xa7\xe2\x80\x8c\xd8\xa8", NULL, -EINVAL },
		{ "\xd8\xa8\xe2\x80\x8c", NULL, -EINVAL },
		{ "\xe2\x80\x8c\xd8\xa8", NULL, -EINVAL },
		{ "a\xe2\x80\x8c"
		  "b",
			NULL, -EINVAL },
		/* A.2 */
		{ "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d", "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d",
			0 },
		{ "a\xe2\x80\x8d", NULL, -EINVAL },
		{ "\xe2\x80\x8d", NULL, -EINVAL },
		/* A.3, also when it was written in capitals */
		{ "l\xc2\xb7l", "l\xc2\xb7l", 0 },
		{ "L\xc2\xb7L", "l\xc2\xb7l", 0 },
		{ "l\xc2\xb7", NULL, -EINVAL },
		{ "a\xc2\xb7l", NULL, -EINVAL },
		/* A.4 */
		{ "\xcd\xb5\xce\xb1", "\xcd\xb5\xce\xb1", 0 },
		{ "\xcd\xb5"
		  "a",
			NULL, -EINVAL },
		{ "\xcd\xb5", NULL, -EINVAL },
		/* A.5, A.6 */
		{ "\xd7\x90\xd7\xb3", "\xd7\x90\xd7\xb3", 0 },
		{ "\xd7\x90\xd7\xb4\xd7\x91", "\xd7\x90\xd7\xb4\xd7\x91", 0 },
		{ "\xd7\xb3\xd7\x90", NULL, -EINVAL },
		/* A.7 */
		{ "\xe3\x83\xbb\xe3\x82\xab", "\xe3\x83\xbb\xe3\x82\xab", 0 },
		{ "\xe3\x83\xbb\xe3\x81\x82", "\xe3\x83\xbb\xe3\x81\x82", 0 },
		{ "\xe3\x83\xbb\xe4\xb8\x80", "\xe3\x83\xbb\xe4\xb8\x80", 0 },
		{ "\xe3\x83\xbb"
		  "a",
			NULL, -EINVAL },
		/* A.8, A.9 */
		{ "\xd8\xa7\xdb\xb1", "\xd8\xa7\xdb\xb1", 0 },
		{ "\xd8\xa7\xd9\xa1\xdb\xb1", NULL, -EINVAL },
	};

	(void)state;
	check(precis_username, rows, COUNT_OF(rows));
}

static void
opaque_strings_keep_what_they_say(void **state)
{
	static const struct row rows[] = {
		/* RFC 8265, 4.3 */
		{ "correct horse battery staple", "correct horse battery staple", 0 },
		{ "Correct Horse Battery Staple", "Correct Horse Battery Staple", 0 },
		{ "\xcf\x80\xc3\x9f\xc3\xa5", "\xcf\x80\xc3\x9f\xc3\xa5", 0 },
		{ "Jack of \xe2\x99\xa6s", "Jack of \xe2\x99\xa6s", 0 },
		{ "foo\xe1\x9a\x80"
		  "bar",
			"foo bar", 0 },
		{ "", NULL, -EINVAL },
		{ "my cat is a \x09"
		  "by",
			NULL, -EINVAL },
		/* other blanks, width and case stay, NFC */
		{ "a\xc2\xa0\xe3\x80\x80z", "a  z", 0 },
		{ "\xef\xbc\xa1", "\xef\xbc\xa1", 0 },
		{ "e\xcc\x81", "\xc3\xa9", 0 },
		{ "\xe2\x84\xab", "\xc3\x85", 0 },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", 0 },
		{ "a\xd7\x90", "a\xd7\x90", 0 },
		/* controls, ignorables, private use, noncharacters, unassigned, a family of emoji
		 */
		{ "\x7f", NULL, -EINVAL },
		{ "\xe2\x80\x8b", NULL, -EINVAL },
		{ "\xe2\x80\xae", NULL, -EINVAL }, /* NOLINT(misc-misleading-bidirectional) */
		{ "\xee\x80\x80", NULL, -EINVAL },
		{ "\xef\xbf\xbf", NULL, -EINVAL },
		{ "\xcd\xb8", NULL, -EINVAL },
		{ "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9", NULL, -EINVAL },
		{ "a\xc2", NULL, -EILSEQ },
	};

	(void)state;
	check(precis_opaque, rows, COUNT_OF(rows));
}

/* The limit counts the bytes of the result. */
static void
length_is_that_of_the_normal_form(void **state)
{
	struct arena arena;
	struct slice out;
	char text[3 * PRECIS_MAX + 4];

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i + 3 <= sizeof(text); i += 3)
		memcpy(text + i, "\xef\xbc\xa1", 3);
	assert_int_equal(precis_username(slice_make(text, 3069), &arena, &out), 0);
	assert_int_equal(out.len, 1023);
	assert_int_equal(precis_username(slice_make(text, 3072), &arena, &out), -EMSGSIZE);
	assert_int_equal(precis_opaque(slice_make(text, 1023), &arena, &out), 0);
	assert_int_equal(precis_opaque(slice_make(text, 1026), &arena, &out), -EMSGSIZE);
	for (size_t i = 0; i + 2 <= sizeof(text); i += 2)
		memcpy(text + i, "\xc4\xb0", 2);
	assert_int_equal(precis_username(slice_make(text, 682), &arena, &out), 0);
	assert_int_equal(out.len, 1023);
	assert_int_equal(precis_username(slice_make(text, 684), &arena, &out), -EMSGSIZE);
	arena_finish(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_character_has_its_property),
		cmocka_unit_test(the_table_is_in_order),
		cmocka_unit_test(usernames_have_one_form),
		cmocka_unit_test(contextual_rules_hold),
		cmocka_unit_test(opaque_strings_keep_what_they_say),
		cmocka_unit_test(length_is_that_of_the_normal_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
