/* Addresses: the tables of RFC 7622, the look-alikes of the checklist, and idempotence. */
#include "proto/jid.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

#define LABEL_63 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LABELS_4 LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 "."
#define DOMAIN_1023 LABELS_4 LABELS_4 LABELS_4 LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63

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
	{ "a&b@c", NULL },
	{ "a:b@c", NULL },
	{ "a<b@c", NULL },
	{ "a>b@c", NULL },
	{ "a\"b@c", NULL },
	/* a full-width form of something that is excluded */
	{ "a\xef\xbc\xa0"
	  "b@c",
		NULL },
	{ "a\xef\xbc\x8f"
	  "b@c",
		NULL },
	{ "/", NULL },
	{ "a@/b", NULL },
	{ "a@.", NULL },
	{ "a@b\x80", NULL },
	/* RFC 7622, errata 4560: a leading space is allowed in a resource */
	{ "a@b/ c", "a@b/ c" },
	{ "a@b/\xe3\x80\x80", "a@b/ " },
	{ "a@b//", "a@b//" },
	{ "a@b/@/c", "a@b/@/c" },
	{ "a/b@c", "a/b@c" },
	{ "!#$%()*+,-.;=?[\\]^_`{|}~@b", "!#$%()*+,-.;=?[\\]^_`{|}~@b" },
	/* the checklist, row 59: what looks alike is one account, or none, or stays apart */
	{ "fuSSball@b", "fussball@b" },
	{ "FU\xe1\xba\x9e"
	  "BALL@b",
		"fu\xc3\x9f"
		"ball@b" },
	{ "\xce\xa3\xce\x91\xce\xa3@b", "\xcf\x83\xce\xb1\xcf\x82@b" },
	{ "I@b", "i@b" },
	{ "\xc4\xb1@b", "\xc4\xb1@b" },
	{ "\xef\xbd\xb6\xef\xbe\x9e@b", "\xe3\x82\xac@b" },
	{ "p\xd0\xb0ypal@b", "p\xd0\xb0ypal@b" },
	{ "\xe2\x84\xaa@b", NULL },
	{ "a\xe2\x80\xae\xe2\x80\xac@b", NULL },
	{ "a\xcd\xb8@b", NULL },
	{ "a\xef\xb8\x8f@b", NULL },
	{ "a\xc2\xad@b", NULL },
	{ "\xee\x80\x80@b", NULL },
	{ "\xef\xac\x81@b", NULL },
	/* domains */
	{ "a@b.", "a@b" },
	{ "a@b..", NULL },
	{ "a@.b", NULL },
	{ "a@b\xe3\x80\x82", "a@b" },
	{ "a@b\xe3\x80\x82"
	  "c",
		"a@b.c" },
	{ "a@\xef\xbd\x82.\xef\xbd\x83", "a@b.c" },
	{ "a@B\xc3\xbc"
	  "cher.Example.",
		"a@b\xc3\xbc"
		"cher.example" },
	{ "a@XN--BCHER-KVA.example", "a@b\xc3\xbc"
				     "cher.example" },
	{ "a@fa\xc3\x9f.de", "a@fa\xc3\x9f.de" },
	{ "a@xn--fa-hia.de", "a@fa\xc3\x9f.de" },
	{ "a@xn--zzzzzz", NULL },
	{ "a@xn--", NULL },
	{ "a@ab--cd", NULL },
	{ "a@b-", NULL },
	{ "a@1.2.3.4", "a@1.2.3.4" },
	{ "a@b_c", NULL },
	{ "a@b:5222", NULL },
	{ "a@\xe2\x98\x83.net", NULL },
	{ "a@xn--n3h.net", NULL },
	{ "a@1\xd7\x90.com", NULL },
	{ "a@\xd7\x90.com", "a@\xd7\x90.com" },
	{ "a@[::FFFF:1.2.3.4]", "a@[::ffff:1.2.3.4]" },
	{ "a@[]", NULL },
	{ "a@[", NULL },
	{ "a@[fe80::1%1]", NULL },
	{ "a@[v1.x]", NULL },
	{ "a@" LABEL_63, "a@" LABEL_63 },
	{ "a@" LABEL_63 "a", NULL },
	{ "a@" LABEL_63 "A", NULL },
	{ "a@" DOMAIN_1023, "a@" DOMAIN_1023 },
	{ "a@A" DOMAIN_1023, NULL },
	{ "a@a" DOMAIN_1023, NULL },
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

static void
bytes_that_are_no_text_are_refused(void **state)
{
	struct arena arena;
	struct jid jid;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(jid_parse(NO_SLICE, &arena, &jid), -EINVAL);
	assert_int_equal(jid_parse(slice_make("a\0@b", 4), &arena, &jid), -EINVAL);
	assert_int_equal(jid_parse(slice_make("a@b\0", 4), &arena, &jid), -EINVAL);
	assert_int_equal(jid_parse(slice_make("a@\xc3\xbc\0", 5), &arena, &jid), -EINVAL);
	assert_int_equal(jid_parse(slice_make("a@[::1\0]", 8), &arena, &jid), -EINVAL);
	assert_int_equal(jid_parse(slice_make("a@b/\0", 5), &arena, &jid), -EINVAL);
	/* cut anywhere in a character: no read beyond the end */
	for (size_t len = 1; len < 4; len++) {
		char *text = malloc(len);

		memcpy(text, "\xf0\x9f\x98\x80", len);
		assert_int_equal(jid_parse(slice_make(text, len), &arena, &jid), -EINVAL);
		assert_int_equal(
			jid_prepare_local(slice_make(text, len), &arena, &jid.full), -EINVAL);
		assert_int_equal(
			jid_prepare_resource(slice_make(text, len), &arena, &jid.full), -EINVAL);
		free(text);
	}
	arena_finish(&arena);
}

static void
a_refusal_says_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "The domain is missing." },
		{ "@b", "Before the '@' there is nothing." },
		{ "a@", "The domain is missing." },
		{ "a@b/", "After the '/' there is nothing." },
		{ "a b@c", "The part before the '@' has a character that is not allowed there." },
		{ "a@b c", "The domain is neither a host name nor an IP address." },
		{ "a@b/\x01", "The part after the '/' has a character that is not allowed there." },
		{ "a\xff@b", "The part before the '@' is not UTF-8." },
		{ "a@\xff", "The domain is not UTF-8." },
		{ "a@b/\xff", "The part after the '/' is not UTF-8." },
		{ "a\xd7\x90@b", "The part before the '@' mixes writing directions." },
		{ LONG_1023 "a@b", "The part before the '@' is longer than 1023 bytes." },
		{ "a@b/" LONG_1023 "a", "The part after the '/' is longer than 1023 bytes." },
	};
	struct arena arena;
	struct jid jid;
	const char *why = NULL;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(jid_parse_why(SLICE("A@b"), &arena, &jid, &why), 0);
	assert_null(why);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(
			jid_parse_why(slice_of(rows[i].text), &arena, &jid, &why), -EINVAL);
		assert_string_equal(why, rows[i].why);
	}
	arena_finish(&arena);
}

static void
kinds_of_addresses_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		bool full, bare, domain;
	} rows[] = {
		{ "a@b/c", true, false, false },
		{ "a@b", false, true, false },
		{ "b/c", true, false, false },
		{ "b", false, true, true },
	};
	struct arena arena;
	struct jid jid, other;

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(jid_parse(slice_of(rows[i].text), &arena, &jid), 0);
		assert_int_equal(jid_is_full(&jid), rows[i].full);
		assert_int_equal(jid_is_bare(&jid), rows[i].bare);
		assert_int_equal(jid_is_domain(&jid), rows[i].domain);
		assert_int_equal(jid_with_resource(&jid, SLICE("\xc2\xa0x"), &arena, &other), 0);
		assert_true(jid_same_bare(&jid, &other));
		assert_true(slice_is_text(jid_resource(&other), " x"));
		assert_true(slice_is(jid_local(&other), jid_local(&jid)));
		assert_true(slice_is(jid_domain(&other), jid_domain(&jid)));
		assert_int_equal(jid_with_resource(&jid, SLICE(""), &arena, &other), -EINVAL);
	}
	assert_false(jid_is_full(&NO_JID) || jid_is_bare(&NO_JID) || jid_is_domain(&NO_JID));
	assert_int_equal(jid_bare(&NO_JID).len, 0);
	assert_null(jid_domain(&NO_JID).p);
	assert_null(jid_copy(&NO_JID, &arena).full.p);
	arena_finish(&arena);
}

static const char *const pieces[] = { "a", "B", "@", "/", ".", "x.y", "\xc3\x89", "\xef\xbc\xa1",
	"\xd7\x90", "\xd9\xa1", " ", "\xe2\x84\xab", "e\xcc\x81", "\xcf\x82", "\xc7\x85",
	"\xe3\x83\xbb", "\xe3\x82\xab", "\xc2\xb7", "l", "\xe2\x80\x8c", "\xe0\xa5\x8d", "-", "1",
	"xn--", "xn--fa-hia", "\xc3\x9f", "\xe3\x80\x82", "\xce\xa3", "\xe2\x84\xaa",
	"\xf0\x9f\x98\x80", "\xc4\xb0", "\xef\xbe\x9f", "[", "]", "'" };

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
			assert_int_equal(once.local_len, twice.local_len);
			assert_int_equal(once.domain_len, twice.domain_len);
			assert_int_equal(once.resource_len, twice.resource_len);
			/* in one walk or part by part: the same */
			assert_int_equal(jid_make(jid_local(&once), jid_domain(&once),
						 jid_resource(&once), &arena, &twice),
				0);
			assert_true(jid_is(&once, &twice));
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
		cmocka_unit_test(bytes_that_are_no_text_are_refused),
		cmocka_unit_test(a_refusal_says_what_is_wrong),
		cmocka_unit_test(kinds_of_addresses_are_told_apart),
		cmocka_unit_test(what_was_normalised_stays_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
