/*
 * A bounded map of counters under a mutex; when it is full the oldest goes. Nearly always it is
 * empty, and then asking it costs one atomic read.
 */
#include "server/throttle.h"

#include "base/list.h"
#include "base/map.h"
#include "io/conn.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { ENTRIES_MOST = 20000, HALF_LIFE_MS = 60000, LONGEST_MS = 60000, NETWORK_BYTES = 8 };

struct entry {
	struct map_node node;
	struct list link; /* in throttle.by_age */
	unsigned count;
	uint64_t since_ms; /* when the count was halved last */
	uint64_t turn_ms;  /* of the next attempt, once they wait */
};

struct throttle {
	const struct throttle_policy *policy;
	_Atomic(size_t) count; /* of entries */
	pthread_mutex_t lock;  /* for all below */
	struct map entries;    // entry.node
	struct list by_age;    // entry.link, the one that failed last at the end
};

struct throttle *
throttle_create(const struct throttle_policy *policy)
{
	struct throttle *throttle = xcalloc(1, sizeof(*throttle));

	throttle->policy = policy;
	(void)pthread_mutex_init(&throttle->lock, NULL);
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
	atomic_fetch_sub(&throttle->count, 1);
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
	(void)pthread_mutex_destroy(&(*throttle)->lock);
	free(*throttle);
	*throttle = NULL;
}

struct slice
throttle_network(const struct peer *peer)
{
	const struct in6_addr *address = &peer->address;

	return slice_make((const char *)address,
		IN6_IS_ADDR_V4MAPPED(address) ? sizeof(*address) : (size_t)NETWORK_BYTES);
}

/* Each thread has the time of its own turn, so now may lie a little before the last call's. */
static bool
is_half_over(const struct entry *entry, uint64_t now_ms)
{
	return now_ms >= entry->since_ms && now_ms - entry->since_ms >= HALF_LIFE_MS;
}

static struct entry *
find(struct throttle *throttle, struct slice key, uint64_t now_ms)
{
	struct map_node *node = map_find(&throttle->entries, key);
	struct entry *entry;

	if (node == NULL)
		return NULL;
	entry = container_of(node, struct entry, node);
	while (entry->count > 0 && is_half_over(entry, now_ms)) {
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
	atomic_fetch_add(&throttle->count, 1);
	return entry;
}

static uint32_t
delay_of(const struct throttle *throttle, const struct entry *entry)
{
	uint64_t delay = throttle->policy->first_ms;

	if (entry->count <= throttle->policy->free_ones)
		return 0;
	for (unsigned i = throttle->policy->free_ones + 1; i < entry->count && delay < LONGEST_MS;
		i++)
		delay *= 2;
	return (uint32_t)(delay < LONGEST_MS ? delay : LONGEST_MS);
}

uint32_t
throttle_fail(struct throttle *throttle, struct slice key, uint64_t now_ms)
{
	struct entry *entry;
	uint32_t delay;

	(void)pthread_mutex_lock(&throttle->lock);
	entry = find(throttle, key, now_ms);
	if (entry == NULL)
		entry = add(throttle, key, now_ms);
	list_remove(&entry->link);
	list_append(&throttle->by_age, &entry->link);
	entry->count++;
	delay = delay_of(throttle, entry);
	if (delay > 0 && entry->turn_ms < now_ms + delay)
		entry->turn_ms = now_ms + delay;
	(void)pthread_mutex_unlock(&throttle->lock);
	return delay;
}

static bool
is_empty(const struct throttle *throttle)
{
	return atomic_load_explicit(&throttle->count, memory_order_relaxed) == 0;
}

bool
throttle_holds(struct throttle *throttle, struct slice key, uint64_t now_ms)
{
	const struct entry *entry;
	bool holds;

	if (is_empty(throttle))
		return false;
	(void)pthread_mutex_lock(&throttle->lock);
	entry = find(throttle, key, now_ms);
	holds = entry != NULL && delay_of(throttle, entry) > 0;
	(void)pthread_mutex_unlock(&throttle->lock);
	return holds;
}

/* The wait, or THROTTLE_REFUSED; the attempt after this one has its turn a delay later. */
static uint32_t
take_turn(struct throttle *throttle, struct entry *entry, uint64_t now_ms, uint32_t most_ms)
{
	uint32_t delay = delay_of(throttle, entry);
	uint64_t turn_ms = entry->turn_ms > now_ms ? entry->turn_ms : now_ms;

	if (delay == 0)
		return 0;
	if (turn_ms - now_ms > most_ms)
		return THROTTLE_REFUSED;
	entry->turn_ms = turn_ms + delay;
	return (uint32_t)(turn_ms - now_ms);
}

uint32_t
throttle_admit(struct throttle *throttle, struct slice key, uint64_t now_ms, uint32_t most_ms)
{
	struct entry *entry;
	uint32_t wait_ms;

	if (is_empty(throttle))
		return 0;
	(void)pthread_mutex_lock(&throttle->lock);
	entry = find(throttle, key, now_ms);
	wait_ms = entry == NULL ? 0 : take_turn(throttle, entry, now_ms, most_ms);
	(void)pthread_mutex_unlock(&throttle->lock);
	return wait_ms;
}

void
throttle_add_memory(struct throttle *throttle, struct map_memory *sum)
{
	(void)pthread_mutex_lock(&throttle->lock);
	map_add_memory(&throttle->entries, sum);
	(void)pthread_mutex_unlock(&throttle->lock);
}
