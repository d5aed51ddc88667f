/* The content of a stanza when it cannot be forwarded as it came. */
#include "proto/stanza.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
	struct names *names;
	struct xml_tokens tokens;
	struct arena arena;
	struct stanza stanza;
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->names = names_create();
	arena_init(&f->arena, 0);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	names_destroy(&f->names);
	xml_tokens_finish(&f->tokens);
	arena_finish(&f->arena);
	free(f);
	return 0;
}

/* 0, or -1 and the condition. */
static int
parse(struct fixture *f, struct slice xml, enum stanza_condition *condition_out)
{
	const char *why;

	assert_int_equal(xml_read(f->names, &xml_limits_server, NS_ID_CLIENT, xml, &f->tokens,
				 &f->arena, &why),
		0);
	return stanza_parse(f->tokens.v, &f->arena, &f->stanza, condition_out, &why);
}

static void
assert_content(struct fixture *f, const char *xml, const char *expected)
{
	enum stanza_condition condition;

	assert_int_equal(parse(f, slice_of(xml), &condition), 0);
	assert_true(slice_is_text(f->stanza.content, expected));
}

static void
content_stands_in_the_stanzas_own_namespace(void **state)
{
	assert_content(*state, "<message><body>x</body></message>", "<body>x</body>");
	assert_content(
		*state, "<message><body><![CDATA[<]]></body></message>", "<body>&lt;</body>");
	assert_content(*state, "<message xmlns='jabber:server'><body>x</body></message>",
		"<body>x</body>");
	assert_content(*state, "<message xmlns:p='urn:x'><p:a/></message>", "<a xmlns='urn:x'/>");
}

/* Else one stanza of a client would be a gigabyte at its recipients, or break off within. */
static void
content_that_grows_beyond_the_limit_is_refused(void **state)
{
	struct fixture *f = *state;
	enum stanza_condition condition = BAD_REQUEST;
	struct buffer in;

	buffer_init(&in, 1 << 20);
	(void)buffer_text(&in, "<message xmlns:p='");
	for (int i = 0; i < 1000; i++)
		(void)buffer_text(&in, "u");
	(void)buffer_text(&in, "'>");
	for (int i = 0; i < 20000; i++)
		(void)buffer_text(&in, "<p:a/>");
	(void)buffer_text(&in, "</message>");
	assert_int_equal(parse(f, buffer_slice(&in), &condition), -1);
	assert_int_equal(condition, POLICY_VIOLATION);
	buffer_finish(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			content_stands_in_the_stanzas_own_namespace, setup, teardown),
		cmocka_unit_test_setup_teardown(
			content_that_grows_beyond_the_limit_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
