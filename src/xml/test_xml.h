/* What the tests of this folder share: names, tokens and an arena, made anew for each test. */
#ifndef TEST_XML_H
#define TEST_XML_H

#include "xml/scanner.h"
#include "xml/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams' to='a' version='1.0'>"

struct fixture {
	struct names *names;
	struct xml_tokens tokens;
	struct arena arena;
};

static inline int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->names = names_create();
	arena_init(&f->arena, 0);
	*state = f;
	return 0;
}

static inline int
teardown(void **state)
{
	struct fixture *f = *state;

	names_destroy(&f->names);
	xml_tokens_finish(&f->tokens);
	arena_finish(&f->arena);
	free(f);
	return 0;
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

/* Reads all that is there, at once; how it ended. */
static inline enum xml_error
verdict(struct fixture *f, const struct xml_limits *limits, struct slice input)
{
	struct scanner s;
	size_t start = 0, used;
	enum xml_event event = XML_STANZA;

	scanner_init(&s, f->names, limits);
	while (event != XML_NEED_MORE && event != XML_FAILED) {
		event = scanner_next(&s, slice_from(input, start), &f->tokens, &f->arena, &used);
		start += used;
	}
	scanner_finish(&s);
	return (enum xml_error)s.error;
}

/* The element in jabber:client; it must be one. Its tokens stay until the next read. */
static inline const struct xml_token *
read_element(struct fixture *f, struct slice text)
{
	const char *why = "";

	if (xml_read(f->names, &xml_limits_own, NS_ID_CLIENT, text, &f->tokens, &f->arena, &why) <
		0)
		fail_msg("%s: %.*s", why, SLICE_ARG(text));
	return f->tokens.v;
}

static inline void
repeat(struct buffer *out, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		(void)buffer_text(out, text);
}

static inline void
assert_slice(struct slice got, const char *expected)
{
	assert_int_equal(got.len, strlen(expected));
	assert_memory_equal(got.p, expected, got.len);
}

#endif
