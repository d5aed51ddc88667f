/*
 * A bounded map; when it is full, the place that was used the longest ago goes. Only who knows
 * the password of an account here can put something in, so strangers cannot wash it out.
 */
#include "server/places.h"

#include "base/list.h"
#include "base/map.h"
#include "proto/jid.h"
#include "server/throttle.h"

#include <stdlib.h>

enum { PLACES_MOST = 20000, NETWORK_MOST = 16 };

struct place {
	struct map_node node; /* by network and bare JID */
	struct list link;     /* in places.by_age */
	unsigned failures;    /* since the last right password */
};

struct places {
	struct map entries; // place.node
	struct list by_age; // place.link, the one that was used last at the end
	const struct throttle_policy *policy;
};

struct key {
	char bytes[NETWORK_MOST + LIMIT_JID];
};

struct places *
places_create(const struct throttle_policy *policy)
{
	struct places *places = xcalloc(1, sizeof(*places));

	map_init(&places->entries);
	list_init(&places->by_age);
	places->policy = policy;
	return places;
}

static void
drop(struct places *places, struct place *place)
{
	map_remove(&places->entries, &place->node);
	list_remove(&place->link);
	free(place);
}

void
places_destroy(struct places **places)
{
	struct place *place;

	if (*places == NULL)
		return;
	LIST_EACH (place, &(*places)->by_age, struct place, link)
		drop(*places, place);
	map_finish(&(*places)->entries);
	free(*places);
	*places = NULL;
}

/* p NULL when there is no such account or network. */
static struct slice
key_of(struct key *key, struct slice bare, struct slice network)
{
	if (bare.len == 0 || bare.len + network.len > sizeof(key->bytes))
		return NO_SLICE;
	memcpy(key->bytes, network.p, network.len);
	memcpy(key->bytes + network.len, bare.p, bare.len);
	return slice_make(key->bytes, network.len + bare.len);
}

static struct place *
find(const struct places *places, struct slice bare, struct slice network)
{
	struct key text;
	struct slice key = key_of(&text, bare, network);
	struct map_node *node = key.p == NULL ? NULL : map_find(&places->entries, key);

	return node == NULL ? NULL : container_of(node, struct place, node);
}

static struct place *
add(struct places *places, struct slice key)
{
	struct place *place = xcalloc(1, sizeof(*place) + key.len);

	if (places->entries.count >= PLACES_MOST)
		drop(places, container_of(places->by_age.next, struct place, link));
	memcpy(place + 1, key.p, key.len);
	place->node.key = slice_make((char *)(place + 1), key.len);
	map_insert(&places->entries, &place->node);
	return place;
}

void
places_remember(struct places *places, struct slice bare, struct slice network)
{
	struct place *place = find(places, bare, network);
	struct key text;

	if (place == NULL) {
		struct slice key = key_of(&text, bare, network);

		if (key.p == NULL)
			return;
		place = add(places, key);
	}
	list_remove(&place->link);
	list_append(&places->by_age, &place->link);
	place->failures = 0;
}

bool
places_know(const struct places *places, struct slice bare, struct slice network)
{
	return find(places, bare, network) != NULL;
}

void
places_fail(struct places *places, struct slice bare, struct slice network)
{
	struct place *place = find(places, bare, network);

	if (place != NULL && ++place->failures >= places->policy->free_ones)
		drop(places, place);
}

void
places_add_memory(const struct places *places, struct map_memory *sum)
{
	map_add_memory(&places->entries, sum);
}
