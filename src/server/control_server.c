/* What concerns the server as a whole. */
#include "server/control_internal.h"
#include "server/server_internal.h"
#include "server/stats.h"

#include <stdlib.h>

static void
tell_number(void *arg, const char *name, uint64_t number)
{
	control_number(arg, name, (int64_t)number);
}

static void
stats_ready(void *arg, const struct stats *stats)
{
	control_record(arg);
	stats_each(stats, tell_number, arg);
	control_ok(arg);
}

void
control_stats(struct control_request *request)
{
	stats_collect(request->shard->server, stats_ready, request);
}

void
control_stop_server(struct control_request *request)
{
	struct server *server = request->shard->server;

	control_ok(request);
	if (server->wants_stop != NULL)
		server->wants_stop(server->wants_arg);
}

/* On its way to shard 0. */
struct reload_answer {
	struct task task;
	struct control_request *request;
	char error[sizeof(((struct config_error *)NULL)->text)]; /* empty: none */
};

static void
take_reload_answer(struct task *task)
{
	struct reload_answer *answer = container_of(task, struct reload_answer, task);

	if (answer->error[0] == '\0')
		control_ok(answer->request);
	else
		control_error(answer->request, answer->error);
	free(answer);
}

void
server_answer_reload(struct server *server, void *ticket, const char *error)
{
	struct reload_answer *answer = xcalloc(1, sizeof(*answer));

	answer->task.run = take_reload_answer;
	answer->request = ticket;
	if (error != NULL)
		(void)snprintf(answer->error, sizeof(answer->error), "%s", error);
	loop_post(server->shards[0]->loop, &answer->task);
}

void
control_reload(struct control_request *request)
{
	struct server *server = request->shard->server;

	if (server->wants_reload == NULL)
		control_error(request, "this server has no config to reload; restart it");
	else
		server->wants_reload(server->wants_arg, request);
}
