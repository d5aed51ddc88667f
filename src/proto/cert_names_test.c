/* Names in certificates that the test makes itself, good ones and crafted ones. */
#include "proto/cert_names.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A certificate with a common name, to be sure that nobody looks at it, and these names. */
static X509 *
make_certificate(GENERAL_NAMES *names)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	X509 *certificate = X509_new();
	X509_NAME *subject = X509_get_subject_name(certificate);

	assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
				 (const unsigned char *)"common.example", -1, -1, 0),
		1);
	(void)X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
	(void)X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	assert_int_equal(X509_set_pubkey(certificate, key), 1);
	if (names != NULL)
		assert_int_equal(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0,
					 X509V3_ADD_APPEND),
			1);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	EVP_PKEY_free(key);
	return certificate;
}

/* kind: GEN_DNS, or the NID of an otherName whose value has this ASN.1 type. */
struct entry {
	int kind, type;
	struct slice text;
};

static void
add_other(GENERAL_NAME *name, const struct entry *entry)
{
	ASN1_TYPE *value = ASN1_TYPE_new();
	ASN1_STRING *text = ASN1_STRING_type_new(entry->type);

	assert_int_equal(ASN1_STRING_set(text, entry->text.p, (int)entry->text.len), 1);
	ASN1_TYPE_set(value, entry->type, text);
	assert_int_equal(GENERAL_NAME_set0_othername(name, OBJ_nid2obj(entry->kind), value), 1);
}

static X509 *
make(const struct entry *entries, size_t count)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	X509 *certificate;

	for (size_t i = 0; i < count; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();

		if (entries[i].kind == GEN_DNS || entries[i].kind == GEN_URI) {
			ASN1_IA5STRING *text = ASN1_IA5STRING_new();

			assert_int_equal(
				ASN1_STRING_set(text, entries[i].text.p, (int)entries[i].text.len),
				1);
			GENERAL_NAME_set0_value(name, entries[i].kind, text);
		} else {
			add_other(name, &entries[i]);
		}
		assert_true(sk_GENERAL_NAME_push(names, name) > 0);
	}
	certificate = make_certificate(names);
	GENERAL_NAMES_free(names);
	return certificate;
}

static int
read_names(const struct entry *entries, size_t count, struct arena *arena, struct cert_names *out)
{
	X509 *certificate = make(entries, count);
	int r = cert_names_read(certificate, arena, out);

	X509_free(certificate);
	return r;
}

#define DNS(text) \
	{ \
		GEN_DNS, 0, \
		{ \
			text, sizeof(text) - 1 \
		} \
	}
#define XMPP(text) \
	{ \
		NID_XmppAddr, V_ASN1_UTF8STRING, \
		{ \
			text, sizeof(text) - 1 \
		} \
	}
#define SRV(text) \
	{ \
		NID_SRVName, V_ASN1_IA5STRING, \
		{ \
			text, sizeof(text) - 1 \
		} \
	}

static void
all_kinds_of_names_are_found_and_the_common_name_is_not(void **state)
{
	static const struct entry entries[] = { DNS("Example.COM"), XMPP("juliet@example.com"),
		{ GEN_URI, 0, { "https://uri.example/", 20 } }, SRV("_xmpp-server.Example.com"),
		{ NID_ms_upn, V_ASN1_UTF8STRING, { "other", 5 } }, DNS("*.example.org"),
		XMPP("rom\xc3\xa9o@example.com") };
	struct cert_names names;
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(read_names(entries, COUNT_OF(entries), &arena, &names), 0);
	assert_int_equal(names.dns.count, 2);
	assert_true(slice_is_text(names.dns.v[0], "example.com"));
	assert_true(slice_is_text(names.dns.v[1], "*.example.org"));
	assert_int_equal(names.srv.count, 1);
	assert_true(slice_is_text(names.srv.v[0], "_xmpp-server.example.com"));
	assert_int_equal(names.xmpp.count, 2);
	assert_true(slice_is_text(names.xmpp.v[0], "juliet@example.com"));
	assert_true(slice_is_text(names.xmpp.v[1], "rom\xc3\xa9o@example.com"));
	assert_false(cert_names_cover(&names, "xmpp-server", SLICE("common.example")));
	arena_finish(&arena);
}

static void
a_certificate_without_names_has_none(void **state)
{
	X509 *certificate = make_certificate(NULL);
	struct cert_names names;
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(cert_names_read(certificate, &arena, &names), 0);
	assert_int_equal(names.dns.count + names.srv.count + names.xmpp.count, 0);
	assert_false(cert_names_cover(&names, "xmpp-server", SLICE("common.example")));
	X509_free(certificate);
	arena_finish(&arena);
}

static void
one_crafted_name_spoils_the_certificate(void **state)
{
	static const struct entry cases[] = {
		DNS("example.com\0.evil.example"),
		DNS("example.com\0"),
		DNS(""),
		DNS("exam ple.com"),
		DNS("ex\xc3\xa4mple.com"),
		DNS("example.com\n"),
		SRV("_xmpp-server.example.com\0x"),
		SRV(""),
		XMPP("juliet@example.com\0@evil.example"),
		XMPP("juliet@\xff"),
		XMPP(""),
		{ NID_XmppAddr, V_ASN1_IA5STRING, { "juliet@example.com", 18 } },
		{ NID_SRVName, V_ASN1_UTF8STRING, { "_xmpp-server.example.com", 24 } },
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct entry entries[] = { DNS("example.com"), cases[i] };
		struct cert_names names = { .dns.count = 77 };

		if (read_names(entries, COUNT_OF(entries), &arena, &names) != -EINVAL)
			fail_msg("case %zu", i);
		assert_int_equal(names.dns.count, 77);
	}
	arena_finish(&arena);
}

static void
extensions_that_do_not_parse_or_come_twice_are_refused(void **state)
{
	static const struct entry entry = DNS("example.com");
	ASN1_OCTET_STRING *rubbish = ASN1_OCTET_STRING_new();
	X509 *twice = make(&entry, 1), *broken = make_certificate(NULL);
	X509_EXTENSION *again = X509_get_ext(
		twice, X509_get_ext_by_NID(twice, NID_subject_alt_name, -1));
	X509_EXTENSION *extension;
	struct cert_names names;
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(X509_add_ext(twice, again, -1), 1);
	assert_int_equal(cert_names_read(twice, &arena, &names), -EINVAL);
	assert_int_equal(ASN1_OCTET_STRING_set(rubbish, (const unsigned char *)"\x30\x82", 2), 1);
	extension = X509_EXTENSION_create_by_NID(NULL, NID_subject_alt_name, 0, rubbish);
	assert_int_equal(X509_add_ext(broken, extension, -1), 1);
	assert_int_equal(cert_names_read(broken, &arena, &names), -EINVAL);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(rubbish);
	X509_free(twice);
	X509_free(broken);
	arena_finish(&arena);
}

static void
too_many_names_are_refused(void **state)
{
	struct entry entries[CERT_NAMES_MAX + 1];
	struct cert_names names;
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < COUNT_OF(entries); i++)
		entries[i] = (struct entry)DNS("example.com");
	assert_int_equal(read_names(entries, CERT_NAMES_MAX, &arena, &names), 0);
	assert_int_equal(names.dns.count, CERT_NAMES_MAX);
	assert_int_equal(read_names(entries, CERT_NAMES_MAX + 1, &arena, &names), -EINVAL);
	arena_finish(&arena);
}

static void
a_domain_is_covered_by_the_rules_of_rfc_6125(void **state)
{
	static const struct {
		struct entry entry;
		const char *domain;
		bool covered;
	} cases[] = {
		{ DNS("example.com"), "example.com", true },
		{ DNS("example.com"), "www.example.com", false },
		{ DNS("example.com"), "example.co", false },
		{ DNS("example.com"), "xexample.com", false },
		{ DNS("*.example.com"), "chat.example.com", true },
		{ DNS("*.example.com"), "example.com", false },
		{ DNS("*.example.com"), "a.b.example.com", false },
		{ DNS("*.example.com"), ".example.com", false },
		{ DNS("*.com"), "example.com", false },
		{ DNS("*"), "com", false },
		{ DNS("*."), "com.", false },
		{ DNS("ch*.example.com"), "chat.example.com", false },
		{ DNS("chat.*.com"), "chat.example.com", false },
		{ DNS("*.*.com"), "chat.example.com", false },
		{ SRV("_xmpp-server.example.com"), "example.com", true },
		{ SRV("_xmpp-client.example.com"), "example.com", false },
		{ SRV("_xmpp-server.*.example.com"), "chat.example.com", true },
		{ SRV("_xmpp-server."), "", false },
		{ SRV("_xmpp-serverexample.com"), "example.com", false },
		{ XMPP("example.com"), "example.com", true },
		{ XMPP("juliet@example.com"), "example.com", false },
		{ XMPP("*.example.com"), "chat.example.com", false },
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct cert_names names;

		assert_int_equal(read_names(&cases[i].entry, 1, &arena, &names), 0);
		if (cert_names_cover(&names, "xmpp-server", slice_of(cases[i].domain)) !=
			cases[i].covered)
			fail_msg("case %zu, %s", i, cases[i].domain);
	}
	arena_finish(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_kinds_of_names_are_found_and_the_common_name_is_not),
		cmocka_unit_test(a_certificate_without_names_has_none),
		cmocka_unit_test(one_crafted_name_spoils_the_certificate),
		cmocka_unit_test(extensions_that_do_not_parse_or_come_twice_are_refused),
		cmocka_unit_test(too_many_names_are_refused),
		cmocka_unit_test(a_domain_is_covered_by_the_rules_of_rfc_6125),
	};

	return cmocka_run_group_tests_name("cert names", tests, NULL, NULL);
}
