/*
 * A bounded map of counters. A period begins with a key's first count; keys whose period is over
 * go from the old end of the list, and when there are too many the oldest goes anyway.
 */
#include "server/quota.h"

#include "base/list.h"
#include "base/map.h"
#include "server/server_internal.h"
#include "server/visit.h"

#include <stdlib.h>

enum { KEYS_MOST = 20000 };

struct entry {
	struct map_node node;
	struct list link; /* in quota.by_age */
	uint64_t until_ms;
	uint32_t count;
};

struct quota {
	struct map entries; // entry.node
	struct list by_age; // entry.link, the newest at the end
};

struct quota *
quota_create(void)
{
	struct quota *quota = xcalloc(1, sizeof(*quota));

	map_init(&quota->entries);
	list_init(&quota->by_age);
	return quota;
}

static void
forget(struct quota *quota, struct entry *entry)
{
	map_remove(&quota->entries, &entry->node);
	list_remove(&entry->link);
	free(entry);
}

void
quota_destroy(struct quota **quota)
{
	struct entry *entry;

	if (*quota == NULL)
		return;
	LIST_EACH (entry, &(*quota)->by_age, struct entry, link)
		forget(*quota, entry);
	map_finish(&(*quota)->entries);
	free(*quota);
	*quota = NULL;
}

static void
drop_old(struct quota *quota, uint64_t now_ms)
{
	struct entry *entry;

	LIST_EACH (entry, &quota->by_age, struct entry, link) {
		if (entry->until_ms > now_ms && quota->entries.count < KEYS_MOST)
			return;
		forget(quota, entry);
	}
}

static struct entry *
add(struct quota *quota, struct slice key, uint64_t until_ms)
{
	struct entry *entry = xcalloc(1, sizeof(*entry) + key.len);

	memcpy(entry + 1, key.p, key.len);
	entry->node.key = slice_make((char *)(entry + 1), key.len);
	entry->until_ms = until_ms;
	map_insert(&quota->entries, &entry->node);
	list_append(&quota->by_age, &entry->link);
	return entry;
}

struct question {
	struct slice key;
	struct quota_bound bound;
	bool granted;
	void (*answer)(void *arg, bool granted);
	void *arg;
};

static void
count(struct shard *shard, void *arg)
{
	struct question *question = arg;
	uint64_t now_ms = loop_now_ms(shard->loop);
	struct map_node *node;
	struct entry *entry;

	drop_old(shard->quota, now_ms);
	node = map_find(&shard->quota->entries, question->key);
	entry = node == NULL ? NULL : container_of(node, struct entry, node);
	if (entry != NULL && entry->until_ms <= now_ms) {
		forget(shard->quota, entry);
		entry = NULL;
	}
	if (entry == NULL)
		entry = add(shard->quota, question->key, now_ms + question->bound.period_ms);
	question->granted = entry->count < question->bound.most;
	entry->count += question->granted;
}

static void
tell(struct shard *shard, void *arg)
{
	struct question *question = arg;

	(void)shard;
	question->answer(question->arg, question->granted);
	free(question);
}

void
quota_ask(struct shard *shard, struct slice key, const struct quota_bound *bound,
	void (*answer)(void *arg, bool granted), void *arg)
{
	struct question *question = xcalloc(1, sizeof(*question) + key.len);

	memcpy(question + 1, key.p, key.len);
	question->key = slice_make((char *)(question + 1), key.len);
	question->bound = *bound;
	question->answer = answer;
	question->arg = arg;
	visit_home(shard, question->key, count, tell, question);
}

void
quota_add_memory(const struct quota *quota, struct map_memory *sum)
{
	map_add_memory(&quota->entries, sum);
}
