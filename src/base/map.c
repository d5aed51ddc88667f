/* Linear probing; removal shifts the following run back, so there are no tombstones. */
#include "base/map.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>

enum { FIRST_SLOTS = 8 };

void
map_init(struct map *map)
{
	*map = (struct map){ .key = hash_key_random() };
}

void
map_finish(struct map *map)
{
	free(map->slots);
	map->slots = NULL;
	map->count = map->capacity = 0;
}

static void
place(struct map *map, struct map_node *node)
{
	size_t mask = map->capacity - 1, at = node->hash & mask;

	while (map->slots[at] != NULL)
		at = (at + 1) & mask;
	map->slots[at] = node;
}

static void
resize(struct map *map, size_t capacity)
{
	struct map_node **old = map->slots;
	size_t old_capacity = map->capacity;

	map->slots = xcalloc(capacity, sizeof(struct map_node *));
	map->capacity = capacity;
	for (size_t i = 0; i < old_capacity; i++) {
		if (old[i] != NULL)
			place(map, old[i]);
	}
	free(old);
}

struct map_node *
map_find(const struct map *map, struct slice key)
{
	uint64_t hash;
	size_t mask, at;

	if (map->count == 0)
		return NULL;
	hash = siphash(&map->key, key);
	mask = map->capacity - 1;
	for (at = hash & mask; map->slots[at] != NULL; at = (at + 1) & mask) {
		if (map->slots[at]->hash == hash && slice_is(map->slots[at]->key, key))
			return map->slots[at];
	}
	return NULL;
}

void
map_insert(struct map *map, struct map_node *node)
{
	if (map->capacity == 0)
		resize(map, FIRST_SLOTS);
	else if (map->count + 1 > map->capacity / 4 * 3)
		resize(map, size_mul(map->capacity, 2));
	node->hash = siphash(&map->key, node->key);
	place(map, node);
	map->count++;
}

static size_t
slot_of(const struct map *map, const struct map_node *node)
{
	size_t mask = map->capacity - 1, at = node->hash & mask;

	while (map->slots[at] != node) {
		assert(map->slots[at] != NULL);
		at = (at + 1) & mask;
	}
	return at;
}

void
map_remove(struct map *map, struct map_node *node)
{
	size_t mask = map->capacity - 1, hole = slot_of(map, node), at = hole;

	for (;;) {
		at = (at + 1) & mask;
		if (map->slots[at] == NULL)
			break;
		/* An element may fill the hole if its home is not between the hole and itself. */
		if (((at - map->slots[at]->hash) & mask) >= ((at - hole) & mask)) {
			map->slots[hole] = map->slots[at];
			hole = at;
		}
	}
	map->slots[hole] = NULL;
	map->count--;
	if (map->capacity > FIRST_SLOTS && map->count < map->capacity / 8)
		resize(map, map->capacity / 4);
}

struct map_node *
map_next(const struct map *map, size_t *at)
{
	while (*at < map->capacity) {
		struct map_node *node = map->slots[(*at)++];

		if (node != NULL)
			return node;
	}
	return NULL;
}

void
map_add_memory(const struct map *map, struct map_memory *sum)
{
	struct map_node *node;
	size_t at = 0;

	sum->bytes += malloc_usable_size(map->slots);
	sum->count += map->count;
	while ((node = map_next(map, &at)) != NULL)
		sum->bytes += malloc_usable_size(node);
}
