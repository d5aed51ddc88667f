/* kithctl memory: what it is used for, by shard and in sum, and what the process has. */
#include "server/control_internal.h"
#include "server/server_internal.h"
#include "server/usage.h"
#include "server/visit.h"

struct memory {
	struct control_request *request;
	struct usage sum;
	struct usage shards[]; /* one each */
};

/* A number that is not known is -1. */
static void
tell_number(struct control_request *request, const char *name, int64_t number)
{
	if (number < 0)
		control_text(request, name, NO_SLICE);
	else
		control_number(request, name, number);
}

static void
tell(struct control_request *request, struct slice shard, const char *what, int64_t count,
	int64_t bytes)
{
	control_record(request);
	control_text(request, "shard", shard);
	control_text(request, "what", slice_of(what));
	tell_number(request, "count", count);
	tell_number(request, "bytes", bytes);
}

/* The bytes of all kinds. */
static uint64_t
tell_usage(struct control_request *request, struct slice shard, const struct usage *usage)
{
	uint64_t bytes = 0;

	for (unsigned kind = 0; kind < USAGE_KINDS; kind++) {
		tell(request, shard, usage_name(kind), (int64_t)usage->of[kind].count,
			kind == USAGE_TLS ? -1 : (int64_t)usage->of[kind].bytes);
		bytes += usage->of[kind].bytes;
	}
	return bytes;
}

static void
tell_process(struct control_request *request, uint64_t known)
{
	const struct slice all = SLICE("all");
	struct usage_process process;

	usage_of_process(request->shard->server, &process);
	known += process.store_bytes;
	tell(request, all, "database", -1, (int64_t)process.store_bytes);
	tell(request, all, "TLS and the rest", -1,
		process.given_bytes > known ? (int64_t)(process.given_bytes - known) : 0);
	tell(request, all, "given out by the allocator", -1, (int64_t)process.given_bytes);
	tell(request, all, "kept free by the allocator", -1, (int64_t)process.free_bytes);
	tell(request, all, "resident", -1, (int64_t)process.rss_bytes);
}

static void
see(struct shard *shard, void *arg)
{
	struct memory *memory = arg;

	usage_add(shard, &memory->shards[shard->number]);
}

static void
done(struct shard *shard, void *arg)
{
	struct memory *memory = arg;
	struct control_request *request = memory->request;
	unsigned shards = shard->server->shard_count;
	uint64_t known;

	for (unsigned i = 0; i < shards; i++) {
		if (shards > 1)
			(void)tell_usage(request, arena_printf(&request->arena, "%u", i),
				&memory->shards[i]);
		for (unsigned kind = 0; kind < USAGE_KINDS; kind++) {
			memory->sum.of[kind].count += memory->shards[i].of[kind].count;
			memory->sum.of[kind].bytes += memory->shards[i].of[kind].bytes;
		}
	}
	known = tell_usage(request, SLICE("all"), &memory->sum);
	tell_process(request, known);
	control_ok(request);
}

void
control_memory(struct control_request *request)
{
	unsigned shards = request->shard->server->shard_count;
	struct memory *memory = arena_alloc(&request->arena,
		size_add(sizeof(*memory), size_mul(shards, sizeof(memory->shards[0]))));

	memory->request = request;
	visit_all(request->shard, see, done, memory);
}
