/*
 * All numbers of a server, as families. Names follow Prometheus' conventions: base units, counters
 * end in _total, what concerns the process has the names that every dashboard knows. What a shard
 * counts has the label "shard"; nothing has an address of a user as a label, since there is no
 * bound to how many these are, and monitoring is no place to read who talks to whom.
 */
#include "base/clock.h"
#include "io/tls.h"
#include "server/certificates.h"
#include "server/exposition.h"
#include "server/process_stats.h"
#include "server/server_internal.h"
#include "server/stats_internal.h"

#include <malloc.h>
#include <openssl/crypto.h>

#define OURS "kith_"

static void
put_one(struct exposition *e, const struct family *family, int64_t value)
{
	exposition_begin(e, family);
	exposition_sample(e, family, NULL, value);
}

/* ---- The process ---- */

static void
put_process(struct exposition *e, int64_t started_ms)
{
	static const struct family cpu = { "process_", "cpu_seconds_total", FAMILY_COUNTER,
		"seconds", 6, "CPU time of all threads, in the kernel, too." };
	static const struct family resident = { "process_", "resident_memory_bytes", FAMILY_GAUGE,
		"bytes", 0, "Memory that is in use and not swapped out." };
	static const struct family virtual = { "process_", "virtual_memory_bytes", FAMILY_GAUGE,
		"bytes", 0, "Addresses that are mapped." };
	static const struct family open = { "process_", "open_fds", FAMILY_GAUGE, NULL, 0,
		"File descriptors in use." };
	static const struct family most = { "process_", "max_fds", FAMILY_GAUGE, NULL, 0,
		"File descriptors that the process may use." };
	static const struct family start = { "process_", "start_time_seconds", FAMILY_GAUGE,
		"seconds", 3, "When the server started, since 1970." };
	struct process_stats process;

	process_stats_read(&process);
	put_one(e, &cpu, (int64_t)process.cpu_us);
	put_one(e, &resident, (int64_t)process.resident_bytes);
	put_one(e, &virtual, (int64_t)process.virtual_bytes);
	put_one(e, &open, (int64_t)process.open_fds);
	put_one(e, &most, process.most_fds > INT64_MAX ? INT64_MAX : (int64_t)process.most_fds);
	put_one(e, &start, started_ms);
}

static void
put_allocator(struct exposition *e)
{
	static const struct family given = { OURS, "allocated_bytes", FAMILY_GAUGE, "bytes", 0,
		"Memory that the allocator gave out." };
	static const struct family kept = { OURS, "allocator_free_bytes", FAMILY_GAUGE, "bytes", 0,
		"Memory that the allocator keeps for the next ones." };
	struct mallinfo2 heap = mallinfo2();

	put_one(e, &given, (int64_t)(heap.uordblks + heap.hblkhd));
	put_one(e, &kept, (int64_t)heap.fordblks);
}

/* ---- The server as a whole ---- */

static void
put_build(struct exposition *e)
{
	static const struct family build = { OURS, "build", FAMILY_INFO, NULL, 0,
		"Which server this is." };
	const struct label labels[] = {
		{ "version", slice_of(server_version()) },
		{ "openssl", slice_of(OpenSSL_version(OPENSSL_VERSION_STRING)) },
		{ 0 },
	};

	exposition_begin(e, &build);
	exposition_info(e, &build, labels);
}

static void
put_server(struct exposition *e, const struct stats *stats, int64_t up_ms)
{
	static const struct family uptime = { OURS, "uptime_seconds", FAMILY_GAUGE, "seconds", 3,
		"How long the server has been running." };
	static const struct family shards = { OURS, "shards", FAMILY_GAUGE, NULL, 0,
		"Threads that own accounts." };
	static const struct family jobs = { OURS, "worker_jobs", FAMILY_GAUGE, NULL, 0,
		"Slow work that waits for a worker, such as keys of passwords." };
	static const struct family dropped = { OURS, "log_lines_dropped_total", FAMILY_COUNTER,
		NULL, 0, "Lines of the log that were lost because it was not read fast enough." };

	put_build(e);
	put_one(e, &uptime, up_ms);
	put_one(e, &shards, stats->shard_count);
	put_one(e, &jobs, (int64_t)stats->jobs);
	put_one(e, &dropped, (int64_t)stats->log_dropped);
}

/* ---- Certificates ---- */

enum { MS_OF_DAY = 24 * 3600 * 1000 };

static void
put_ends(struct exposition *e, const struct server *server, const struct family *family,
	int64_t since_ms, int64_t unit_ms)
{
	const struct config *config = server->config;

	exposition_begin(e, family);
	for (size_t i = 0; i < config->host_count; i++) {
		const char *domain = config->hosts[i].domain;
		const struct label labels[] = { { "host", slice_of(domain) }, { 0 } };
		int64_t first_ms, last_ms;

		if (tls_context_dates(server->shards[0]->tls, domain, &first_ms, &last_ms))
			exposition_sample(e, family, labels, (last_ms - since_ms) / unit_ms);
	}
}

static void
put_certificates(struct exposition *e, const struct server *server, int64_t wall_ms)
{
	static const struct family end = { OURS, "certificate_expiry_timestamp_seconds",
		FAMILY_GAUGE, "seconds", 0, "When a domain's certificate ends, since 1970." };
	static const struct family left = { OURS, "certificate_days_left", FAMILY_GAUGE, NULL, 2,
		"For how many days a domain's certificate is valid; negative: no more." };

	if (server->shards[0]->tls == NULL)
		return;
	put_ends(e, server, &end, 0, 1000);
	put_ends(e, server, &left, wall_ms, MS_OF_DAY / 100);
}

/* ---- Shards ---- */

enum { SHARD_TEXT = 12 };

/* The label of a shard; points into itself. */
struct shard_label {
	char text[SHARD_TEXT];
	struct label labels[2];
};

static const struct label *
label_shard(struct shard_label *label, unsigned number)
{
	(void)snprintf(label->text, SHARD_TEXT, "%u", number);
	label->labels[0] = (struct label){ "shard", slice_of(label->text) };
	label->labels[1] = (struct label){ 0 };
	return label->labels;
}

static int64_t
shard_number(const struct shard_numbers *numbers, size_t offset)
{
	size_t value;

	memcpy(&value, (const char *)numbers + offset, sizeof(value));
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* A member of struct shard_numbers with 64 bits. */
struct shard_family {
	struct family family;
	size_t offset;
};

#define OF_SHARD(member) \
	(offsetof(struct shard_numbers, member) + 0u * sizeof(struct { \
		_Static_assert(sizeof(((struct shard_numbers *)NULL)->member) == sizeof(uint64_t), \
			#member " must have 64 bits"); \
		int unused_; \
	}))

static const struct shard_family shard_families[] = {
	{ { OURS, "open_connections", FAMILY_GAUGE, NULL, 0, "Connections of clients now." },
		OF_SHARD(connections) },
	{ { OURS, "logins_under_way", FAMILY_GAUGE, NULL, 0,
		  "Connections that are not signed in yet." },
		OF_SHARD(logins) },
	{ { OURS, "sessions", FAMILY_GAUGE, NULL, 0, "Resources that are signed in." },
		OF_SHARD(sessions) },
	{ { OURS, "accounts", FAMILY_GAUGE, NULL, 0, "Accounts in memory." }, OF_SHARD(accounts) },
	{ { OURS, "timers", FAMILY_GAUGE, NULL, 0, "Timers that run." }, OF_SHARD(loop.timers) },
	{ { OURS, "output_queue_bytes", FAMILY_GAUGE, "bytes", 0,
		  "Output that clients have not taken yet." },
		OF_SHARD(loop.queued_bytes) },
	{ { OURS, "output_queue_highest_bytes", FAMILY_GAUGE, "bytes", 0,
		  "The most output that ever waited." },
		OF_SHARD(loop.queued_most) },
	{ { OURS, "mailbox_bytes", FAMILY_GAUGE, "bytes", 0,
		  "Stanzas of other shards that wait to be taken." },
		OF_SHARD(mail_bytes) },
	{ { OURS, "mailbox_highest_bytes", FAMILY_GAUGE, "bytes", 0,
		  "The most bytes of other shards that ever waited." },
		OF_SHARD(mail_most) },
	{ { OURS, "received_bytes_total", FAMILY_COUNTER, "bytes", 0,
		  "Bytes that were read from connections." },
		OF_SHARD(loop.received_bytes) },
	{ { OURS, "sent_bytes_total", FAMILY_COUNTER, "bytes", 0,
		  "Bytes that were written to connections." },
		OF_SHARD(loop.sent_bytes) },
	{ { OURS, "loop_turns_total", FAMILY_COUNTER, NULL, 0,
		  "Times that a thread woke up and worked." },
		OF_SHARD(loop.turns) },
	{ { OURS, "loop_tasks_total", FAMILY_COUNTER, NULL, 0,
		  "Pieces of work that came from other threads." },
		OF_SHARD(loop.posted) },
};

static void
put_shard_family(struct exposition *e, const struct stats *stats, const struct shard_family *f)
{
	exposition_begin(e, &f->family);
	for (unsigned i = 0; i < stats->shard_count; i++) {
		struct shard_label label;

		exposition_sample(e, &f->family, label_shard(&label, i),
			shard_number(&stats->shards[i], f->offset));
	}
}

static void
put_loops(struct exposition *e, const struct stats *stats, const struct family *family,
	size_t offset, unsigned shift)
{
	exposition_begin(e, family);
	for (unsigned i = 0; i < stats->shard_count; i++) {
		const void *at = (const char *)&stats->shards[i].loop + offset;
		struct shard_label label;

		exposition_histogram(e, family, label_shard(&label, i), at, shift);
	}
}

static void
put_shards(struct exposition *e, const struct stats *stats)
{
	static const struct family turn = { OURS, "loop_turn_seconds", FAMILY_HISTOGRAM, "seconds",
		6, "How long a turn of a thread's loop took; what came meanwhile waited." };
	static const struct family late = { OURS, "timer_lateness_seconds", FAMILY_HISTOGRAM,
		"seconds", 3, "How much too late timers fired." };

	for (size_t i = 0; i < COUNT_OF(shard_families); i++)
		put_shard_family(e, stats, &shard_families[i]);
	put_loops(e, stats, &turn, offsetof(struct loop_stats, turn_us), LOOP_TURN_SHIFT);
	put_loops(e, stats, &late, offsetof(struct loop_stats, late_ms), LOOP_LATE_SHIFT);
}

/* ---- What the core and the modules count ---- */

static void
put_metrics(struct exposition *e, const struct stats *stats, const struct metric *metrics,
	unsigned first)
{
	for (unsigned m = 0; metrics != NULL && metrics[m].name != NULL; m++) {
		const struct family family = { OURS, metrics[m].name, FAMILY_COUNTER, NULL, 0,
			metrics[m].about };

		exposition_begin(e, &family);
		for (unsigned i = 0; i < stats->shard_count; i++) {
			struct shard_label label;

			exposition_sample(e, &family, label_shard(&label, i),
				(int64_t)stats->shards[i].metrics[first + m]);
		}
	}
}

/* ---- The store ---- */

struct store_family {
	struct family family;
	size_t offset; /* of a uint64_t in struct store_stats */
};

#define OF_STORE(member) OFFSET_OF_TYPE(struct store_stats, member, uint64_t)

static const struct store_family store_families[] = {
	{ { OURS, "store_commits_total", FAMILY_COUNTER, NULL, 0,
		  "Groups of transactions that were synced to the disk." },
		OF_STORE(commits) },
	{ { OURS, "store_transactions_total", FAMILY_COUNTER, NULL, 0,
		  "Transactions that were stored." },
		OF_STORE(txns) },
	{ { OURS, "store_refusals_total", FAMILY_COUNTER, NULL, 0,
		  "Transactions whose condition was not met." },
		OF_STORE(txns_refused) },
	{ { OURS, "store_failures_total", FAMILY_COUNTER, NULL, 0,
		  "Transactions that the disk did not take." },
		OF_STORE(txns_failed) },
	{ { OURS, "store_fences_total", FAMILY_COUNTER, NULL, 0,
		  "Times that the database failed and was opened and checked again." },
		OF_STORE(fences) },
	{ { OURS, "store_rows_total", FAMILY_COUNTER, NULL, 0, "Rows that were written." },
		OF_STORE(rows) },
	{ { OURS, "store_written_bytes_total", FAMILY_COUNTER, "bytes", 0,
		  "Bytes that were written, as the server gave them." },
		OF_STORE(bytes) },
	{ { OURS, "store_reads_total", FAMILY_COUNTER, NULL, 0, "Questions that were answered." },
		OF_STORE(reads) },
	{ { OURS, "store_rows_read_total", FAMILY_COUNTER, NULL, 0, "Rows in the answers." },
		OF_STORE(rows_read) },
	{ { OURS, "store_checkpoints_total", FAMILY_COUNTER, NULL, 0,
		  "Times that the write-ahead log was copied into the database." },
		OF_STORE(checkpoints) },
	{ { OURS, "store_wal_bytes", FAMILY_GAUGE, "bytes", 0, "Size of the write-ahead log." },
		OF_STORE(wal_bytes) },
	{ { OURS, "store_queue_bytes", FAMILY_GAUGE, "bytes", 0,
		  "What waits to be written to the disk." },
		OF_STORE(queued_bytes) },
	{ { OURS, "store_queued_transactions", FAMILY_GAUGE, NULL, 0,
		  "Transactions that wait to be written to the disk." },
		OF_STORE(queued_txns) },
	{ { OURS, "store_queued_reads", FAMILY_GAUGE, NULL, 0, "Reads that wait." },
		OF_STORE(queued_batches) },
	{ { OURS, "store_memory_bytes", FAMILY_GAUGE, "bytes", 0, "Memory of the database." },
		OF_STORE(memory_bytes) },
};

static void
put_store(struct exposition *e, const struct store_stats *store)
{
	static const struct family fenced = { OURS, "store_is_fenced", FAMILY_GAUGE, NULL, 0,
		"Whether the database failed and nothing is stored now: 1 or 0." };
	static const struct family full = { OURS, "store_is_full", FAMILY_GAUGE, NULL, 0,
		"Whether the disk was full the last time: 1 or 0." };
	static const struct family answer = { OURS, "store_answer_seconds", FAMILY_HISTOGRAM,
		"seconds", 6, "How long a transaction took until it was on the disk." };
	static const struct family rows = { OURS, "store_commit_rows", FAMILY_HISTOGRAM, "rows", 0,
		"Rows that were synced to the disk at once." };

	for (size_t i = 0; i < COUNT_OF(store_families); i++) {
		uint64_t value;

		memcpy(&value, (const char *)store + store_families[i].offset, sizeof(value));
		put_one(e, &store_families[i].family, (int64_t)value);
	}
	put_one(e, &fenced, store->fenced);
	put_one(e, &full, store->full);
	exposition_begin(e, &answer);
	exposition_histogram(e, &answer, NULL, &store->answer_us, STORE_ANSWER_SHIFT);
	exposition_begin(e, &rows);
	exposition_histogram(e, &rows, NULL, &store->group_rows, STORE_ROWS_SHIFT);
}

void
stats_write(struct exposition *e, const struct stats *stats)
{
	const struct server *server = stats->server;
	const struct shard *shard = server->shards[0];
	int64_t wall_ms = loop_wall_ms(shard->loop);
	int64_t up_ms = (int64_t)(loop_now_ms(shard->loop) - shard->started_ms);

	put_process(e, wall_ms - up_ms);
	put_allocator(e);
	put_server(e, stats, up_ms);
	put_certificates(e, server, wall_ms);
	put_shards(e, stats);
	put_metrics(e, stats, core_metrics, 0);
	for (size_t m = 0; m < server->module_count; m++)
		put_metrics(e, stats, server->modules[m].module->metrics,
			server->modules[m].first_metric);
	put_store(e, &stats->store);
	exposition_end(e);
}
