/*
 * PRECIS (RFC 8264) for the parts of an address that are not plain ASCII: the profiles
 * UsernameCaseMapped and OpaqueString (RFC 8265). Both refuse what Unicode has not assigned, and
 * have one result for all ways to write the same text: what they return they return again.
 *
 * Errors: -EILSEQ no UTF-8, -EMSGSIZE longer than 1023 bytes when normalised, -EDOM mixes writing
 * directions (RFC 5893), -EINVAL a character that is not allowed, or nothing.
 */
#ifndef PROTO_PRECIS_H
#define PROTO_PRECIS_H

#include "base/arena.h"

enum {
	PRECIS_MAX = 1023,
	PRECIS_RAW_MAX = 3 * PRECIS_MAX /* no mapping makes a text shorter than a third */
};

/* Each: 0 and the normal form in the arena, or an error. Any bytes may come in. */
int precis_username(struct slice text, struct arena *arena, struct slice *out);
int precis_opaque(struct slice text, struct arena *arena, struct slice *out);

#endif
