/* Addresses: the tables of RFC 7622, the look-alikes of the checklist, and idempotence. */
#include "proto/jid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define LONG_256 \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LONG_1023 \
	LONG_256 LONG_256 LONG_256 \
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* result NULL: refused. */
static const struct {
	const char *text, *result;
} cases[] = {
	/* RFC 7622, 3.5, table 1 */
	{ "juliet@example.com", "juliet@example.com" },
	{ "juliet@example.com/foo", "juliet@example.com/foo" },
	{ "juliet@example.com/foo bar", "juliet@example.com/foo bar" },
	{ "juliet@example.com/foo@bar", "juliet@example.com/foo@bar" },
	{ "foo\\20bar@example.com", "foo\\20bar@example.com" },
	{ "fussball@example.com", "fussball@example.com" },
	{ "fu\xc3\x9f"
	  "ball@example.com",
		"fu\xc3\x9f"
		"ball@example.com" },
	{ "\xcf\x80@example.com", "\xcf\x80@example.com" },
	{ "\xce\xa3@example.com/foo", "\xcf\x83@example.com/foo" },
	{ "\xcf\x83@example.com/foo", "\xcf\x83@example.com/foo" },
	{ "\xcf\x82@example.com/foo", "\xcf\x82@example.com/foo" },
	{ "king@example.com/\xe2\x99\x9a", "king@example.com/\xe2\x99\x9a" },
	{ "example.com", "example.com" },
	{ "example.com/foobar", "example.com/foobar" },
	{ "a.example.com/b@example.net", "a.example.com/b@example.net" },
	/* table 2 */
	{ "\"juliet\"@example.com", NULL },
	{ "foo bar@example.com", NULL },
	{ "juliet@example.com/", NULL },
	{ "@example.com/foo", NULL },
	{ "henry\xe2\x85\xa3@example.com", NULL },
	{ "\xe2\x99\x9a@example.com", NULL },
	{ "juliet@", NULL },
	{ "/foobar", NULL },
	/* forms of one address */
	{ "Juliet@Example.COM/Foo", "juliet@example.com/Foo" },
	{ "juliet@example.com.", "juliet@example.com" },
	{ "\xef\xbc\xaauliet@example.com", "juliet@example.com" },
	{ "juliet@\xe4\xbe\x8b\xe3\x81\x88.example", "juliet@\xe4\xbe\x8b\xe3\x81\x88.example" },
	{ "juliet@xn--r8jz45g.example", "juliet@\xe4\xbe\x8b\xe3\x81\x88.example" },
	{ "e\xcc\x81@example.com", "\xc3\xa9@example.com" },
	{ "\xc4\xb0@example.com", "i\xcc\x87@example.com" },
	{ "127.0.0.1/x", "127.0.0.1/x" },
	{ "[::1]", "[::1]" },
	{ "[2001:DB8:0::1]", "[2001:db8::1]" },
	{ "a@b/\xc2\xa0x", "a@b/ x" },
	{ "a@b/\xf0\x9f\x98\x80", "a@b/\xf0\x9f\x98\x80" },
	{ LONG_1023 "@b", LONG_1023 "@b" },
	{ "a@b/" LONG_1023, "a@b/" LONG_1023 },
	/* refused */
	{ LONG_1023 "a@b", NULL },
	{ "a@b/" LONG_1023 "a", NULL },
	{ "", NULL },
	{ "@", NULL },
	{ "a@b@c", NULL },
	{ "a@b..c", NULL },
	{ "a@-b", NULL },
	{ "a@b c", NULL },
	{ "a@[::1", NULL },
	{ "a@[x]", NULL },
	{ "a\xe2\x80\x8b@b", NULL },
	{ "a\xe2\x80\x8d@b", NULL },
	{ "\xd7\x90"
	  "a@b",
		NULL },
	{ "a\x01@b", NULL },
	{ "a@b/\x7f", NULL },
	{ "a@b/\xef\xbf\xbf", NULL },
	{ "a@b/\xe0\xb8", NULL },
	{ "a\xc0\xaf@b", NULL },
	{ "a\xed\xa0\x80@b", NULL },
	{ "\xf0\x9f\x98\x80@b", NULL },
	{ "a'@b", NULL },
	{ "a<b@c", NULL },
};

static void
addresses_have_one_form(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct jid jid = { .full = SLICE("untouched") };
		int r = jid_parse(slice_of(cases[i].text), &arena, &jid);

		if ((r == 0) != (cases[i].result != NULL))
			fail_msg("%s: %d", cases[i].text, r);
		if (r == 0 && !slice_is_text(jid.full, cases[i].result))
			fail_msg("%s: %.*s", cases[i].text, SLICE_ARG(jid.full));
		if (r < 0)
			assert_true(slice_is_text(jid.full, "untouched"));
	}
	arena_finish(&arena);
}

static void
parts_are_views_of_the_whole(void **state)
{
	struct arena arena;
	struct jid jid, bare, made;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(jid_parse(SLICE("a@b.c/d/e@f"), &arena, &jid), 0);
	assert_int_equal(arena.taken, 0);
	assert_true(slice_is_text(jid_local(&jid), "a"));
	assert_true(slice_is_text(jid_domain(&jid), "b.c"));
	assert_true(slice_is_text(jid_resource(&jid), "d/e@f"));
	assert_true(slice_is_text(jid_bare(&jid), "a@b.c"));
	bare = jid_to_bare(&jid);
	assert_true(slice_is_text(bare.full, "a@b.c"));
	assert_int_equal(jid_resource(&bare).len, 0);
	assert_true(jid_same_bare(&jid, &bare));
	assert_false(jid_is(&jid, &bare));
	assert_int_equal(jid_make(SLICE("A"), SLICE("B.c"), SLICE("d/e@f"), &arena, &made), 0);
	assert_true(jid_is(&jid, &made));
	assert_int_equal(jid_make(SLICE(""), SLICE("b"), SLICE(""), &arena, &made), 0);
	assert_true(slice_is_text(made.full, "b"));
	assert_int_equal(jid_local(&made).len, 0);
	arena_finish(&arena);
}

static const char *const pieces[] = { "a", "B", "@", "/", ".", "x.y", "\xc3\x89", "\xef\xbc\xa1",
	"\xd7\x90", "\xd9\xa1", " ", "\xe2\x84\xab", "e\xcc\x81", "\xcf\x82", "\xc7\x85",
	"\xe3\x83\xbb", "\xe3\x82\xab", "\xc2\xb7", "l", "\xe2\x80\x8c", "\xe0\xa5\x8d", "-", "1",
	"xn--", "\xf0\x9f\x98\x80", "\xc4\xb0", "\xef\xbe\x9f", "[", "]", "'" };

static void
what_was_normalised_stays_as_it_is(void **state)
{
	struct arena arena;
	unsigned seed = 7622, accepted = 0;

	(void)state;
	arena_init(&arena, 65536);
	for (int round = 0; round < 5000; round++) {
		char text[256] = "";
		size_t len = 0;
		struct jid once, twice;

		for (int i = 0; i < 2 + round % 8; i++) {
			seed = seed * 1103515245 + 12345;
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s",
				pieces[(seed >> 16) % COUNT_OF(pieces)]);
		}
		if (jid_parse(slice_of(text), &arena, &once) == 0) {
			accepted++;
			if (jid_parse(once.full, &arena, &twice) < 0 || !jid_is(&once, &twice))
				fail_msg("%s: %.*s", text, SLICE_ARG(once.full));
			assert_int_equal(once.resource_len, twice.resource_len);
		}
		arena_reset(&arena);
	}
	assert_true(accepted > 500);
	arena_finish(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_have_one_form),
		cmocka_unit_test(parts_are_views_of_the_whole),
		cmocka_unit_test(what_was_normalised_stays_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
