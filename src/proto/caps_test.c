/* The verification string against the examples of XEP-0115, in another order than it needs. */
#include "proto/caps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define IDENTITY(lang, name) "<identity " lang " category='client' name='" name "' type='pc'/>"
#define FEATURE(var) "<feature var='http://jabber.org/protocol/" var "'/>"
#define FIELD(attributes, values) "<field " attributes ">" values "</field>"
#define VALUE(text) "<value>" text "</value>"
#define FEATURES FEATURE("muc") FEATURE("disco#info") FEATURE("caps") FEATURE("disco#items")

static void
assert_ver(const char *content, const char *expected)
{
	struct names *names = names_create();
	struct codec *codec = codec_create(names);
	const struct codec_type *type = codec_add(codec, &disco_info_payload);
	struct xml_tokens tokens;
	const char *why = NULL;
	struct arena arena;
	struct slice xml;
	void *info;

	arena_init(&arena, 0);
	xml_tokens_init(&tokens);
	xml = arena_printf(&arena, "<query xmlns='%s'>%s</query>", NS_DISCO_INFO, content);
	assert_int_equal(xml_read(names, &xml_limits_own, 0, xml, &tokens, &arena, &why), 0);
	assert_int_equal(codec_decode(type, tokens.v, &arena, &info, &why), 0);
	assert_string_equal(caps_ver(info, &arena).p, expected);
	xml_tokens_finish(&tokens);
	arena_finish(&arena);
	codec_destroy(&codec);
	names_destroy(&names);
}

static void
identities_and_features_are_sorted(void **state)
{
	(void)state;
	assert_ver(IDENTITY("", "Exodus 0.9.1") FEATURES, "QgayPKawpkPSDYmwT/WM94uAlu0=");
}

static void
languages_forms_and_their_values_are_sorted_too(void **state)
{
	(void)state;
	assert_ver(IDENTITY("xml:lang='en'", "Psi 0.11") IDENTITY("xml:lang='el'", "Ψ 0.11")
			   FEATURES
		"<x xmlns='jabber:x:data' type='result'>" FIELD("var='software_version'",
			VALUE("0.11")) FIELD("var='os'", VALUE("Mac")) FIELD("var='ip_version'",
			VALUE("ipv6") VALUE("ipv4")) FIELD("var='FORM_TYPE' type='hidden'",
			VALUE("urn:xmpp:dataforms:softwareinfo")) FIELD("var='software'",
			VALUE("Psi")) FIELD("var='os_version'", VALUE("10.5.1")) "</x>",
		"q07IKJEyjvHSyhy//CH0CxmKi8w=");
}

static void
a_form_without_a_type_does_not_count(void **state)
{
	(void)state;
	assert_ver("<x xmlns='jabber:x:data' type='result'>" FIELD(
			   "var='os'", VALUE("Mac")) "</x>" IDENTITY("", "Exodus 0.9.1") FEATURES,
		"QgayPKawpkPSDYmwT/WM94uAlu0=");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identities_and_features_are_sorted),
		cmocka_unit_test(languages_forms_and_their_values_are_sorted_too),
		cmocka_unit_test(a_form_without_a_type_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
