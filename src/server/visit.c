/* One task that goes from shard to shard and home again. */
#include "server/visit.h"

#include "server/server_internal.h"

#include <stdlib.h>

struct visit {
	struct task task;
	struct shard *origin, *at; /* at NULL: on its way home */
	unsigned last;             /* number of the shard that is seen last */
	visit_shard *see, *done;
	void *arg;
};

static void go_home(struct task *task);

static void
arrive(struct task *task)
{
	struct visit *visit = container_of(task, struct visit, task);
	const struct server *server = visit->origin->server;

	visit->see(visit->at, visit->arg);
	if (visit->at->number < visit->last) {
		visit->at = server->shards[visit->at->number + 1];
		loop_post(visit->at->loop, &visit->task);
		return;
	}
	visit->task.run = go_home;
	loop_post(visit->origin->loop, &visit->task);
}

static void
go_home(struct task *task)
{
	struct visit *visit = container_of(task, struct visit, task);

	visit->done(visit->origin, visit->arg);
	free(visit);
}

static void
begin(struct shard *origin, struct visit plan)
{
	struct visit *visit = xcalloc(1, sizeof(*visit));

	*visit = plan;
	visit->origin = origin;
	visit->task.run = arrive;
	loop_post(visit->at->loop, &visit->task);
}

void
visit_all(struct shard *origin, visit_shard *see, visit_shard *done, void *arg)
{
	begin(origin, (struct visit){
			      .at = origin->server->shards[0],
			      .last = origin->server->shard_count - 1,
			      .see = see,
			      .done = done,
			      .arg = arg,
		      });
}

void
visit_home(struct shard *origin, struct slice bare, visit_shard *see, visit_shard *done, void *arg)
{
	struct shard *home = server_home(origin->server, bare);

	begin(origin, (struct visit){
			      .at = home,
			      .last = home->number,
			      .see = see,
			      .done = done,
			      .arg = arg,
		      });
}
