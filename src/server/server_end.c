/*
 * Taking a server apart. Its threads have ended, but what they began goes on in mailboxes and in
 * the store, and the loops are turned here until it is done.
 */
#include "base/clock.h"
#include "server/command_internal.h"
#include "server/control.h"
#include "server/scrape.h"
#include "server/server_internal.h"
#include "server/throttle.h"

#include <stdlib.h>

enum { REFUSING_MS = 1000 };

/* One turn of each loop, on behalf of the ended threads. Whether there was work from others. */
static bool
turn_all(struct server *server, unsigned most_ms)
{
	struct loop_stats before, after;
	bool worked = false;

	for (unsigned i = 0; i < server->shard_count; i++) {
		struct loop *loop = server->shards[i]->loop;

		loop_stats(loop, &before);
		loop_turn(loop, most_ms);
		loop_stats(loop, &after);
		worked |= after.posted > before.posted;
	}
	return worked;
}

/*
 * Turns until all is quiet, or the deadline. A loop may post to one that had its turn before, not
 * only when it was posted to, so only the second turn without a task means that there is none.
 */
static bool
turn_until_quiet(struct server *server, bool waits_for_store, uint64_t deadline_ms)
{
	unsigned quiet = 0;

	while (quiet < 2 && clock_monotonic_ms() < deadline_ms) {
		size_t pending = waits_for_store ? store_pending(server->store) : 0;
		bool worked = turn_all(server, pending > 0 ? 1 : 0);

		quiet = worked || pending > 0 ? 0 : quiet + 1;
	}
	return quiet == 2;
}

/*
 * What was begun is finished: an answer of the store may lead to the next question, and that to
 * a letter. What is not done by the deadline never is: further questions are refused, so all that
 * is under way comes to its end without the store, which is closed behind it.
 */
static void
finish_work(struct server *server)
{
	uint64_t deadline;

	if (server->store == NULL)
		return;
	deadline = clock_monotonic_ms() + server->core->server->stop_ms;
	if (turn_until_quiet(server, true, deadline))
		return;
	log_error(server->log,
		"the store did not finish in time; what was not acknowledged may be lost. Is the "
		"disk slow?",
		F_UINT("requests", store_pending(server->store)));
	store_refuse(server->store);
	(void)turn_until_quiet(server, false, clock_monotonic_ms() + REFUSING_MS);
}

void
server_destroy(struct server **server_ptr)
{
	struct server *server = *server_ptr;

	*server_ptr = NULL;
	if (server == NULL)
		return;
	worker_pool_destroy(&server->workers);
	finish_work(server);
	atomic_store(&server->is_closing, true);
	if (server->store != NULL)
		store_close(&server->store);
	(void)turn_all(server, 0);
	control_destroy(&server->control);
	scrape_destroy(&server->scrape);
	for (unsigned i = 0; i < server->shard_count; i++)
		shard_destroy(server->shards[i]);
	pipeline_finish(&server->pipeline);
	hosts_finish(server);
	throttle_destroy(&server->networks);
	codec_destroy(&server->codec);
	names_destroy(&server->names);
	free(server->shards);
	free(server->routes);
	free(server->transfers);
	free(server->modules);
	free(server->kept);
	free(server);
}
