/* Rows 11 and 12 of the checklist: deep, wide, long and endless input ends at its limit. */
#include "xml/test_xml.h"

static void
every_limit_holds(void **state)
{
	static const struct xml_limits small = {
		.stanza_bytes = 2000,
		.elements = 10,
		.depth = 4,
		.attributes = 5,
		.declarations = 3,
		.name_bytes = 16,
		.ns_bytes = 40,
	};
	static const struct {
		const char *before, *repeated, *after;
		size_t within, beyond;
	} cases[] = {
		{ "<a>", "x", "</a>", 1990, 2000 },
		{ "<a>", "<b/>", "</a>", 9, 10 },
		{ "", "<a>", "", 4, 5 },
		{ "<a ", "", "b='1' c='2' d='3'/>", 0, 0 },
		{ "<a b='1' c='2' d='3' e='4' ", "f='5'", "/>", 0, 1 },
		{ "<a xmlns='x' xmlns:b='x' xmlns:c='x' ", "xmlns:d='x'", "/>", 0, 1 },
		{ "<a xmlns:x='x' x:b='' x:c=''", " x:d=''", "/>", 0, 1 },
		{ "<a xmlns='", "u", "'/>", 40, 41 },
		{ "<", "n", "/>", 16, 17 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (int over = 0; over < 2; over++) {
			size_t times = over ? cases[i].beyond : cases[i].within;
			struct buffer in;

			buffer_init(&in, 1 << 20);
			(void)buffer_text(&in, HEADER);
			(void)buffer_text(&in, cases[i].before);
			repeat(&in, cases[i].repeated, times);
			(void)buffer_text(&in, cases[i].after);
			assert_int_equal(verdict(*state, &small, buffer_slice(&in)),
				over && times > 0 ? XML_LIMIT : XML_NO_ERROR);
			buffer_finish(&in);
		}
	}
}

/* before, then so many times repeated: refused at the limit of a client's stream. */
static void
giants_of_every_shape_are_refused(void **state)
{
	static const struct {
		const char *before, *repeated;
		size_t times;
	} cases[] = {
		{ "", "<a>", 100000 },
		{ "<a>", "<b/>", 1000000 },
		{ "<", "n", 1000000 },
		{ "<a xmlns='", "u", 1000000 },
		{ "<a b='", "v", 1000000 },
		{ "<a>", "text", 1000000 },
		{ "<a>&#", "0", 1000000 },
		{ "<a><![CDATA[", "x", 1000000 },
		{ "<a", " ", 1000000 },
		{ "</stream:stream", " ", 1000000 },
		{ "<a><b", " ", 1000000 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buffer in;

		buffer_init(&in, 8 << 20);
		(void)buffer_text(&in, HEADER);
		(void)buffer_text(&in, cases[i].before);
		repeat(&in, cases[i].repeated, cases[i].times);
		assert_int_equal(verdict(*state, &xml_limits_client, buffer_slice(&in)), XML_LIMIT);
		buffer_finish(&in);
	}
}

static void
ten_thousand_attributes_are_refused(void **state)
{
	struct buffer in;

	buffer_init(&in, 1 << 20);
	(void)buffer_text(&in, HEADER "<a");
	for (int i = 0; i < 10000; i++)
		(void)buffer_printf(&in, " a%d=''", i);
	assert_int_equal(verdict(*state, &xml_limits_client, buffer_slice(&in)), XML_LIMIT);
	buffer_finish(&in);
}

static void
a_header_is_measured_without_what_follows_it(void **state)
{
	struct buffer in;

	buffer_init(&in, 1 << 20);
	(void)buffer_text(&in, HEADER);
	repeat(&in, "<message><body>already here</body></message>", 1000);
	assert_int_equal(verdict(*state, &xml_limits_before_auth, buffer_slice(&in)), XML_NO_ERROR);
	buffer_clear(&in);
	(void)buffer_text(&in, "<stream:stream ");
	repeat(&in, " ", XML_HEADER_BYTES);
	assert_int_equal(verdict(*state, &xml_limits_client, buffer_slice(&in)), XML_LIMIT);
	buffer_finish(&in);
}

/*
 * The text comes byte by byte, as the stream's bytes do: what the scanner has not used is shown to
 * it again with one byte more. Returns the event that ended it; *size_out bytes were waiting then.
 */
static enum xml_event
drip(struct fixture *f, struct slice text, size_t *size_out)
{
	struct scanner s;
	size_t used, size = 0;
	enum xml_event event;

	scanner_init(&s, f->names, &xml_limits_client);
	assert_int_equal(scanner_next(&s, SLICE(HEADER), &f->tokens, &f->arena, &used), XML_HEADER);
	do {
		size++;
		event = scanner_next(&s, slice_make(text.p, size), &f->tokens, &f->arena, &used);
		arena_reset(&f->arena);
	} while (event == XML_NEED_MORE && size < text.len);
	scanner_finish(&s);
	*size_out = size;
	return event;
}

/* If this were quadratic, the test would take minutes. */
static void
a_long_stanza_in_single_bytes_costs_linear_time(void **state)
{
	static const char *const pieces[] = { "<b/>", "text ", "&lt;", "<b c='d'>e</b>" };

	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		struct buffer in;
		size_t size;

		buffer_init(&in, 1 << 20);
		(void)buffer_text(&in, "<a>");
		repeat(&in, pieces[i], 90000 / strlen(pieces[i]));
		(void)buffer_text(&in, "</a>");
		assert_int_equal(drip(*state, buffer_slice(&in), &size), XML_STANZA);
		assert_int_equal(size, in.len);
		buffer_finish(&in);
	}
}

static void
a_stanza_without_end_is_cut_at_the_limit(void **state)
{
	struct buffer in;
	size_t size;

	buffer_init(&in, 1 << 20);
	(void)buffer_text(&in, "<a>");
	repeat(&in, "t", 500000);
	assert_int_equal(drip(*state, buffer_slice(&in), &size), XML_FAILED);
	assert_int_equal(size, xml_limits_client.stanza_bytes + 1);
	buffer_finish(&in);
}

/* The next server has the same limits; it would close the stream between the two. */
static void
what_is_let_in_is_let_in_again_after_it_was_written(void **state)
{
	struct fixture *f = *state;
	struct buffer in, out;

	buffer_init(&in, 1 << 20);
	buffer_init(&out, 1 << 20);
	(void)buffer_text(&in, "<a xmlns:p='urn:p'>");
	for (int depth = 0; depth < 31; depth++)
		(void)buffer_text(&in, "<p:b p:c='1'>");
	for (int depth = 0; depth < 31; depth++)
		(void)buffer_text(&in, "</p:b>");
	(void)buffer_text(&in, "</a>");
	xml_write_element(&out, read_element(f, buffer_slice(&in)), SLICE("jabber:client"));
	assert_int_equal(read_element(f, buffer_slice(&out))->span, 31 * 3 + 2);
	buffer_finish(&in);
	buffer_finish(&out);
}

static void
a_giant_stanza_does_not_keep_its_memory(void **state)
{
	struct fixture *f = *state;
	struct buffer in;

	buffer_init(&in, 1 << 20);
	(void)buffer_text(&in, "<a>");
	repeat(&in, "<b/>", 20000);
	(void)buffer_text(&in, "</a>");
	(void)read_element(f, buffer_slice(&in));
	assert_true(f->tokens.capacity > 40000);
	(void)read_element(f, SLICE("<a/>"));
	(void)read_element(f, SLICE("<a/>"));
	assert_true(f->tokens.capacity < 1000);
	buffer_finish(&in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(every_limit_holds),
		FIXTURE_TEST(giants_of_every_shape_are_refused),
		FIXTURE_TEST(ten_thousand_attributes_are_refused),
		FIXTURE_TEST(a_header_is_measured_without_what_follows_it),
		FIXTURE_TEST(a_long_stanza_in_single_bytes_costs_linear_time),
		FIXTURE_TEST(a_stanza_without_end_is_cut_at_the_limit),
		FIXTURE_TEST(what_is_let_in_is_let_in_again_after_it_was_written),
		FIXTURE_TEST(a_giant_stanza_does_not_keep_its_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
