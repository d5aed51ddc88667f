/* A bounded map of counters; when it is full the oldest goes. */
#include "server/throttle.h"

#include "base/list.h"
#include "base/map.h"

#include <stdlib.h>

enum { ENTRIES_MOST = 20000, HALF_LIFE_MS = 60000, LONGEST_MS = 60000 };

struct entry {
	struct map_node node;
	struct list link; /* in throttle.by_age */
	unsigned count;
	uint64_t since_ms;
};

struct throttle {
	struct map entries; // entry.node
	struct list by_age; // entry.link, the one that failed last at the end
};

struct throttle *
throttle_create(void)
{
	struct throttle *throttle = xcalloc(1, sizeof(*throttle));

	map_init(&throttle->entries);
	list_init(&throttle->by_age);
	return throttle;
}

static void
drop(struct throttle *throttle, struct entry *entry)
{
	map_remove(&throttle->entries, &entry->node);
	list_remove(&entry->link);
	free(entry);
}

void
throttle_destroy(struct throttle **throttle)
{
	struct entry *entry;

	if (*throttle == NULL)
		return;
	LIST_EACH (entry, &(*throttle)->by_age, struct entry, link)
		drop(*throttle, entry);
	map_finish(&(*throttle)->entries);
	free(*throttle);
	*throttle = NULL;
}

static struct entry *
find(struct throttle *throttle, struct slice key, uint64_t now_ms)
{
	struct map_node *node = map_find(&throttle->entries, key);
	struct entry *entry;

	if (node == NULL)
		return NULL;
	entry = container_of(node, struct entry, node);
	while (entry->count > 0 && now_ms - entry->since_ms >= HALF_LIFE_MS) {
		entry->count /= 2;
		entry->since_ms += HALF_LIFE_MS;
	}
	if (entry->count > 0)
		return entry;
	drop(throttle, entry);
	return NULL;
}

static struct entry *
add(struct throttle *throttle, struct slice key, uint64_t now_ms)
{
	struct entry *entry = xcalloc(1, sizeof(*entry) + key.len);

	if (throttle->entries.count >= ENTRIES_MOST)
		drop(throttle, container_of(throttle->by_age.next, struct entry, link));
	memcpy(entry + 1, key.p, key.len);
	entry->node.key = slice_make((char *)(entry + 1), key.len);
	entry->since_ms = now_ms;
	map_insert(&throttle->entries, &entry->node);
	return entry;
}

unsigned
throttle_fail(struct throttle *throttle, struct slice key, uint64_t now_ms)
{
	struct entry *entry = find(throttle, key, now_ms);

	if (entry == NULL)
		entry = add(throttle, key, now_ms);
	list_remove(&entry->link);
	list_append(&throttle->by_age, &entry->link);
	return ++entry->count;
}

unsigned
throttle_count(struct throttle *throttle, struct slice key, uint64_t now_ms)
{
	struct entry *entry = find(throttle, key, now_ms);

	return entry == NULL ? 0 : entry->count;
}

void
throttle_forget(struct throttle *throttle, struct slice key)
{
	struct map_node *node = map_find(&throttle->entries, key);

	if (node != NULL)
		drop(throttle, container_of(node, struct entry, node));
}

uint32_t
throttle_delay(unsigned failures, unsigned free_ones, uint32_t first_ms)
{
	uint64_t delay = first_ms;

	if (failures <= free_ones)
		return 0;
	for (unsigned i = free_ones + 1; i < failures && delay < LONGEST_MS; i++)
		delay *= 2;
	return (uint32_t)(delay < LONGEST_MS ? delay : LONGEST_MS);
}
