/*
 * Another configuration for a running server: all of it or nothing. What can fail is tried first,
 * beside the running shards. Then they stand still for a moment, between two pieces of work, while
 * one thread puts the new one in the place of the old: so no shard ever sees half of a change, and
 * nothing that reads options needs a lock or a count of users.
 */
#include "io/tls.h"
#include "server/server_internal.h"

#include <errno.h>

struct reload {
	struct server *server;
	struct config *config;
	struct tls_context *tls[SHARDS_MOST];
};

/* ---- What can fail ---- */

/* Listeners for TLS are there or not since the start. */
static int
check_tls(const struct reload *reload, struct config_error *error)
{
	bool had = reload->server->shards[0]->tls != NULL, has = reload->tls[0] != NULL;

	if (had == has)
		return 0;
	(void)snprintf(error->text, sizeof(error->text), "%s; restart the server for that",
		has ? "the first certificate cannot come to a server that runs without"
		    : "the last certificate cannot leave a server that runs");
	return -EINVAL;
}

static int
prepare(struct reload *reload, struct config_error *error)
{
	struct server *server = reload->server;
	int r = server_check_config(reload->config, error);

	if (r == 0)
		r = config_check_fixed(server->config, reload->config, error);
	if (r == 0)
		r = c2s_load_certificates(server, reload->config, reload->tls, error);
	if (r == 0)
		r = check_tls(reload, error);
	for (unsigned i = 0; r < 0 && i < server->shard_count; i++)
		tls_context_destroy(&reload->tls[i]);
	return r;
}

/* ---- The change ---- */

/* No shard runs. */
static void
change(struct reload *reload)
{
	struct server *server = reload->server;

	server_use_config(server, reload->config);
	for (unsigned i = 0; i < server->shard_count; i++) {
		if (reload->tls[i] != NULL)
			tls_context_renew(server->shards[i]->tls, &reload->tls[i]);
		c2s_adjust(server->shards[i]);
	}
}

/* A shard's part: all arrive, the change is made, and all go on. */
static void
stand_still(struct task *task)
{
	struct shard *shard = container_of(task, struct shard, standstill);

	(void)pthread_barrier_wait(&shard->server->standstill);
	(void)pthread_barrier_wait(&shard->server->standstill);
	c2s_end_gone(shard);
}

static void
change_between_turns(struct reload *reload)
{
	struct server *server = reload->server;

	for (unsigned i = 0; i < server->shard_count; i++) {
		server->shards[i]->standstill.run = stand_still;
		loop_post(server->shards[i]->loop, &server->shards[i]->standstill);
	}
	(void)pthread_barrier_wait(&server->standstill);
	change(reload);
	(void)pthread_barrier_wait(&server->standstill);
}

int
server_reload(struct server *server, struct config *config, struct config_error *error)
{
	struct reload reload = { .server = server, .config = config };
	int r = prepare(&reload, error);

	if (r < 0)
		return r;
	if (server->sim == NULL) {
		change_between_turns(&reload);
		return 0;
	}
	/* A simulated machine runs one shard at a time, on this thread. */
	change(&reload);
	for (unsigned i = 0; i < server->shard_count; i++)
		c2s_end_gone(server->shards[i]);
	return 0;
}
