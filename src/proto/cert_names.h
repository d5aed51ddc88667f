/*
 * The names in a certificate that XMPP goes by (RFC 6120, 13.7.1): all from subjectAltName, never
 * from the common name. Whether the certificate is to be trusted is not asked here.
 */
#ifndef PROTO_CERT_NAMES_H
#define PROTO_CERT_NAMES_H

#include "base/arena.h"

struct x509_st; /* OpenSSL's X509 */

struct cert_name_list {
	const struct slice *v;
	size_t count;
};

struct cert_names {
	struct cert_name_list dns;  /* dNSName, ASCII, lower case, maybe "*.example.com" */
	struct cert_name_list srv;  /* SRVName (RFC 4985), "_xmpp-server.example.com", as dns */
	struct cert_name_list xmpp; /* id-on-xmppAddr, UTF-8 as written: to be normalised */
};

/* Names that we look at in one certificate. */
enum { CERT_NAMES_MAX = 256 };

/*
 * Reads the names into the arena. 0, also without any name; -EINVAL: something is wrong with them
 * (does not parse, two such extensions, a NUL or other characters that a name cannot have, too
 * many): a certificate like that proves nothing.
 */
int cert_names_read(struct x509_st *certificate, struct arena *arena, struct cert_names *out);

/*
 * Whether the certificate speaks for this service ("xmpp-server", "xmpp-client") of this domain
 * (RFC 6125, 6.4; RFC 6120, 13.7.1.2): by SRVName, dNSName ("*" only as the whole first label,
 * for exactly one label), or by an xmppAddr that is the bare domain, as old servers have it.
 * domain: A-labels, lower case.
 */
bool cert_names_cover(const struct cert_names *names, const char *service, struct slice domain);

#endif
