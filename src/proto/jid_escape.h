/*
 * XEP-0106: a localpart for names of other networks, which may have characters that localparts
 * have not: space " & ' / : < > @ become \20 \22 \26 \27 \2f \3a \3c \3e \40, and a backslash that
 * would look like one of these becomes \5c.
 *
 * For people and gateways only: JIDs are compared and sent as they are.
 */
#ifndef PROTO_JID_ESCAPE_H
#define PROTO_JID_ESCAPE_H

#include "base/arena.h"

/*
 * 0 and the escaped name (in the arena, or the text itself if nothing changes), which still has
 * to be prepared; -EINVAL for names that begin or end with a space, which no localpart can show.
 */
int jid_escape(struct slice text, struct arena *arena, struct slice *out);

/* The name as people should see it: in the arena, or the text itself. */
struct slice jid_unescape(struct slice local, struct arena *arena);

#endif
