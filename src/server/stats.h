/*
 * Counters and gauges of all shards. Each shard reports on its own thread; the sum comes back to
 * shard 0.
 */
#ifndef SERVER_STATS_H
#define SERVER_STATS_H

#include "base/buffer.h"

struct server;
struct stats;

/* ready gets the sum, on shard 0, valid during the call. From shard 0. */
void stats_collect(
	struct server *server, void (*ready)(void *arg, const struct stats *stats), void *arg);

/* Lines for the control socket: "=name value", or one line of JSON. */
void stats_write_text(const struct stats *stats, struct buffer *out);
void stats_write_json(const struct stats *stats, struct buffer *out);

#endif
