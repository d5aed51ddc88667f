/* The domain part of an address (RFC 7622, section 3.2). */
#ifndef PROTO_JID_DOMAIN_H
#define PROTO_JID_DOMAIN_H

#include "base/arena.h"

/*
 * The end of the plain domain name that begins at p: ASCII labels in lower case, none of them an
 * A-label, no final dot. Such a name is its own normal form, IPv4 addresses among them. NULL:
 * what stands there is none.
 */
const char *jid_domain_end(const char *p, const char *end);

/*
 * The normal form of any domain name or [IPv6 address], in the arena: U-labels, NFC, lower case,
 * no final dot. -EILSEQ: no UTF-8; -EMSGSIZE: too long; -EINVAL: no domain.
 */
int jid_domain_prepare(struct slice text, struct arena *arena, struct slice *out);

/*
 * A domain in normal form as DNS and TLS write it, with A-labels, in the arena with a NUL behind
 * it. Any name that has no such form stays as it is.
 */
struct slice jid_domain_ascii(struct slice domain, struct arena *arena);

#endif
