/* The scanner by tables of streams, cut at every byte, and beside expat. */
#include "xml/test_xml.h"

#include <expat.h>

/* The usual header without an XML declaration. */
#define HEADER2 \
	"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"

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

struct stream_case {
	const char *input, *events;
};

static void
streams_become_events_however_they_are_cut(void **state)
{
	static const struct stream_case cases[] = {
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
		{ HEADER "<a></a", "header\n" },
		{ HEADER "<a>&#00000065;</a>", "header\n<a>A</a>\n" },
		{ HEADER "<a xmlns:stream='urn:x'><stream:b/></a>",
			"header\n<a><b xmlns='urn:x'/></a>\n" },
		{ HEADER "<a stream:b='1'/>",
			"header\n<a xmlns:ns1='http://etherx.jabber.org/streams' "
			"ns1:b='1'/>\n" },
		{ HEADER "<xml:a/>", "header\n<xml:a/>\n" },
		{ HEADER "<a xmlns:x='u&#10;b' x:c=''/>",
			"header\n<a xmlns:ns1='u&#10;b' ns1:c=''/>\n" },
		{ HEADER "<a xmlns='u|b c'/>", "header\n<a xmlns='u|b c'/>\n" },
		{ HEADER "<iq xmlns='jabber:server'/>", "header\n<iq xmlns='jabber:server'/>\n" },
		{ HEADER "<a></a ></stream:stream >", "header\n<a/>\nclose\n" },
		{ HEADER "<a/></stream:stream><?junk", "header\n<a/>\nclose\n" },
		{ HEADER "<a>]] ]> ]]&gt;</a>", "header\n<a>]] ]&gt; ]]&gt;</a>\n" },
		{ HEADER "<a b=']]>'/>", "header\n<a b=']]&gt;'/>\n" },
		{ HEADER "<a>\xf0\x9f\x99\x82\x7f</a>", "header\n<a>\xf0\x9f\x99\x82\x7f</a>\n" },
		{ HEADER "<a>&", "header\n" },
		{ HEADER "<a b='&#60;&quot;&apos;&gt;'/>", "header\n<a b='&lt;\"&apos;&gt;'/>\n" },
		{ HEADER "<a><![CDATA[]]></a>", "header\n<a/>\n" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_trace(*state, cases[i].input, cases[i].events);
}

static void
what_is_not_well_formed_ends_the_stream(void **state)
{
	static const struct stream_case cases[] = {
		{ HEADER "<a><!-- c --></a>", "header\nerror 2\n" },
		{ HEADER "<!-- c -->", "header\nerror 2\n" },
		{ HEADER "<a><?pi?></a>", "header\nerror 2\n" },
		{ HEADER "<a></b>", "header\nerror 1\n" },
		{ HEADER "<a>&foo;</a>", "header\nerror 2\n" },
		{ HEADER "<a>&#0;</a>", "header\nerror 1\n" },
		{ HEADER "<a>&#x1F;</a>", "header\nerror 1\n" },
		{ HEADER "<a>&#xD800;</a>", "header\nerror 1\n" },
		{ HEADER "<a>&#1114112;</a>", "header\nerror 1\n" },
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
		{ HEADER "<stream:stream>", "header\nerror 6\n" },
		{ HEADER "<xmlns:a/>", "header\nerror 1\n" },
		{ HEADER "<a xmlns='http://www.w3.org/2000/xmlns/'/>", "header\nerror 1\n" },
		{ HEADER "<a xmlns='u' xmlns='u'/>", "header\nerror 1\n" },
		{ HEADER "<a xmlns:x='u' xmlns:x='u'/>", "header\nerror 1\n" },
		{ HEADER "<a xmlns='u&#x1F;b'/>", "header\nerror 1\n" },
		{ HEADER "</stream:stream x>", "header\nerror 1\n" },
		{ HEADER "<?xml version='1.0'?>", "header\nerror 2\n" },
		{ HEADER "<a>\xe2\x82</a>", "header\nerror 1\n" },
		{ HEADER "<a>\xf0\x8f\x80\x80</a>", "header\nerror 1\n" },
		{ HEADER "<a b='\xe0\x80\xaf'/>", "header\nerror 1\n" },
		{ HEADER "<a\xc3/>", "header\nerror 1\n" },
		{ HEADER "<a>&;</a>", "header\nerror 1\n" },
		{ HEADER "<a>& </a>", "header\nerror 1\n" },
		{ HEADER "<a>&#;</a>", "header\nerror 1\n" },
		{ HEADER "<a>&#x;</a>", "header\nerror 1\n" },
		{ HEADER "<a>&#X41;</a>", "header\nerror 1\n" },
		{ HEADER "<a>&#4294967361;</a>", "header\nerror 1\n" },
		{ HEADER "<a><![CDATA[\x01]]></a>", "header\nerror 1\n" },
		{ HEADER "<a><![cdata[]]></a>", "header\nerror 2\n" },
		{ HEADER "<![CDATA[x]]>", "header\nerror 2\n" },
		{ HEADER "</a>", "header\nerror 1\n" },
		{ HEADER "<a:b:c/>", "header\nerror 1\n" },
		{ HEADER "<1a/>", "header\nerror 1\n" },
		{ HEADER "< a/>", "header\nerror 1\n" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_trace(*state, cases[i].input, cases[i].events);
}

static void
a_stream_begins_with_a_header_in_utf8(void **state)
{
	static const struct stream_case cases[] = {
		{ "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", "error 2\n" },
		{ "<?xml version='1.0'?><!DOCTYPE a><a/>", "error 2\n" },
		{ "<?xml version='1.0' encoding='UTF-16'?>", "error 3\n" },
		{ "<?xml version='1.0' encoding='us-ascii'?>", "error 3\n" },
		{ "<?xml version='1.1'?><a/>", "error 4\n" },
		{ "<?xml encoding='UTF-8'?><a/>", "error 1\n" },
		{ "\xff\xfe<", "error 3\n" },
		{ "\xef\xbb\xbf<", "error 3\n" },
		{ "\xfe\xff", "error 3\n" },
		{ "+ADw-", "error 1\n" },
		{ "<?xml version='1.0' encoding='UTF-7'?>", "error 3\n" },
		{ "<?xml version='1.0' encoding='ISO-8859-1'?>", "error 3\n" },
		{ "<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes' ?>\n" HEADER2,
			"header\n" },
		{ "<?xml version='1.0' standalone='maybe'?>", "error 1\n" },
		{ "<?xml version='1.0'encoding='UTF-8'?>", "error 1\n" },
		{ "<?xml version='1.0' encoding='UTF-8' version='1.0'?>", "error 1\n" },
		{ "<?xml version='1.0' <?xml", "error 1\n" },
		{ "<?xml?>", "error 2\n" },
		{ "<?xml-stylesheet?>", "error 2\n" },
		{ "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'/>", "error 7\n" },
		{ "<stream:stream>", "error 1\n" },
		{ "<s:stream xmlns:s='http://etherx.jabber.org/streams'>", "error 5\n" },
		{ "<stream xmlns='http://etherx.jabber.org/streams'>", "error 5\n" },
		{ "<stream:stream xmlns:stream='urn:x'>", "error 6\n" },
		{ "<a>", "error 7\n" },
		{ " <?xml version='1.0'?>", "error 2\n" },
		{ "\n" HEADER2 "<iq/>", "header\n<iq/>\n" },
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

/* Row 8 of the checklist: a session of a thousand stanzas. */
static void
a_long_session_is_the_same_however_it_is_cut(void **state)
{
	static const size_t pieces[] = { 1, 3, 17, 255, 4096, 1 << 20 };
	struct buffer in, whole;

	buffer_init(&in, 1 << 20);
	buffer_init(&whole, 1 << 20);
	(void)buffer_text(&in, HEADER);
	for (int i = 0; i < 1000; i++)
		(void)buffer_printf(&in,
			"<message to='b' id='%d'><body>h\xc3\xa9 &amp; %d</body><x xmlns='u'/>"
			"</message>%s",
			i, i * i, i % 7 == 0 ? "\n " : "");
	trace(*state, buffer_slice(&in), in.len, &whole);
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		struct buffer out;

		buffer_init(&out, 1 << 20);
		trace(*state, buffer_slice(&in), pieces[i], &out);
		assert_int_equal(out.len, whole.len);
		assert_memory_equal(out.data, whole.data, out.len);
		buffer_finish(&out);
	}
	buffer_finish(&in);
	buffer_finish(&whole);
}

static void
an_idle_stream_holds_nothing_but_its_scanner(void **state)
{
	struct fixture *f = *state;
	struct scanner s;
	size_t used;
	struct slice odd = SLICE("<stream:stream xmlns='urn:odd' xmlns:x='urn:x' "
				 "xmlns:stream='http://etherx.jabber.org/streams'>");

	scanner_init(&s, f->names, &xml_limits_client);
	assert_int_equal(scanner_next(&s, SLICE(HEADER), &f->tokens, &f->arena, &used), XML_HEADER);
	assert_null(s.context);
	assert_int_equal(s.content_ns, NS_ID_CLIENT);
	assert_true(sizeof(s) <= 48);
	scanner_restart(&s);
	assert_int_equal(scanner_next(&s, odd, &f->tokens, &f->arena, &used), XML_HEADER);
	assert_non_null(s.context);
	assert_int_equal(s.content_ns, 0);
	assert_int_equal(scanner_next(&s, SLICE("<a/>"), &f->tokens, &f->arena, &used), XML_STANZA);
	assert_slice(f->tokens.v->uri, "urn:odd");
	assert_false(f->tokens.v->verbatim);
	scanner_restart(&s);
	assert_null(s.context);
	scanner_finish(&s);
}

static void
an_element_alone_is_read_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{ "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='a'/>", 0 },
		{ "<a/>\n", 0 },
		{ "", -XML_NOT_WELL_FORMED },
		{ " <a/>", -XML_NOT_WELL_FORMED },
		{ "<a>", -XML_NOT_WELL_FORMED },
		{ "<a/><b/>", -XML_NOT_WELL_FORMED },
		{ "</a>", -XML_NOT_WELL_FORMED },
		{ "<stream:features/>", -XML_NOT_WELL_FORMED },
		{ "<stream:features xmlns:stream='http://etherx.jabber.org/streams'/>", 0 },
		{ "<!DOCTYPE a><a/>", -XML_RESTRICTED },
		{ "<![CDATA[x]]>", -XML_RESTRICTED },
		{ "<?xml version='1.0'?><a/>", -XML_RESTRICTED },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *why = NULL;

		assert_int_equal(xml_read(f->names, &xml_limits_client, 0, slice_of(cases[i].text),
					 &f->tokens, &f->arena, &why),
			cases[i].result);
		assert_true((why != NULL) == (cases[i].result != 0));
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(streams_become_events_however_they_are_cut),
		FIXTURE_TEST(what_is_not_well_formed_ends_the_stream),
		FIXTURE_TEST(a_stream_begins_with_a_header_in_utf8),
		FIXTURE_TEST(declared_prefixes_of_the_header_hold_in_stanzas),
		FIXTURE_TEST(content_is_forwarded_as_it_came_only_where_it_means_the_same),
		FIXTURE_TEST(a_long_session_is_the_same_however_it_is_cut),
		FIXTURE_TEST(an_idle_stream_holds_nothing_but_its_scanner),
		FIXTURE_TEST(an_element_alone_is_read_whole_or_not_at_all),
		FIXTURE_TEST(expat_accepts_whatever_we_accept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
