/* Which accounts there are, page by page; for any number of them. */
#include "server/registrar.h"

#include "server/server_internal.h"

#include <stdlib.h>

enum { LIST_PAGE = 1000 };

struct listing {
	struct shard *shard;
	enum core_table table;
	registrar_page *got;
	void *arg;
};

static void fetch_page(struct listing *listing, struct slice after);

static void
got_page(struct store_request *request)
{
	struct listing *listing = request->arg;
	const struct store_result *page = store_result(store_batch_of(request), 0);

	if (listing->got(listing->arg, request->error, page) && request->error == 0 && page->more)
		fetch_page(listing, page->rows[page->count - 1].key);
	else
		free(listing);
}

static void
fetch_page(struct listing *listing, struct slice after)
{
	struct server *server = listing->shard->server;
	struct store_batch *batch = store_batch_create(server->store, NO_SLICE);

	(void)store_read_owners(batch, server->tables[listing->table], after, LIST_PAGE);
	store_fetch(batch, listing->shard->number, got_page, listing);
}

static void
begin_list(struct shard *shard, enum core_table table, struct slice after, registrar_page *got,
	void *arg)
{
	struct listing *listing = xcalloc(1, sizeof(*listing));

	*listing = (struct listing){ shard, table, got, arg };
	fetch_page(listing, after);
}

/* What comes before it and behind all shorter ones: no address has a byte 0xff. */
void
registrar_list_from(struct shard *shard, struct slice beginning, registrar_page *got, void *arg)
{
	struct arena arena;
	struct slice after = NO_SLICE;

	arena_init(&arena, 0);
	if (beginning.len > 0 && beginning.len < STORE_MAX_KEY)
		after = arena_printf(&arena, "%.*s%c\xff", (int)beginning.len - 1, beginning.p,
			beginning.p[beginning.len - 1] - 1);
	begin_list(shard, CORE_CREDENTIALS, after, got, arg);
	arena_finish(&arena);
}

void
registrar_list(struct shard *shard, registrar_page *got, void *arg)
{
	begin_list(shard, CORE_CREDENTIALS, NO_SLICE, got, arg);
}

void
registrar_list_disabled(struct shard *shard, registrar_page *got, void *arg)
{
	begin_list(shard, CORE_DISABLED, NO_SLICE, got, arg);
}
