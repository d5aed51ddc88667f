/*
 * Names out of subjectAltName. OpenSSL parses the extension; what is in it is judged here, before
 * anyone compares it: a NUL in the middle of a name has fooled programs before.
 */
#include "proto/cert_names.h"

#include "xml/chars.h"

#include <errno.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

/* Lists while they grow: each has room for all names of the certificate. */
struct reading {
	struct arena *arena;
	size_t room;
	struct cert_names names;
};

static void
add(struct reading *reading, struct cert_name_list *list, struct slice name)
{
	struct slice *v;

	if (list->v == NULL)
		list->v = arena_array(reading->arena, reading->room, struct slice);
	v = (struct slice *)(uintptr_t)list->v;
	v[list->count++] = name;
}

static struct slice
slice_of_asn1(const ASN1_STRING *text)
{
	return slice_make(
		(const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
}

static bool
is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '*';
}

/* dNSName and SRVName: ASCII, into lower case. */
static int
add_host(struct reading *reading, struct cert_name_list *list, const ASN1_STRING *text)
{
	struct slice name = arena_copy(reading->arena, slice_of_asn1(text));
	char *p = (char *)(uintptr_t)name.p;

	for (size_t i = 0; i < name.len; i++) {
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] + 32);
		if (!is_host_char(p[i]))
			return -EINVAL;
	}
	if (name.len == 0)
		return -EINVAL;
	add(reading, list, name);
	return 0;
}

static int
add_xmpp(struct reading *reading, const ASN1_STRING *text)
{
	struct slice name = arena_copy(reading->arena, slice_of_asn1(text));

	if (name.len == 0 || slice_find(name, '\0') != name.len || !utf8_is_valid(name))
		return -EINVAL;
	add(reading, &reading->names.xmpp, name);
	return 0;
}

static int
add_other(struct reading *reading, const OTHERNAME *other)
{
	const ASN1_TYPE *value = other->value;

	switch (OBJ_obj2nid(other->type_id)) {
	case NID_XmppAddr:
		if (value->type != V_ASN1_UTF8STRING)
			return -EINVAL;
		return add_xmpp(reading, value->value.utf8string);
	case NID_SRVName:
		if (value->type != V_ASN1_IA5STRING)
			return -EINVAL;
		return add_host(reading, &reading->names.srv, value->value.ia5string);
	default:
		return 0;
	}
}

static int
read_all(struct reading *reading, const GENERAL_NAMES *names)
{
	int r = 0;

	for (size_t i = 0; i < reading->room && r == 0; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, (int)i);

		if (name->type == GEN_DNS)
			r = add_host(reading, &reading->names.dns, name->d.dNSName);
		else if (name->type == GEN_OTHERNAME)
			r = add_other(reading, name->d.otherName);
	}
	return r;
}

int
cert_names_read(struct x509_st *certificate, struct arena *arena, struct cert_names *out)
{
	int critical, r;
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
	struct reading reading = { .arena = arena };

	if (names == NULL) {
		/* -1: there is none; otherwise there are two, or it does not parse. */
		if (critical != -1)
			return -EINVAL;
		*out = reading.names;
		return 0;
	}
	reading.room = (size_t)sk_GENERAL_NAME_num(names);
	r = reading.room > CERT_NAMES_MAX ? -EINVAL : read_all(&reading, names);
	if (r == 0)
		*out = reading.names;
	GENERAL_NAMES_free(names);
	return r;
}

static bool
dns_covers(struct slice pattern, struct slice domain)
{
	size_t label = slice_find(domain, '.');

	if (slice_find(pattern, '*') == pattern.len)
		return slice_is(pattern, domain);
	/* RFC 6125, 6.4.3: the whole first label, and not right under the root */
	if (!slice_starts(pattern, SLICE("*.")) || label == 0 || label == domain.len)
		return false;
	pattern = slice_from(pattern, 1);
	return slice_find(slice_from(pattern, 1), '.') < pattern.len - 1 &&
	       slice_is(pattern, slice_from(domain, label));
}

static bool
srv_covers(struct slice name, const char *service, struct slice domain)
{
	size_t len = strlen(service);

	return name.len > len + 2 && name.p[0] == '_' && memcmp(name.p + 1, service, len) == 0 &&
	       name.p[len + 1] == '.' && dns_covers(slice_from(name, len + 2), domain);
}

bool
cert_names_cover(const struct cert_names *names, const char *service, struct slice domain)
{
	for (size_t i = 0; i < names->srv.count; i++) {
		if (srv_covers(names->srv.v[i], service, domain))
			return true;
	}
	for (size_t i = 0; i < names->dns.count; i++) {
		if (dns_covers(names->dns.v[i], domain))
			return true;
	}
	for (size_t i = 0; i < names->xmpp.count; i++) {
		if (slice_is(names->xmpp.v[i], domain))
			return true;
	}
	return false;
}
