/* Names, tokens and the writer: what is written reads back equal. */
#include "xml/test_xml.h"

#include "xml/chars.h"

static void
what_is_written_reads_back_equal(void **state)
{
	struct fixture *f = *state;
	const struct xml_token *e;
	struct buffer out;
	struct slice odd = SLICE("<>&'\"\t\n\r]]>\x01\xe2\x82\xac");

	buffer_init(&out, 1000);
	(void)buffer_text(&out, "<a");
	xml_write_attribute(&out, "b", odd);
	(void)buffer_text(&out, ">");
	xml_write_text(&out, odd);
	(void)buffer_text(&out, "</a>");
	e = read_element(f, buffer_slice(&out));
	assert_slice(e[1].value, "<>&'\"\t\n\r]]>\xe2\x82\xac");
	assert_slice(xml_text(e, &f->arena), "<>&'\"\t\n\r]]>\xe2\x82\xac");
	buffer_finish(&out);
}

static void
bytes_that_xml_cannot_carry_never_come_out(void **state)
{
	struct fixture *f = *state;
	const struct xml_token *e;
	char bytes[600];
	struct buffer out;

	for (unsigned seed = 1; seed < 2000; seed++) {
		unsigned next = seed;
		size_t len = seed % sizeof(bytes);

		for (size_t i = 0; i < len; i++) {
			next = next * 1103515245 + 12345;
			bytes[i] = (char)(next >> (seed % 2 == 0 ? 16 : 25));
		}
		buffer_init(&out, 1 << 16);
		(void)buffer_text(&out, "<a");
		xml_write_attribute(&out, "b", slice_make(bytes, len));
		(void)buffer_text(&out, ">");
		xml_write_text(&out, slice_make(bytes, len));
		(void)buffer_text(&out, "</a>");
		assert_true(utf8_is_valid(buffer_slice(&out)));
		e = read_element(f, buffer_slice(&out));
		assert_true(slice_is(e[1].value, xml_text(e, &f->arena)));
		buffer_finish(&out);
	}
}

static void
what_is_no_utf8_becomes_a_replacement_character(void **state)
{
	struct buffer out;

	(void)state;
	buffer_init(&out, 1000);
	xml_write_text(&out, SLICE("a\xff\xc3\xa9\xed\xa0\x80\xef\xbf\xbf\xe2\x82"));
	assert_slice(buffer_slice(&out),
		"a\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	buffer_finish(&out);
}

static void
nothing_is_written_for_nothing(void **state)
{
	struct fixture *f = *state;
	const char *why;
	struct buffer out;
	struct scanner s;
	size_t used;

	buffer_init(&out, 1000);
	xml_write_text(&out, NO_SLICE);
	xml_write_value(&out, NO_SLICE);
	assert_int_equal(out.len, 0);
	assert_int_equal(
		xml_read(f->names, &xml_limits_own, 0, NO_SLICE, &f->tokens, &f->arena, &why),
		-XML_NOT_WELL_FORMED);
	scanner_init(&s, f->names, &xml_limits_client);
	assert_int_equal(scanner_next(&s, NO_SLICE, &f->tokens, &f->arena, &used), XML_NEED_MORE);
	assert_int_equal(used, 0);
	scanner_finish(&s);
}

static void
elements_are_written_with_the_namespaces_they_need(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "<iq><a/></iq>", "<iq><a/></iq>" },
		{ "<iq><a xmlns='u'><b/></a><c/></iq>", "<iq><a xmlns='u'><b/></a><c/></iq>" },
		{ "<iq xmlns:p='u'><p:a p:b=''/></iq>",
			"<iq><a xmlns='u' xmlns:ns1='u' ns1:b=''/></iq>" },
		{ "<iq><a xmlns=''>t</a></iq>", "<iq><a xmlns=''>t</a></iq>" },
		{ "<iq xmlns='u'><xml:a xml:lang='x'><b/></xml:a><c xmlns='jabber:client'/></iq>",
			"<iq xmlns='u'><xml:a xml:lang='x'><b/></xml:a>"
			"<c xmlns='jabber:client'/></iq>" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buffer out;

		buffer_init(&out, 1000);
		xml_write_element(
			&out, read_element(f, slice_of(cases[i].in)), SLICE("jabber:client"));
		assert_slice(buffer_slice(&out), cases[i].out);
		buffer_finish(&out);
	}
}

/* RFC 6120, 4.8.3: from a stream of one content namespace to one of another. */
static void
content_changes_its_namespace_with_the_stream(void **state)
{
	struct fixture *f = *state;
	struct buffer out;

	buffer_init(&out, 1000);
	xml_write_content(&out,
		read_element(f, SLICE("<message xmlns='jabber:server'><body>x</body><f xmlns='u'>"
				      "<message xmlns='jabber:client'/></f></message>")),
		SLICE("jabber:server"));
	assert_slice(buffer_slice(&out),
		"<body>x</body><f xmlns='u'><message xmlns='jabber:client'/></f>");
	buffer_finish(&out);
}

static void
text_in_many_pieces_is_joined_once(void **state)
{
	struct fixture *f = *state;
	struct buffer in;

	buffer_init(&in, 1 << 20);
	(void)buffer_text(&in, "<a>");
	repeat(&in, "x<![CDATA[y]]>", 20000);
	(void)buffer_text(&in, "</a>");
	(void)read_element(f, buffer_slice(&in));
	arena_reset(&f->arena);
	assert_int_equal(xml_text(f->tokens.v, &f->arena).len, 40000);
	assert_true(f->arena.taken < 50000);
	buffer_finish(&in);
	assert_int_equal(xml_text(read_element(f, SLICE("<a><b/></a>")), &f->arena).len, 0);
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

static void
an_element_knows_its_bytes(void **state)
{
	struct fixture *f = *state;
	const struct xml_token *e = read_element(
		f, SLICE("<a><p:b xmlns:p='u' c='>'/><d e='/' >f</d >\n</a>"));
	const struct xml_token *b = xml_first_child(e), *d = xml_next_sibling(b);

	assert_slice(xml_raw(e), "<a><p:b xmlns:p='u' c='>'/><d e='/' >f</d >\n</a>");
	assert_slice(xml_raw(b), "<p:b xmlns:p='u' c='>'/>");
	assert_slice(xml_raw(d), "<d e='/' >f</d >");
	assert_slice(d->content, "f");
}

static void
names_have_one_number_each(void **state)
{
	struct fixture *f = *state;
	xml_name ping = names_add(f->names, SLICE("urn:xmpp:ping"));

	assert_true(ping >= NAMES_FIXED);
	assert_int_equal(names_add(f->names, SLICE("urn:xmpp:ping")), ping);
	assert_int_equal(names_find(f->names, SLICE("urn:xmpp:ping")), ping);
	assert_int_equal(names_find(f->names, SLICE("urn:xmpp:pong")), 0);
	assert_int_equal(names_find(f->names, SLICE("")), 0);
	assert_int_equal(names_find(f->names, SLICE("message")), NAME_MESSAGE);
	assert_slice(names_text(f->names, NS_ID_CLIENT), "jabber:client");
	assert_slice(names_text(f->names, ping), "urn:xmpp:ping");
	assert_int_equal(names_text(f->names, 2000).len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(what_is_written_reads_back_equal),
		FIXTURE_TEST(bytes_that_xml_cannot_carry_never_come_out),
		FIXTURE_TEST(what_is_no_utf8_becomes_a_replacement_character),
		FIXTURE_TEST(nothing_is_written_for_nothing),
		FIXTURE_TEST(elements_are_written_with_the_namespaces_they_need),
		FIXTURE_TEST(content_changes_its_namespace_with_the_stream),
		FIXTURE_TEST(text_in_many_pieces_is_joined_once),
		FIXTURE_TEST(tokens_are_walked_by_name),
		FIXTURE_TEST(an_element_knows_its_bytes),
		FIXTURE_TEST(names_have_one_number_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
