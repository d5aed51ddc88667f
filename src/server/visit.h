/*
 * Errands to other shards: a function runs on the thread of each shard, or of an address's home,
 * and the result comes back to the shard that asked.
 */
#ifndef SERVER_VISIT_H
#define SERVER_VISIT_H

#include "base/slice.h"

struct shard;

typedef void visit_shard(struct shard *shard, void *arg);

/*
 * Runs see on all shards, one after the other, then done on origin. arg is touched by one thread
 * at a time. From origin's thread; nothing happens before this returns.
 */
void visit_all(struct shard *origin, visit_shard *see, visit_shard *done, void *arg);

/* The same with the home of one bare address only. */
void visit_home(
	struct shard *origin, struct slice bare, visit_shard *see, visit_shard *done, void *arg);

#endif
