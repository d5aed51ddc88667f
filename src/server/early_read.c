/* A semaphore for the one request that is under way. */
#include "server/early_read.h"

#include "server/server_internal.h"

#include <semaphore.h>

enum { OWNERS_PAGE = 1000 };

struct reading {
	sem_t arrived;
	struct store_request *request;
};

void
early_read_arrived(struct store_request *request)
{
	struct reading *reading = request->arg;

	reading->request = request;
	(void)sem_post(&reading->arrived);
}

struct store_request *
early_read(struct server *server, struct store_memory *memory, struct store_batch *batch)
{
	struct reading reading = { .request = NULL };

	(void)sem_init(&reading.arrived, 0, 0);
	store_fetch(batch, server->shard_count, NULL, &reading);
	while (sem_trywait(&reading.arrived) != 0) {
		if (memory != NULL && store_memory_step(memory, 0))
			continue;
		while (sem_wait(&reading.arrived) != 0)
			;
		break;
	}
	(void)sem_destroy(&reading.arrived);
	return reading.request;
}

/* One page of owners; whether there are more, in last_out the last of these. */
static int
read_page(struct server *server, struct store_memory *memory, unsigned table, struct arena *arena,
	struct slice *last, bool *more_out, int (*see)(struct slice owner, void *arg), void *arg)
{
	struct store_batch *batch = store_batch_create(server->store, NO_SLICE);
	const struct store_result *page;
	struct store_request *request;
	int r;

	(void)store_read_owners(batch, table, *last, OWNERS_PAGE);
	request = early_read(server, memory, batch);
	page = store_result(store_batch_of(request), 0);
	r = request->error;
	*more_out = page->more;
	for (size_t i = 0; r == 0 && i < page->count; i++)
		r = see(page->rows[i].key, arg);
	if (r == 0 && page->count > 0) {
		arena_reset(arena);
		*last = arena_copy(arena, page->rows[page->count - 1].key);
	}
	store_request_finish(request);
	return r;
}

int
early_read_owners(struct server *server, struct store_memory *memory, unsigned table,
	int (*see)(struct slice owner, void *arg), void *arg)
{
	struct slice last = NO_SLICE;
	struct arena arena;
	bool more = true;
	int r = 0;

	arena_init(&arena, 0);
	while (r == 0 && more)
		r = read_page(server, memory, table, &arena, &last, &more, see, arg);
	arena_finish(&arena);
	return r;
}
