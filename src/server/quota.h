/*
 * Quotas: so many of something for one key in a while, over all shards. Each key has a home shard
 * that counts for it.
 */
#ifndef SERVER_QUOTA_H
#define SERVER_QUOTA_H

#include "base/slice.h"

struct map_memory;
struct quota;
struct shard;

struct quota *quota_create(void);
void quota_destroy(struct quota **quota);

struct quota_bound {
	uint32_t most;
	uint32_t period_ms;
};

/*
 * Counts one more for the key (copied), unless the bound is reached; answered on the shard that
 * asked, later.
 */
void quota_ask(struct shard *shard, struct slice key, const struct quota_bound *bound,
	void (*answer)(void *arg, bool granted), void *arg);

void quota_add_memory(const struct quota *quota, struct map_memory *sum);

#endif
