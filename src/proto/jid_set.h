/*
 * A set of JIDs, as people keep them: block lists, members of a room, who may do something. It
 * copies what it is given, and its memory belongs to one arena, so it goes away with it; what is
 * removed is used again for what is added, so a set that changes for ever does not grow.
 *
 * Belongs to one thread at a time. Zeroed memory is an empty set, too, but has no arena yet.
 */
#ifndef PROTO_JID_SET_H
#define PROTO_JID_SET_H

#include "proto/jid.h"

enum { JID_SET_SIZES = 9 };

struct jid_set {
	struct arena *arena;
	struct jid *v; /* sorted by their text */
	size_t count, capacity;
	struct jid_set_room *rooms[JID_SET_SIZES]; /* memory of texts that were removed, by size */
};

/* Empty; takes its memory from the arena, which lives at least as long. */
void jid_set_init(struct jid_set *set, struct arena *arena);

/* Whether something changed: it was not there; it was there. The JID must be an address. */
bool jid_set_add(struct jid_set *set, const struct jid *jid);
bool jid_set_remove(struct jid_set *set, const struct jid *jid);

/* Forgets all. */
void jid_set_clear(struct jid_set *set);

static inline size_t
jid_set_count(const struct jid_set *set)
{
	return set->count;
}

/* Whether exactly this JID was added. */
bool jid_set_has(const struct jid_set *set, const struct jid *jid);

/*
 * Whether the JID itself, its bare JID, domain/resource or its domain was added (XEP-0191, 2;
 * XEP-0016, 2.1). "No address" is covered by nothing.
 */
bool jid_set_covers(const struct jid_set *set, const struct jid *jid);

/* The same of one JID alone. */
bool jid_covers(const struct jid *pattern, const struct jid *jid);

/* A copy of all, sorted, in the arena: it stays as it is when the set changes. */
struct jid_list jid_set_list(const struct jid_set *set, struct arena *arena);

#endif
