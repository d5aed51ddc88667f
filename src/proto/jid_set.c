/*
 * A sorted array: a look-up is a binary search, "does it cover" at most four of them, and a list
 * comes out in the same order each time. Texts lie apart in rooms of 16, 32, … 4096 bytes.
 */
#include "proto/jid_set.h"

#include <assert.h>

/* A free room. */
struct jid_set_room {
	struct jid_set_room *next;
};

enum { SMALLEST = 16, FIRST_CAPACITY = 4 };

_Static_assert((SMALLEST << (JID_SET_SIZES - 1)) >= LIMIT_JID, "a room for the longest JID");
_Static_assert(SMALLEST >= sizeof(struct jid_set_room), "a room holds its link");

void
jid_set_init(struct jid_set *set, struct arena *arena)
{
	*set = (struct jid_set){ .arena = arena };
}

/* Where the text is, or would be. */
static size_t
place_of(const struct jid_set *set, struct slice text)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (slice_compare(set->v[middle].full, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_at(const struct jid_set *set, size_t place, struct slice text)
{
	return place < set->count && slice_is(set->v[place].full, text);
}

static bool
has_text(const struct jid_set *set, struct slice text)
{
	return is_at(set, place_of(set, text), text);
}

static size_t
size_class(size_t len)
{
	size_t class = 0;

	while (((size_t)SMALLEST << class) < len)
		class ++;
	return class;
}

static struct slice
keep_text(struct jid_set *set, struct slice text)
{
	size_t class = size_class(text.len);
	struct jid_set_room *room = set->rooms[class];

	if (room != NULL)
		set->rooms[class] = room->next;
	else
		room = arena_alloc(set->arena, (size_t)SMALLEST << class);
	memcpy(room, text.p, text.len);
	return slice_make((const char *)room, text.len);
}

static void
drop_text(struct jid_set *set, struct slice text)
{
	size_t class = size_class(text.len);
	union {
		const char *text;
		struct jid_set_room *room;
	} kept = { .text = text.p };

	kept.room->next = set->rooms[class];
	set->rooms[class] = kept.room;
}

/* Doubled, so that all that were left behind are together no more than what is in use. */
static void
make_space(struct jid_set *set)
{
	size_t wanted = set->capacity == 0 ? FIRST_CAPACITY : size_mul(set->capacity, 2);
	struct jid *larger;

	if (set->count < set->capacity)
		return;
	larger = arena_array(set->arena, wanted, struct jid);
	if (set->count > 0)
		memcpy(larger, set->v, set->count * sizeof(*larger));
	set->v = larger;
	set->capacity = wanted;
}

bool
jid_set_add(struct jid_set *set, const struct jid *jid)
{
	size_t place = place_of(set, jid->full);
	struct jid kept = *jid;

	assert(jid->full.p != NULL && jid->full.len <= LIMIT_JID);
	if (is_at(set, place, jid->full))
		return false;
	make_space(set);
	kept.full = keep_text(set, jid->full);
	memmove(set->v + place + 1, set->v + place, (set->count - place) * sizeof(*set->v));
	set->v[place] = kept;
	set->count++;
	return true;
}

bool
jid_set_remove(struct jid_set *set, const struct jid *jid)
{
	size_t place = place_of(set, jid->full);

	if (!is_at(set, place, jid->full))
		return false;
	drop_text(set, set->v[place].full);
	set->count--;
	memmove(set->v + place, set->v + place + 1, (set->count - place) * sizeof(*set->v));
	return true;
}

void
jid_set_clear(struct jid_set *set)
{
	while (set->count > 0)
		drop_text(set, set->v[--set->count].full);
}

bool
jid_set_has(const struct jid_set *set, const struct jid *jid)
{
	return has_text(set, jid->full);
}

bool
jid_covers(const struct jid *pattern, const struct jid *jid)
{
	struct slice domain = jid_domain(jid);

	if (jid->full.p == NULL)
		return false;
	return slice_is(pattern->full, jid->full) || slice_is(pattern->full, jid_bare(jid)) ||
	       slice_is(pattern->full, domain) ||
	       slice_is(pattern->full, slice_from(jid->full, (size_t)(domain.p - jid->full.p)));
}

bool
jid_set_covers(const struct jid_set *set, const struct jid *jid)
{
	struct slice domain = jid_domain(jid);

	if (set->count == 0 || jid->full.p == NULL)
		return false;
	return has_text(set, jid->full) || has_text(set, jid_bare(jid)) ||
	       has_text(set, slice_from(jid->full, (size_t)(domain.p - jid->full.p))) ||
	       has_text(set, domain);
}

struct jid_list
jid_set_list(const struct jid_set *set, struct arena *arena)
{
	struct jid_list list = { arena_array(arena, set->count, struct jid), set->count };

	for (size_t i = 0; i < set->count; i++)
		list.v[i] = jid_copy(&set->v[i], arena);
	return list;
}
