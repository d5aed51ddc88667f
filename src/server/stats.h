/*
 * Counters and gauges of all shards. Each shard reports on its own thread; the sum comes back to
 * shard 0.
 */
#ifndef SERVER_STATS_H
#define SERVER_STATS_H

#include "base/base.h"

struct server;
struct stats;

/* ready gets the sum, on shard 0, valid during the call. From shard 0. */
void stats_collect(
	struct server *server, void (*ready)(void *arg, const struct stats *stats), void *arg);

/* Tells all of them. */
void stats_each(const struct stats *stats,
	void (*tell)(void *arg, const char *name, uint64_t number), void *arg);

#endif
