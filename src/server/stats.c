/* One letter round all shards, each of which adds its numbers. */
#include "server/stats.h"

#include "base/clock.h"
#include "server/server_internal.h"

#include <stdlib.h>

enum gauge {
	GAUGE_CONNECTIONS,
	GAUGE_LOGINS,
	GAUGE_SESSIONS,
	GAUGE_ACCOUNTS,
	GAUGE_TIMERS,
	GAUGE_LOOP_LAG_US,
	GAUGE_COMMITS,
	GAUGE_READS,
	GAUGE_ROWS,
	GAUGE_WAL_BYTES,
	GAUGE_LOG_DROPPED,
	GAUGES
};

static const char *const gauge_names[GAUGES] = {
	[GAUGE_CONNECTIONS] = "connections",
	[GAUGE_LOGINS] = "logins",
	[GAUGE_SESSIONS] = "sessions",
	[GAUGE_ACCOUNTS] = "accounts_in_memory",
	[GAUGE_TIMERS] = "timers",
	[GAUGE_LOOP_LAG_US] = "loop_lag_us",
	[GAUGE_COMMITS] = "store_commits",
	[GAUGE_READS] = "store_reads",
	[GAUGE_ROWS] = "store_rows",
	[GAUGE_WAL_BYTES] = "store_wal_bytes",
	[GAUGE_LOG_DROPPED] = "log_lines_dropped",
};

static const char *const metric_names[CORE_METRICS] = {
	[METRIC_CONNECTIONS_TOTAL] = "connections_total",
	[METRIC_LOGINS_TOTAL] = "logins_total",
	[METRIC_LOGIN_FAILURES_TOTAL] = "login_failures_total",
	[METRIC_STANZAS_TOTAL] = "stanzas_total",
	[METRIC_MESSAGES_DELIVERED_TOTAL] = "messages_delivered_total",
	[METRIC_LETTERS_TOTAL] = "letters_total",
	[METRIC_BOUNCES_TOTAL] = "bounces_total",
	[METRIC_STREAM_ERRORS_TOTAL] = "stream_errors_total",
};

struct stats {
	struct task task;
	struct server *server;
	unsigned at; /* the shard that adds now */
	void (*ready)(void *arg, const struct stats *stats);
	void *arg;
	uint64_t gauges[GAUGES];
	uint64_t metrics[];
};

static void
add_store(struct stats *stats)
{
	struct store_stats store;

	store_get_stats(stats->server->store, &store);
	stats->gauges[GAUGE_COMMITS] = store.commits;
	stats->gauges[GAUGE_READS] = store.batches;
	stats->gauges[GAUGE_ROWS] = store.rows;
	stats->gauges[GAUGE_WAL_BYTES] = store.wal_bytes;
	stats->gauges[GAUGE_LOG_DROPPED] = stats->server->log == NULL
						   ? 0
						   : log_dropped(stats->server->log);
}

static void
add_shard(struct stats *stats, const struct shard *shard)
{
	struct loop_stats loop;

	loop_stats(shard->loop, &loop);
	stats->gauges[GAUGE_CONNECTIONS] += shard->login_count + shard->session_count;
	stats->gauges[GAUGE_LOGINS] += shard->login_count;
	stats->gauges[GAUGE_SESSIONS] += shard->session_count;
	stats->gauges[GAUGE_ACCOUNTS] += shard->accounts.count;
	stats->gauges[GAUGE_TIMERS] += loop.timers;
	if (loop.lag_us > stats->gauges[GAUGE_LOOP_LAG_US])
		stats->gauges[GAUGE_LOOP_LAG_US] = loop.lag_us;
	for (unsigned i = 0; i < stats->server->metric_count; i++)
		stats->metrics[i] += shard->metrics[i];
}

static void
visit(struct task *task)
{
	struct stats *stats = container_of(task, struct stats, task);
	struct server *server = stats->server;

	if (stats->at < server->shard_count)
		add_shard(stats, server->shards[stats->at]);
	if (++stats->at < server->shard_count) {
		loop_post(server->shards[stats->at]->loop, &stats->task);
	} else if (stats->at == server->shard_count) {
		loop_post(server->shards[0]->loop, &stats->task);
	} else {
		add_store(stats);
		stats->ready(stats->arg, stats);
		free(stats);
	}
}

void
stats_collect(struct server *server, void (*ready)(void *arg, const struct stats *stats), void *arg)
{
	struct stats *stats = xcalloc(1, sizeof(*stats) + server->metric_count * sizeof(uint64_t));

	stats->server = server;
	stats->ready = ready;
	stats->arg = arg;
	stats->task.run = visit;
	loop_post(server->shards[0]->loop, &stats->task);
}

void
stats_each(const struct stats *stats, void (*tell)(void *arg, const char *name, uint64_t number),
	void *arg)
{
	const struct server *server = stats->server;

	for (unsigned i = 0; i < GAUGES; i++)
		tell(arg, gauge_names[i], stats->gauges[i]);
	for (unsigned i = 0; i < CORE_METRICS; i++)
		tell(arg, metric_names[i], stats->metrics[i]);
	for (size_t m = 0; m < server->module_count; m++) {
		const struct module_slot *slot = &server->modules[m];
		const struct metric *metric = slot->module->metrics;

		for (unsigned i = 0; metric != NULL && metric[i].name != NULL; i++)
			tell(arg, metric[i].name, stats->metrics[slot->first_metric + i]);
	}
}
