/*
 * PRECIS (RFC 8264) for the parts of an address that are not plain ASCII: UsernameCaseMapped for
 * localparts, OpaqueString for resources (RFC 8265), IDNA 2008 for domains.
 */
#ifndef PROTO_PRECIS_H
#define PROTO_PRECIS_H

#include "base/arena.h"

/* Each: 0 and the normal form in the arena, or -EINVAL. Any bytes may come in. */
int precis_local(struct slice text, struct arena *arena, struct slice *out);
int precis_opaque(struct slice text, struct arena *arena, struct slice *out);
int precis_domain(struct slice text, struct arena *arena, struct slice *out);

#endif
