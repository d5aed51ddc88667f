/* XEP-0203: since when a stanza has been on this server. */
#ifndef PROTO_DELAY_H
#define PROTO_DELAY_H

#include "base/buffer.h"

enum { DELAY_XML = 96 }; /* bytes of the element at most, beside the domain */

/* Appends the element by which the domain says that. */
void delay_write(struct buffer *out, struct slice domain, int64_t wall_ms);

/*
 * Whether the XML has such an element of that domain, as delay_write makes it. Nobody else's: what
 * came in has lost those that name us.
 */
bool delay_is_in(struct slice xml, struct slice domain);

#endif
