/* XEP-0106: its examples, both ways. */
#include "proto/jid_escape.h"

#include "proto/jid.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* In the order of the XEP: 3.2, 3.3, 4.2, 4.3, 5.1 and so on. */
static const struct {
	const char *name, *escaped;
} pairs[] = {
	{ "d'artagnan", "d\\27artagnan" },
	{ "tr\xc3\xa9ville@musketeers.lit", "tr\xc3\xa9ville\\40musketeers.lit" },
	{ "treville@musketeers.lit", "treville\\40musketeers.lit" },
	{ "\\3and\\2is\\5cool", "\\5c3and\\2is\\5c5cool" },
	{ "\\2plus\\2is\\4", "\\2plus\\2is\\4" },
	{ "foo\\bar", "foo\\bar" },
	{ "foob\\41r", "foob\\41r" },
	{ "c:\\5commas", "c\\3a\\5c5commas" },
	{ "space cadet", "space\\20cadet" },
	{ "call me \"ishmael\"", "call\\20me\\20\\22ishmael\\22" },
	{ "at&t guy", "at\\26t\\20guy" },
	{ "d'artagnan", "d\\27artagnan" },
	{ "/.fanboy", "\\2f.fanboy" },
	{ "::foo::", "\\3a\\3afoo\\3a\\3a" },
	{ "<foo>", "\\3cfoo\\3e" },
	{ "user@host", "user\\40host" },
	{ "c:\\net", "c\\3a\\net" },
	{ "c:\\\\net", "c\\3a\\\\net" },
	{ "c:\\cool stuff", "c\\3a\\cool\\20stuff" },
	{ "here's_a_wild_&_/cr%zy/_address", "here\\27s_a_wild_\\26_\\2fcr%zy\\2f_address" },
	{ "here's_a_wild_&_/cr%zy/_address_for:<wv>(\"IMPS\")",
		"here\\27s_a_wild_\\26_\\2fcr%zy\\2f_address_for\\3a\\3cwv\\3e(\\22IMPS\\22)" },
	{ "CN=D'Artagnan Saint-Andr\xc3\xa9,O=Example & Company, Inc.,DC=example,DC=com",
		"CN=D\\27Artagnan\\20Saint-Andr\xc3\xa9"
		",O=Example\\20\\26\\20Company,\\20Inc.,DC=example,DC=com" },
	{ "somenick!user\"&'/:<>\\3address",
		"somenick!user\\22\\26\\27\\2f\\3a\\3c\\3e\\5c3address" },
	/* beyond the examples */
	{ "plain", "plain" },
	{ "\\", "\\" },
	{ "\\5c", "\\5c5c" },
	{ "\\20start", "\\5c20start" },
	{ "\\27", "\\5c27" },
	{ "a\\", "a\\" },
	{ "a\\2", "a\\2" },
};

static void
names_are_escaped_and_shown_again(void **state)
{
	struct arena arena;
	struct slice out;

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		assert_int_equal(jid_escape(slice_of(pairs[i].name), &arena, &out), 0);
		if (!slice_is_text(out, pairs[i].escaped))
			fail_msg("%s: %.*s", pairs[i].name, SLICE_ARG(out));
		out = jid_unescape(out, &arena);
		if (!slice_is_text(out, pairs[i].name))
			fail_msg("%s: %.*s", pairs[i].escaped, SLICE_ARG(out));
	}
	arena_finish(&arena);
}

static void
outer_spaces_have_no_escape(void **state)
{
	struct arena arena;
	struct slice out;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(jid_escape(SLICE(" a"), &arena, &out), -EINVAL);
	assert_int_equal(jid_escape(SLICE("a "), &arena, &out), -EINVAL);
	assert_int_equal(jid_escape(SLICE(" "), &arena, &out), -EINVAL);
	assert_int_equal(jid_escape(SLICE(""), &arena, &out), -EINVAL);
	assert_true(slice_is_text(jid_unescape(SLICE("\\20a\\20b\\20"), &arena), "\\20a b\\20"));
	assert_true(slice_is_text(jid_unescape(SLICE("\\20"), &arena), "\\20"));
	assert_int_equal(jid_unescape(SLICE(""), &arena).len, 0);
	arena_finish(&arena);
}

/* A name with \2F must not become the JID of the name with a slash. */
static void
capital_digits_cannot_collide(void **state)
{
	struct arena arena;
	struct slice out, local;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(jid_escape(SLICE("a\\2Fb"), &arena, &out), 0);
	assert_int_equal(jid_prepare_local(out, &arena, &local), 0);
	assert_true(slice_is_text(local, "a\\5c2fb"));
	assert_true(slice_is_text(jid_unescape(local, &arena), "a\\2fb"));
	assert_true(slice_is_text(jid_unescape(SLICE("a\\2Fb"), &arena), "a\\2Fb"));
	arena_finish(&arena);
}

/* Any ASCII name without outer spaces and controls becomes a localpart and comes back. */
static void
every_name_comes_back(void **state)
{
	static const char alphabet[] = " \"&'/:<>@\\0234567acefx";
	struct arena arena;
	unsigned seed = 106;

	(void)state;
	arena_init(&arena, 0);
	for (int round = 0; round < 5000; round++) {
		char name[16];
		size_t len = 1 + (size_t)round % 12;
		struct slice escaped, local;

		for (size_t i = 0; i < len; i++) {
			seed = seed * 1103515245 + 12345;
			name[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		if (jid_escape(slice_make(name, len), &arena, &escaped) < 0) {
			assert_true(name[0] == ' ' || name[len - 1] == ' ');
		} else {
			assert_int_equal(jid_prepare_local(escaped, &arena, &local), 0);
			assert_true(slice_is(local, escaped));
			assert_true(slice_is(jid_unescape(local, &arena), slice_make(name, len)));
		}
		arena_reset(&arena);
	}
	arena_finish(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_escaped_and_shown_again),
		cmocka_unit_test(outer_spaces_have_no_escape),
		cmocka_unit_test(capital_digits_cannot_collide),
		cmocka_unit_test(every_name_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
