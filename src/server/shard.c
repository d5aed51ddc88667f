/* A shard's parts, its thread, and how it ends: everyone is told, and has a while to go. */
#include "io/sim.h"
#include "proto/sasl.h"
#include "server/account_internal.h"
#include "server/certificates.h"
#include "server/command_internal.h"
#include "server/control.h"
#include "server/credentials.h"
#include "server/host_keep.h"
#include "server/places.h"
#include "server/quota.h"
#include "server/revival.h"
#include "server/scrape.h"
#include "server/server_internal.h"
#include "server/session_internal.h"
#include "server/throttle.h"

#include <errno.h>
#include <stdlib.h>

struct shard *
shard_create(struct server *server, unsigned number, size_t account_size, size_t session_size)
{
	struct shard *shard = xcalloc(1, sizeof(*shard));

	shard->server = server;
	shard->number = number;
	shard->loop = server->sim == NULL ? loop_create() : sim_loop_create(server->sim);
	if (shard->loop == NULL)
		die("The kernel gives no event loop (%s); raise the limit of open files.",
			strerror(errno));
	shard->started_ms = loop_now_ms(shard->loop);
	map_init(&shard->accounts);
	map_init(&shard->kept);
	map_init(&shard->returning);
	list_init(&shard->to_revive);
	list_init(&shard->spending);
	slab_init(&shard->account_slab, account_size);
	slab_init(&shard->session_slab, session_size);
	list_init(&shard->sessions);
	list_init(&shard->logins);
	arena_init(&shard->scratch, 16 * 1024);
	xml_tokens_init(&shard->tokens);
	shard->sasl = sasl_context_create();
	shard->quota = quota_create();
	shard->throttle = throttle_create(&server->guessing);
	shard->places = places_create(&server->guessing);
	shard->passwords = password_cache_create();
	key_maker_init(&shard->key_maker);
	shard->commands = commands_create();
	shard->metrics = xcalloc(server->metric_count, sizeof(*shard->metrics));
	return shard;
}

void
shard_destroy(struct shard *shard)
{
	struct map_node *node;
	size_t at = 0;

	while ((node = map_next(&shard->accounts, &at)) != NULL) {
		account_destroy(container_of(node, struct account, node));
		at = 0;
	}
	map_finish(&shard->accounts);
	commands_destroy(&shard->commands);
	host_keep_finish(shard);
	revival_finish(shard);
	slab_finish(&shard->account_slab);
	slab_finish(&shard->session_slab);
	arena_finish(&shard->scratch);
	xml_tokens_finish(&shard->tokens);
	sasl_context_destroy(&shard->sasl);
	throttle_destroy(&shard->throttle);
	quota_destroy(&shard->quota);
	places_destroy(&shard->places);
	password_cache_destroy(&shard->passwords);
	c2s_end(shard);
	loop_destroy(&shard->loop);
	free(shard->metrics);
	free(shard);
}

static void *
run_shard(void *arg)
{
	struct shard *shard = arg;

	loop_run(shard->loop);
	return NULL;
}

void
shards_run(struct server *server)
{
	server->is_running = true;
	(void)pthread_barrier_init(&server->standstill, NULL, server->shard_count + 1);
	for (unsigned i = 0; server->sim == NULL && i < server->shard_count; i++) {
		struct shard *shard = server->shards[i];

		if (pthread_create(&shard->thread, NULL, run_shard, shard) != 0)
			die("No thread could be started; raise the limit of processes.");
	}
}

/* A shard's part of the stop, on its thread. */
struct farewell {
	struct task task;
	struct shard *shard;
	struct timer timer;
	uint64_t until_ms;
};

static void
wait_for_clients(struct timer *timer)
{
	struct farewell *f = container_of(timer, struct farewell, timer);
	struct loop_stats stats;

	loop_stats(f->shard->loop, &stats);
	if (stats.conns == 0 || loop_now_ms(f->shard->loop) >= f->until_ms)
		loop_stop(f->shard->loop);
	else
		timer_start(f->shard->loop, timer, 16);
}

static void
say_farewell(struct task *task)
{
	struct farewell *f = container_of(task, struct farewell, task);

	c2s_stop(f->shard);
	if (f->shard->number == 0) {
		control_stop(f->shard->server);
		scrape_stop(f->shard->server);
		certificates_unwatch(f->shard->server);
	}
	f->until_ms = loop_now_ms(f->shard->loop) + f->shard->server->core->server->stop_ms;
	f->timer.fire = wait_for_clients;
	timer_start(f->shard->loop, &f->timer, 0);
}

void
server_stop(struct server *server)
{
	struct farewell *farewells;

	if (!server->is_running)
		return;
	server->is_running = false;
	farewells = xcalloc(server->shard_count, sizeof(*farewells));
	for (unsigned i = 0; i < server->shard_count; i++) {
		farewells[i].shard = server->shards[i];
		farewells[i].task.run = say_farewell;
		loop_post(server->shards[i]->loop, &farewells[i].task);
	}
	for (unsigned i = 0; i < server->shard_count; i++) {
		if (server->sim != NULL)
			loop_run(server->shards[i]->loop);
		else
			(void)pthread_join(server->shards[i]->thread, NULL);
	}
	(void)pthread_barrier_destroy(&server->standstill);
	free(farewells);
}
