/* The scanner by tables, against expat, and cut at every byte; the writer by round trips. */
#include "xml/chars.h"
#include "xml/scanner.h"
#include "xml/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <expat.h>

#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams' to='a' version='1.0'>"

struct fixture {
	struct names *names;
	struct xml_tokens tokens;
	struct arena arena;
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

static void
trace_element(struct buffer *out, const struct xml_token *e)
{
	xml_write_element(out, e, SLICE("jabber:client"));
	(void)buffer_text(out, "\n");
}

/* All events of the input when it comes in pieces of at most piece bytes, as text. */
static void
trace(struct fixture *f, struct slice input, size_t piece, struct buffer *out)
{
	struct scanner s;
	size_t start = 0, end = 0, used;
	enum xml_event event = XML_NEED_MORE;

	scanner_init(&s, f->names, &xml_limits_client);
	while (event != XML_FAILED && (end < input.len || event != XML_NEED_MORE)) {
		if (event == XML_NEED_MORE)
			end = end + piece < input.len ? end + piece : input.len;
		event = scanner_next(
			&s, slice_make(input.p + start, end - start), &f->tokens, &f->arena, &used);
		start += used;
		if (event == XML_HEADER)
			(void)buffer_text(out, "header\n");
		else if (event == XML_STANZA)
			trace_element(out, f->tokens.v);
		else if (event == XML_CLOSE)
			(void)buffer_text(out, "close\n");
		else if (event == XML_FAILED)
			(void)buffer_printf(out, "error %d\n", s.error);
		arena_reset(&f->arena);
	}
	scanner_finish(&s);
}

static void
assert_trace(struct fixture *f, const char *input, const char *expected)
{
	static const size_t pieces[] = { 100000, 1, 2, 7, 64 };

	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		struct buffer out;

		buffer_init(&out, 1 << 20);
		trace(f, slice_of(input), pieces[i], &out);
		(void)buffer_append(&out, slice_make("", 1));
		assert_string_equal(out.data, expected);
		buffer_finish(&out);
	}
}

static void
streams_become_events_however_they_are_cut(void **state)
{
	static const struct {
		const char *input, *events;
	} cases[] = {
		{ HEADER "<iq/></stream:stream>", "header\n<iq/>\nclose\n" },
		{ HEADER " \n <a b='1' c=\"2\">x</a>", "header\n<a b='1' c='2'>x</a>\n" },
		{ HEADER "<a>&lt;&#65;&#x42;&amp;</a>", "header\n<a>&lt;AB&amp;</a>\n" },
		{ HEADER "<a>1<![CDATA[<&]]]]>2</a>", "header\n<a>1&lt;&amp;]]2</a>\n" },
		{ HEADER "<a>l\r\ni\rn</a>", "header\n<a>l\ni\nn</a>\n" },
		{ HEADER "<a b='x\ty&#10;z'/>", "header\n<a b='x y&#10;z'/>\n" },
		{ HEADER "<a xmlns='urn:x'><b/><c xmlns=''/></a>",
			"header\n<a xmlns='urn:x'><b/><c xmlns=''/></a>\n" },
		{ HEADER "<p:a xmlns:p='urn:x' p:b='1'><p:c/></p:a>",
			"header\n<a xmlns='urn:x' xmlns:ns1='urn:x' ns1:b='1'><c/></a>\n" },
		{ HEADER "<a xml:lang='de'/>", "header\n<a xml:lang='de'/>\n" },
		{ HEADER "<stream:error/>",
			"header\n<error xmlns='http://etherx.jabber.org/streams'/>\n" },
		{ HEADER "<\xc3\xa4>\xe2\x82\xac</\xc3\xa4>",
			"header\n<\xc3\xa4>\xe2\x82\xac</\xc3\xa4>\n" },
		{ HEADER "<a><!-- c --></a>", "header\nerror 2\n" },
		{ HEADER "<!-- c -->", "header\nerror 2\n" },
		{ HEADER "<a><?pi?></a>", "header\nerror 2\n" },
		{ "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "error 2\n" },
		{ "<?xml version='1.0'?><!DOCTYPE a><a/>", "error 2\n" },
		{ "<?xml version='1.0' encoding='UTF-16'?>", "error 3\n" },
		{ "<?xml version='1.0' encoding='us-ascii'?>", "error 3\n" },
		{ "<?xml version='1.1'?><a/>", "error 4\n" },
		{ "<?xml encoding='UTF-8'?><a/>", "error 1\n" },
		{ "\xff\xfe<", "error 3\n" },
		{ "\xef\xbb\xbf<", "error 3\n" },
		{ "<stream xmlns='http://etherx.jabber.org/streams'>", "error 5\n" },
		{ "<stream:stream xmlns:stream='urn:x'>", "error 6\n" },
		{ "<a>", "error 1\n" },
		{ HEADER "<a></b>", "header\nerror 1\n" },
		{ HEADER "<a></a", "header\n" },
		{ HEADER "<a>&foo;</a>", "header\nerror 2\n" },
		{ HEADER "<a>&#0;</a>", "header\nerror 1\n" },
		{ HEADER "<a>&#x1F;</a>", "header\nerror 1\n" },
		{ HEADER "<a>&#xD800;</a>", "header\nerror 1\n" },
		{ HEADER "<a>&#1114112;</a>", "header\nerror 1\n" },
		{ HEADER "<a>&#00000065;</a>", "header\n<a>A</a>\n" },
		{ HEADER "<a>]]></a>", "header\nerror 1\n" },
		{ HEADER "<a>\x01</a>", "header\nerror 1\n" },
		{ HEADER "<a>\xc0\x80</a>", "header\nerror 1\n" },
		{ HEADER "<a>\xed\xa0\x80</a>", "header\nerror 1\n" },
		{ HEADER "<a>\xf4\x90\x80\x80</a>", "header\nerror 1\n" },
		{ HEADER "<a>\xef\xbf\xbf</a>", "header\nerror 1\n" },
		{ HEADER "<a b='1' b='2'/>", "header\nerror 1\n" },
		{ HEADER "<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>", "header\nerror 1\n" },
		{ HEADER "<a b='<'/>", "header\nerror 1\n" },
		{ HEADER "<a b=1/>", "header\nerror 1\n" },
		{ HEADER "<a b='1'c='2'/>", "header\nerror 1\n" },
		{ HEADER "<x:a/>", "header\nerror 1\n" },
		{ HEADER "<a xmlns:xml='urn:x'/>", "header\nerror 1\n" },
		{ HEADER "<a xmlns:xmlns='urn:x'/>", "header\nerror 1\n" },
		{ HEADER "<a xmlns:x=''/>", "header\nerror 1\n" },
		{ HEADER "<a xmlns:x='http://www.w3.org/XML/1998/namespace'/>",
			"header\nerror 1\n" },
		{ HEADER "<a><stream:stream/></a>", "header\nerror 6\n" },
		{ HEADER "<a><x:stream xmlns:x='http://etherx.jabber.org/streams'/></a>",
			"header\nerror 6\n" },
		{ HEADER "<a></stream:stream>", "header\nerror 1\n" },
		{ HEADER "text", "header\nerror 1\n" },
		{ HEADER "</a>", "header\nerror 1\n" },
		{ HEADER "<a:b:c/>", "header\nerror 1\n" },
		{ HEADER "<1a/>", "header\nerror 1\n" },
		{ HEADER "< a/>", "header\nerror 1\n" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_trace(*state, cases[i].input, cases[i].events);
}

static void
declared_prefixes_of_the_header_hold_in_stanzas(void **state)
{
	assert_trace(*state,
		"<stream:stream xmlns='jabber:client' xmlns:x='urn:x' "
		"xmlns:stream='http://etherx.jabber.org/streams'><a><x:b x:c='1'/></a>",
		"header\n<a><b xmlns='urn:x' xmlns:ns1='urn:x' ns1:c='1'/></a>\n");
}

/* Whether the only stanza of the stream may be forwarded as it came. */
static bool
is_verbatim(struct fixture *f, const char *header, const char *stanza)
{
	struct buffer in;
	struct scanner s;
	size_t used, more;
	bool verbatim;

	buffer_init(&in, 1 << 16);
	(void)buffer_text(&in, header);
	(void)buffer_text(&in, stanza);
	scanner_init(&s, f->names, &xml_limits_client);
	assert_int_equal(
		scanner_next(&s, buffer_slice(&in), &f->tokens, &f->arena, &used), XML_HEADER);
	assert_int_equal(
		scanner_next(&s, slice_from(buffer_slice(&in), used), &f->tokens, &f->arena, &more),
		XML_STANZA);
	verbatim = f->tokens.v[0].verbatim;
	scanner_finish(&s);
	buffer_finish(&in);
	return verbatim;
}

static void
content_is_forwarded_as_it_came_only_where_it_means_the_same(void **state)
{
	static const char other[] = "<stream:stream xmlns='jabber:client' xmlns:x='urn:x' "
				    "xmlns:stream='http://etherx.jabber.org/streams'>";

	assert_true(is_verbatim(*state, HEADER, "<message><body>x</body></message>"));
	assert_true(is_verbatim(*state, HEADER, "<message><p:a xmlns:p='u' p:b=''/></message>"));
	assert_true(is_verbatim(*state, HEADER, "<message xmlns='jabber:client'><a/></message>"));
	assert_false(is_verbatim(*state, HEADER, "<message xmlns='urn:x'><a/></message>"));
	assert_false(is_verbatim(*state, HEADER, "<message xmlns:p='u'><p:a/></message>"));
	assert_false(is_verbatim(*state, HEADER, "<message><a><![CDATA[x]]></a></message>"));
	assert_false(is_verbatim(*state, other, "<message><x:a/></message>"));
	assert_true(is_verbatim(*state, other, "<message><a/></message>"));
}

static enum xml_error
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

static void
repeat(struct buffer *out, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		(void)buffer_text(out, text);
}

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

/* What expat says to the same bytes; the events in the form of the trace above are not compared
 * here, that is the differential fuzzer's work. */
static bool
expat_accepts(struct slice input)
{
	XML_Parser parser = XML_ParserCreateNS("UTF-8", '\n');
	bool accepted;

	accepted = XML_Parse(parser, input.p, (int)input.len, 0) != XML_STATUS_ERROR;
	XML_ParserFree(parser);
	return accepted;
}

static void
expat_accepts_whatever_we_accept(void **state)
{
	static const char *const pieces[] = { "<a", ">", "</a>", " b='", "'", "&lt;", "x", "<",
		"/>", " xmlns='u'", " xmlns:p='v'", "<p:c", "</p:c>", "]]>", "<![CDATA[", "&#65;",
		"\n", "\xc3\xa9", "\x80", "=", "\"", " ", "/", "&", "</", "!", "?" };
	struct fixture *f = *state;
	unsigned seed = 20261123;
	unsigned accepted = 0;

	for (int round = 0; round < 20000; round++) {
		struct buffer in;

		buffer_init(&in, 1 << 16);
		(void)buffer_text(&in, HEADER);
		(void)buffer_text(&in, "<a>");
		for (int i = 0; i < 3 + round % 9; i++) {
			seed = seed * 1103515245 + 12345;
			(void)buffer_text(&in, pieces[(seed >> 16) % COUNT_OF(pieces)]);
		}
		if (verdict(f, &xml_limits_client, buffer_slice(&in)) == XML_NO_ERROR) {
			accepted++;
			if (!expat_accepts(buffer_slice(&in)))
				fail_msg("expat refuses: %.*s", SLICE_ARG(buffer_slice(&in)));
		}
		arena_reset(&f->arena);
		buffer_finish(&in);
	}
	assert_true(accepted > 100);
}

static void
what_is_written_reads_back_equal(void **state)
{
	struct fixture *f = *state;
	const char *why;
	struct buffer out;
	struct slice odd = SLICE("<>&'\"\t\n\r]]>\x01\xe2\x82\xac");

	buffer_init(&out, 1000);
	(void)buffer_text(&out, "<a");
	xml_write_attribute(&out, "b", odd);
	(void)buffer_text(&out, ">");
	xml_write_text(&out, odd);
	(void)buffer_text(&out, "</a>");
	assert_int_equal(xml_read(f->names, &xml_limits_own, NS_ID_CLIENT, buffer_slice(&out),
				 &f->tokens, &f->arena, &why),
		0);
	assert_true(slice_is_text(f->tokens.v[1].value, "<>&'\"\t\n\r]]>\xe2\x82\xac"));
	assert_true(slice_is_text(xml_text(f->tokens.v, &f->arena), "<>&'\"\t\n\r]]>\xe2\x82\xac"));
	buffer_finish(&out);
}

static void
tokens_are_walked_by_name(void **state)
{
	struct fixture *f = *state;
	const char *why;
	const struct xml_token *e, *c;

	assert_int_equal(xml_read(f->names, &xml_limits_own, NS_ID_CLIENT,
				 SLICE("<iq type='get' xml:lang='en'>t<x/><bind xmlns='urn:ietf:"
				       "params:xml:ns:xmpp-bind'><resource>r</resource></bind>u"
				       "</iq>"),
				 &f->tokens, &f->arena, &why),
		0);
	e = f->tokens.v;
	assert_int_equal(e->name, NAME_IQ);
	assert_true(slice_is_text(xml_attribute(e, NAME_TYPE), "get"));
	assert_null(xml_attribute(e, NAME_LANG).p);
	assert_true(slice_is_text(xml_attribute_ns(e, NS_ID_XML, NAME_LANG), "en"));
	assert_true(slice_is_text(xml_text(e, &f->arena), "tu"));
	c = xml_child(e, NS_ID_BIND, NAME_BIND);
	assert_non_null(c);
	assert_ptr_equal(c, xml_next_sibling(xml_first_child(e)));
	assert_null(xml_next_sibling(c));
	assert_true(
		slice_is_text(xml_text(xml_child(c, NS_ID_BIND, NAME_RESOURCE), &f->arena), "r"));
	assert_true(slice_is_text(c->content, "<resource>r</resource>"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			streams_become_events_however_they_are_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(
			declared_prefixes_of_the_header_hold_in_stanzas, setup, teardown),
		cmocka_unit_test_setup_teardown(
			content_is_forwarded_as_it_came_only_where_it_means_the_same, setup,
			teardown),
		cmocka_unit_test_setup_teardown(every_limit_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(expat_accepts_whatever_we_accept, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_written_reads_back_equal, setup, teardown),
		cmocka_unit_test_setup_teardown(tokens_are_walked_by_name, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
