/* What concerns the server as a whole. */
#include "server/control_internal.h"
#include "server/server_internal.h"
#include "server/stats.h"

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
		server->wants_stop(server->stop_arg);
}
