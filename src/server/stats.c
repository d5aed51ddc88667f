/* A visit to all shards, each of which gives a copy of its numbers. */
#include "server/stats_internal.h"

#include "server/server_internal.h"
#include "server/visit.h"

#include <stdlib.h>

const struct metric core_metrics[CORE_METRICS + 1] = {
	[METRIC_CONNECTIONS_TOTAL] = { "connections_total", "Connections of clients." },
	[METRIC_TLS_HANDSHAKES_TOTAL] = { "tls_handshakes_total",
		"TLS handshakes that were done." },
	[METRIC_TLS_FAILURES_TOTAL] = { "tls_failures_total",
		"Connections that ended in the TLS handshake." },
	[METRIC_LOGINS_TOTAL] = { "logins_total", "Sign-ins that succeeded." },
	[METRIC_LOGIN_FAILURES_TOTAL] = { "login_failures_total", "Sign-ins that failed." },
	[METRIC_LOGIN_DELAYS_TOTAL] = { "login_delays_total",
		"Answers and attempts held up because of failures before." },
	[METRIC_LOGIN_REFUSALS_TOTAL] = { "login_refusals_total",
		"Attempts not looked at because too many of their network failed." },
	[METRIC_SESSIONS_TOTAL] = { "sessions_bound_total", "Resources that were bound." },
	[METRIC_RESUMPTIONS_TOTAL] = { "sessions_resumed_total",
		"Sessions that got their client back (XEP-0198)." },
	[METRIC_SESSIONS_LOST_TOTAL] = { "sessions_lost_total",
		"Sessions whose client did not come back in time." },
	[METRIC_ACCOUNT_LOADS_TOTAL] = { "account_loads_total",
		"Accounts that were read into memory." },
	[METRIC_STANZAS_TOTAL] = { "stanzas_total", "Stanzas that clients sent." },
	[METRIC_MESSAGES_TOTAL] = { "messages_total", "Messages that clients sent." },
	[METRIC_PRESENCES_TOTAL] = { "presences_total", "Presences that clients sent." },
	[METRIC_IQS_TOTAL] = { "iqs_total", "Requests and answers that clients sent." },
	[METRIC_MESSAGES_DELIVERED_TOTAL] = { "messages_delivered_total",
		"Messages that were given to sessions." },
	[METRIC_LETTERS_TOTAL] = { "letters_total",
		"Stanzas that went from one shard to another." },
	[METRIC_BOUNCES_TOTAL] = { "bounces_total", "Stanzas that came back as errors." },
	[METRIC_STREAM_ERRORS_TOTAL] = { "stream_errors_total",
		"Streams that the server ended with an error." },
	{ 0 },
};

/* ---- Collecting ---- */

static void
see(struct shard *shard, void *arg)
{
	struct stats *stats = arg;
	unsigned count = stats->server->metric_count;
	struct shard_numbers *numbers = &stats->shards[shard->number];
	uint64_t *metrics = stats->metrics + (size_t)shard->number * count;

	loop_stats(shard->loop, &numbers->loop);
	numbers->connections = shard->login_count + shard->session_count;
	numbers->logins = shard->login_count;
	numbers->sessions = shard->session_count;
	numbers->accounts = shard->accounts.count;
	numbers->mail_bytes = atomic_load_explicit(&shard->mail_bytes, memory_order_relaxed);
	numbers->mail_most = atomic_load_explicit(&shard->mail_most, memory_order_relaxed);
	memcpy(metrics, shard->metrics, count * sizeof(*metrics));
	numbers->metrics = metrics;
}

static void
finish(struct shard *shard, void *arg)
{
	struct stats *stats = arg;
	const struct server *server = shard->server;

	store_get_stats(server->store, &stats->store);
	stats->log_dropped = server->log == NULL ? 0 : log_dropped(server->log);
	stats->jobs = worker_pool_waiting(server->workers);
	stats->ready(stats->arg, stats);
	free(stats->shards);
	free(stats->metrics);
	free(stats);
}

void
stats_collect(struct server *server, void (*ready)(void *arg, const struct stats *stats), void *arg)
{
	struct stats *stats = xcalloc(1, sizeof(*stats));

	stats->server = server;
	stats->ready = ready;
	stats->arg = arg;
	stats->shard_count = server->shard_count;
	stats->shards = xcalloc(server->shard_count, sizeof(*stats->shards));
	stats->metrics = xcalloc(
		size_mul(server->shard_count, server->metric_count), sizeof(*stats->metrics));
	visit_all(server->shards[0], see, finish, stats);
}

/* ---- Sums, by short names ---- */

struct teller {
	void (*tell)(void *arg, const char *name, uint64_t number);
	void *arg;
	const struct stats *stats;
};

static void
tell_shards(const struct teller *t)
{
	struct shard_numbers sum = { 0 };

	for (unsigned i = 0; i < t->stats->shard_count; i++) {
		const struct shard_numbers *one = &t->stats->shards[i];

		sum.connections += one->connections;
		sum.logins += one->logins;
		sum.sessions += one->sessions;
		sum.accounts += one->accounts;
		sum.loop.timers += one->loop.timers;
		sum.loop.queued_bytes += one->loop.queued_bytes;
		sum.mail_bytes += one->mail_bytes;
		if (one->loop.lag_us > sum.loop.lag_us)
			sum.loop.lag_us = one->loop.lag_us;
	}
	t->tell(t->arg, "connections", sum.connections);
	t->tell(t->arg, "logins", sum.logins);
	t->tell(t->arg, "sessions", sum.sessions);
	t->tell(t->arg, "accounts_in_memory", sum.accounts);
	t->tell(t->arg, "timers", sum.loop.timers);
	t->tell(t->arg, "loop_lag_us", sum.loop.lag_us);
	t->tell(t->arg, "output_queue_bytes", sum.loop.queued_bytes);
	t->tell(t->arg, "mailbox_bytes", sum.mail_bytes);
}

static void
tell_store(const struct teller *t)
{
	const struct store_stats *store = &t->stats->store;

	t->tell(t->arg, "store_commits", store->commits);
	t->tell(t->arg, "store_reads", store->batches);
	t->tell(t->arg, "store_rows", store->rows);
	t->tell(t->arg, "store_wal_bytes", store->wal_bytes);
	t->tell(t->arg, "store_queue_bytes", store->queued_bytes);
	t->tell(t->arg, "log_lines_dropped", t->stats->log_dropped);
}

static void
tell_metrics(const struct teller *t, const struct metric *metrics, unsigned first)
{
	for (unsigned i = 0; metrics != NULL && metrics[i].name != NULL; i++) {
		uint64_t sum = 0;

		for (unsigned k = 0; k < t->stats->shard_count; k++)
			sum += t->stats->shards[k].metrics[first + i];
		t->tell(t->arg, metrics[i].name, sum);
	}
}

void
stats_each(const struct stats *stats, void (*tell)(void *arg, const char *name, uint64_t number),
	void *arg)
{
	const struct server *server = stats->server;
	const struct teller t = { tell, arg, stats };

	tell_shards(&t);
	tell_store(&t);
	tell_metrics(&t, core_metrics, 0);
	for (size_t m = 0; m < server->module_count; m++)
		tell_metrics(
			&t, server->modules[m].module->metrics, server->modules[m].first_metric);
}
