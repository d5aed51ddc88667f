/* The numbers of all shards as one round collected them; for who tells them in some form. */
#ifndef SERVER_STATS_INTERNAL_H
#define SERVER_STATS_INTERNAL_H

#include "io/loop.h"
#include "server/metric.h"
#include "server/stats.h"
#include "store/store.h"

struct exposition;
struct server;

/* What one shard has now, and what its loop counted. */
struct shard_numbers {
	size_t connections, logins, sessions, accounts;
	size_t mail_bytes, mail_most;
	struct loop_stats loop;
	const uint64_t *metrics; /* by the index of struct shard */
};

struct stats {
	struct server *server;
	void (*ready)(void *arg, const struct stats *stats);
	void *arg;
	struct store_stats store;
	uint64_t log_dropped;
	size_t jobs; /* that wait for a worker */
	unsigned shard_count;
	struct shard_numbers *shards;
	uint64_t *metrics;
};

/* The core's own metrics, in the order of enum core_metric; stats.c. */
extern const struct metric core_metrics[];

/* Everything, with what the process and the certificates are like now; stats_text.c. Shard 0. */
void stats_write(struct exposition *e, const struct stats *stats);

#endif
