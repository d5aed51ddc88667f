/*
 * A keyed hash map from slices to pointers, intrusive: the node is a member of the element and
 * names its key, which lives as long as the element. Open addressing over node pointers, load at
 * most 3/4, hash kept in the node, so a resize touches no key. SipHash under a random key.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/siphash.h"

struct map_node {
	struct slice key; /* must not change or move while the node is in a map */
	uint64_t hash;
};

struct map {
	struct map_node **slots;
	size_t count, capacity; /* capacity is 0 or a power of two */
	struct hash_key key;
};

/* Allocates nothing until the first insert. */
void map_init(struct map *map);

/* Gives the table back; elements are the caller's. */
void map_finish(struct map *map);

/* The node with this key, or NULL. */
struct map_node *map_find(const struct map *map, struct slice key);

/* node->key must be set, and not be in the map yet. */
void map_insert(struct map *map, struct map_node *node);

/* The node must be in the map. */
void map_remove(struct map *map, struct map_node *node);

/* Walks all nodes in no order: *at starts at 0. NULL at the end. No insert during the walk;
 * after removing the node just returned, step *at back by one. */
struct map_node *map_next(const struct map *map, size_t *at);

/*
 * Adds the bytes of the table and of its elements, each of which is one piece of malloc's that
 * begins with its node.
 */
struct map_memory {
	size_t count, bytes;
};
void map_add_memory(const struct map *map, struct map_memory *sum);

#endif
