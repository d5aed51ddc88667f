/* What matches and, as much, what must not: a scenario proves only what its comparisons refuse. */
#include "tools/kith-script/match.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct example {
	const char *expected, *came;
};

static bool
matches(const char *expected, const char *came, struct variables *vars)
{
	struct names *names = names_create();
	bool r = match(names, slice_of(expected), slice_of(came), vars);

	names_destroy(&names);
	return r;
}

static void
check_all(const struct example *list, size_t count, bool fits)
{
	for (size_t i = 0; i < count; i++) {
		struct variables vars = { 0 };

		if (matches(list[i].expected, list[i].came, &vars) != fits)
			fail_msg("%s\nand %s", list[i].expected, list[i].came);
		if (!fits)
			assert_int_equal(vars.count, 0);
		variables_finish(&vars);
	}
}

static void
what_is_the_same_matches(void **state)
{
	static const struct example list[] = {
		{ "<a/>", "<a></a>" },
		{ "<a x='1' y='2'/>", "<a y=\"2\" x=\"1\"/>" },
		{ "<a><b/><c/></a>", "<a><c/><b/></a>" },
		{ "<a xmlns='u'><b/></a>", "<p:a xmlns:p='u'><p:b/></p:a>" },
		{ "<a xmlns='jabber:client'/>", "<a/>" },
		{ "<a>one</a>", "<a>\n\tone </a>" },
		{ "<a>\n\t<b/>\n</a>", "<a><b/></a>" },
		{ "<a>&lt;&#x41;</a>", "<a>&lt;A</a>" },
		{ "<a xml:lang='en'/>", "<a xml:lang='en'/>" },
		{ "<a><b/><b/></a>", "<a><b/><b/></a>" },
	};

	(void)state;
	check_all(list, COUNT_OF(list), true);
}

static void
what_differs_does_not_match(void **state)
{
	static const struct example list[] = {
		{ "<a/>", "<b/>" },
		{ "<a/>", "<a xmlns='u'/>" },
		{ "<a xmlns='u'/>", "<a xmlns='v'/>" },
		{ "<a/>", "<a x='1'/>" },
		{ "<a x='1'/>", "<a/>" },
		{ "<a x='1'/>", "<a x='2'/>" },
		{ "<a x='1'/>", "<a p:x='1' xmlns:p='u'/>" },
		{ "<a/>", "<a><b/></a>" },
		{ "<a><b/></a>", "<a/>" },
		{ "<a><b/><b/></a>", "<a><b/></a>" },
		{ "<a><b/></a>", "<a><b/><b/></a>" },
		{ "<a/>", "<a>text</a>" },
		{ "<a>text</a>", "<a/>" },
		{ "<a>one two</a>", "<a>one  two</a>" },
		{ "<a><b><c/></b></a>", "<a><b/><c/></a>" },
		{ "<a><b>1</b><c>2</c></a>", "<a><b>2</b><c>1</c></a>" },
		{ "<a><b xmlns='u'/></a>", "<a><b/></a>" },
	};

	(void)state;
	check_all(list, COUNT_OF(list), false);
}

static void
holes_take_what_is_there(void **state)
{
	static const struct example list[] = {
		{ "<a x='{any}'/>", "<a x='1'/>" },
		{ "<a x='{any}'/>", "<a x=''/>" },
		{ "<a>{any}</a>", "<a>text</a>" },
		{ "<a {...}/>", "<a/>" },
		{ "<a {...}/>", "<a x='1' y='2'/>" },
		{ "<a x='1' {...}/>", "<a x='1' y='2'/>" },
		{ "<a>…</a>", "<a/>" },
		{ "<a>...</a>", "<a>text<b/></a>" },
		{ "<a>…<b/>…</a>", "<a><c/><b/>text</a>" },
		{ "<a><b {...}>…</b></a>", "<a><b x='1'><c/></b></a>" },
		{ "<a>a {...} b</a>", "<a>a {...} b</a>" },
		{ "<a>wait...</a>", "<a>wait...</a>" },
	};

	(void)state;
	check_all(list, COUNT_OF(list), true);
}

static void
holes_take_no_more_than_they_say(void **state)
{
	static const struct example list[] = {
		{ "<a x='{any}'/>", "<a/>" },
		{ "<a x='{any}'/>", "<a y='1'/>" },
		{ "<a x='{any}'/>", "<a x='1' y='2'/>" },
		{ "<a {...}/>", "<a><b/></a>" },
		{ "<a {...}/>", "<a>text</a>" },
		{ "<a x='1' {...}/>", "<a y='1'/>" },
		{ "<a>…</a>", "<a x='1'/>" },
		{ "<a>…<b/></a>", "<a><c/></a>" },
		{ "<a>…<b/><b/></a>", "<a><b/><c/></a>" },
		{ "<a>…<b/></a>", "<a><b x='1'/></a>" },
		{ "<a>{any}</a>", "<a>text<b/></a>" },
		{ "<a>wait...</a>", "<a>for ever</a>" },
		{ "<a x='...'/>", "<a x='1'/>" },
	};

	(void)state;
	check_all(list, COUNT_OF(list), false);
}

/* The first child that fits a hole may be the only one that fits another child. */
static void
a_hole_gives_back_what_another_child_needs(void **state)
{
	static const struct example fitting[] = {
		{ "<a><b x='{any}'/><b x='1'/></a>", "<a><b x='1'/><b x='2'/></a>" },
		{ "<a><b {...}/><b x='{any}'/><b x='1'/></a>", "<a><b x='1'/><b x='2'/><b/></a>" },
		{ "<a>…<b x='{any}'/><b x='1'/></a>", "<a><b x='1'/><c/><b x='2'/></a>" },
		{ "<a><b>…</b><b><c/>…</b><b><c/><d/></b></a>",
			"<a><b><c/><d/></b><b><c/></b><b/></a>" },
	};
	static const struct example unfitting[] = {
		{ "<a><b x='{any}'/><b x='1'/></a>", "<a><b x='3'/><b x='2'/></a>" },
		{ "<a><b x='{any}'/><b x='1'/><b x='1'/></a>",
			"<a><b x='1'/><b x='2'/><b x='3'/></a>" },
		{ "<a>…<b x='{any}'/><b x='1'/></a>", "<a><b x='1'/><c/></a>" },
	};

	(void)state;
	check_all(fitting, COUNT_OF(fitting), true);
	check_all(unfitting, COUNT_OF(unfitting), false);
}

static void
check_value(const struct variables *vars, const char *name, const char *value)
{
	assert_true(slice_is_text(variables_get(vars, slice_of(name)), value));
}

static void
captures_belong_to_the_pairs_that_fit(void **state)
{
	struct variables vars = { 0 };

	(void)state;
	assert_true(
		matches("<a id='{id=any}'><b x='{x=any}' n='{n=any}'/><b x='1' {...}/><c>{text=any}"
			"</c></a>",
			"<a id='7'><b x='1' n='one'/><c> t </c><b x='2' n='two'/></a>", &vars));
	check_value(&vars, "id", "7");
	check_value(&vars, "x", "2");
	check_value(&vars, "n", "two");
	check_value(&vars, "text", "t");
	variables_finish(&vars);
}

static void
a_match_that_fails_changes_no_variable(void **state)
{
	struct variables vars = { 0 };

	(void)state;
	variables_set(&vars, SLICE("id"), SLICE("old"));
	assert_false(matches("<a id='{id=any}' x='{x=any}'><b/></a>", "<a id='7' x='8'/>", &vars));
	assert_int_equal(vars.count, 1);
	check_value(&vars, "id", "old");
	assert_true(matches("<a id='{id=any}'/>", "<a id='7'/>", &vars));
	check_value(&vars, "id", "7");
	variables_finish(&vars);
}

static void
what_is_no_xml_is_named_and_never_matches(void **state)
{
	static const struct example list[] = {
		{ "<a>", "<a/>" },
		{ "<a/>", "<a>" },
		{ "<a/><b/>", "<a/>" },
		{ "", "" },
	};
	struct names *names = names_create();

	(void)state;
	check_all(list, COUNT_OF(list), false);
	assert_non_null(match_check(names, SLICE("<a>")));
	assert_non_null(match_check(names, SLICE("text")));
	assert_null(match_check(names, SLICE("<a {...}>…</a>")));
	names_destroy(&names);
}

static void
check_filled(const struct variables *vars, const char *text, struct slice expected)
{
	struct buffer out;

	buffer_init(&out, 4096);
	variables_fill(vars, slice_of(text), &out);
	if (!slice_is(buffer_slice(&out), expected))
		fail_msg("%s became %.*s", text, SLICE_ARG(buffer_slice(&out)));
	buffer_finish(&out);
}

static void
what_stands_in_braces_is_filled_in(void **state)
{
	struct variables vars = { 0 };

	(void)state;
	variables_set(&vars, SLICE("romeo.full"), SLICE("romeo@localhost/a'b<c"));
	check_filled(&vars, "to='{romeo.full}'", SLICE("to='romeo@localhost/a&apos;b&lt;c'"));
	check_filled(&vars, "{3 times ab}.{0 times x}", SLICE("ababab."));
	check_filled(&vars, "a{byte 00}b{byte ff}", SLICE("a\0b\xff"));
	check_filled(&vars, "{any} {x=any} {...}", SLICE("{any} {x=any} {...}"));
	check_filled(
		&vars, "{byte fg}{byte f}{x times y}{", SLICE("{byte fg}{byte f}{x times y}{"));
	variables_finish(&vars);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_the_same_matches),
		cmocka_unit_test(what_differs_does_not_match),
		cmocka_unit_test(holes_take_what_is_there),
		cmocka_unit_test(holes_take_no_more_than_they_say),
		cmocka_unit_test(a_hole_gives_back_what_another_child_needs),
		cmocka_unit_test(captures_belong_to_the_pairs_that_fit),
		cmocka_unit_test(a_match_that_fails_changes_no_variable),
		cmocka_unit_test(what_is_no_xml_is_named_and_never_matches),
		cmocka_unit_test(what_stands_in_braces_is_filled_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
