/* A map that is emptied when it is full: the next lookups cost a statement each. */
#include "store/sqlite_owners.h"

#include <stdlib.h>

enum { MOST = 16384 };

struct owner {
	struct map_node node;
	uint32_t number;
	char name[];
};

void
owners_init(struct owner_numbers *owners)
{
	map_init(&owners->by_name);
}

void
owners_finish(struct owner_numbers *owners)
{
	struct map_node *node;
	size_t at = 0;

	while ((node = map_next(&owners->by_name, &at)) != NULL)
		free(container_of(node, struct owner, node));
	map_finish(&owners->by_name);
}

void
owners_reset(struct owner_numbers *owners)
{
	owners_finish(owners);
	owners_init(owners);
}

uint32_t
owners_find(const struct owner_numbers *owners, struct slice name)
{
	struct map_node *node = map_find(&owners->by_name, name);

	return node == NULL ? 0 : container_of(node, struct owner, node)->number;
}

void
owners_add(struct owner_numbers *owners, struct slice name, uint32_t number)
{
	struct owner *owner;

	if (owners->by_name.count == MOST)
		owners_reset(owners);
	owner = xmalloc(size_add(sizeof(*owner), name.len));
	memcpy(owner->name, name.p, name.len);
	owner->node.key = slice_make(owner->name, name.len);
	owner->number = number;
	map_insert(&owners->by_name, &owner->node);
}

void
owners_remove(struct owner_numbers *owners, struct slice name)
{
	struct map_node *node = map_find(&owners->by_name, name);

	if (node == NULL)
		return;
	map_remove(&owners->by_name, node);
	free(container_of(node, struct owner, node));
}
