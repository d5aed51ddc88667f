/* What concerns the server as a whole: how it is, what it counted, what it logs, its end. */
#include "base/clock.h"
#include "io/tls.h"
#include "server/control_internal.h"
#include "server/server_internal.h"
#include "server/stats.h"
#include "server/visit.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <unistd.h>

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

/* ---- How it is ---- */

enum { PROBLEMS_MOST = 8, SLOW_US = 1000 * 1000 };

struct status {
	struct control_request *request;
	struct slice problems[PROBLEMS_MOST];
	struct slice_list list;
	uint64_t sessions, accounts, lag_us;
};

static void
see(struct shard *shard, void *arg)
{
	struct status *status = arg;
	struct loop_stats loop;

	loop_stats(shard->loop, &loop);
	status->sessions += shard->session_count;
	status->accounts += shard->accounts.count;
	if (loop.lag_us > status->lag_us)
		status->lag_us = loop.lag_us;
}

static void
add_problem(struct status *status, struct slice sentence)
{
	if (status->list.count < PROBLEMS_MOST)
		status->problems[status->list.count++] = sentence;
}

static void
look_at_store(struct status *status, struct server *server)
{
	struct store_stats store;

	store_get_stats(server->store, &store);
	if (store.fenced)
		add_problem(status,
			SLICE("the database failed and nothing is stored; look at the disk and "
			      "the log"));
	else if (store.full)
		add_problem(status, SLICE("the disk is full; make room"));
	if (store_is_busy(server->store))
		add_problem(status, SLICE("the disk is too slow for what is to be written"));
}

static void
look_for_problems(struct status *status, struct server *server)
{
	struct arena *arena = &status->request->arena;

	look_at_store(status, server);
	if (status->lag_us > SLOW_US)
		add_problem(status, SLICE("a thread was at work for more than a second; the "
					  "machine may be overloaded"));
	for (size_t i = 0; i < server->host_count; i++) {
		struct slice domain = host_domain(server->hosts[i]);
		const struct tls_context *tls = status->request->shard->tls;

		if (tls != NULL && !tls_context_is_valid(tls, arena_copy(arena, domain).p))
			add_problem(status,
				arena_printf(arena,
					"the certificate of %.*s is not valid today; renew it",
					SLICE_ARG(domain)));
	}
}

static void
tell_status(struct shard *shard, void *arg)
{
	struct status *status = arg;
	struct server *server = shard->server;
	struct control_request *request = status->request;
	struct slice_list domains = { .v = arena_array(
					      &request->arena, server->host_count, struct slice) };
	int64_t up_ms = (int64_t)(loop_now_ms(shard->loop) - shard->started_ms);

	status->list.v = status->problems;
	look_for_problems(status, server);
	for (size_t i = 0; i < server->host_count; i++)
		domains.v[domains.count++] = host_domain(server->hosts[i]);
	control_record(request);
	control_text(request, "version", slice_of(server_version()));
	control_text(request, "library", slice_of(OpenSSL_version(OPENSSL_VERSION)));
	control_number(request, "pid", getpid());
	control_time(request, "since", loop_wall_ms(shard->loop) - up_ms);
	control_text(request, "directory", slice_of(server->directory));
	control_number(request, "shards", server->shard_count);
	control_list(request, "domains", &domains);
	control_number(request, "sessions", (int64_t)status->sessions);
	control_number(request, "accounts_in_memory", (int64_t)status->accounts);
	control_number(request, "log_lines_lost",
		server->log == NULL ? 0 : (int64_t)log_dropped(server->log));
	control_list(request, "problems", &status->list);
	control_ok(request);
}

void
control_status(struct control_request *request)
{
	struct status *status = arena_new(&request->arena, struct status);

	status->request = request;
	visit_all(request->shard, see, tell_status, status);
}

/* ---- What it logs ---- */

static void
tell_level(struct control_request *request, const struct log *log)
{
	control_record(request);
	control_text(request, "level", slice_of(log_level_name(log_level(log))));
	control_ok(request);
}

void
control_log_level(struct control_request *request)
{
	struct log *log = request->shard->server->log;
	enum log_level level;

	if (log == NULL) {
		control_error(request, "this server has no log");
		return;
	}
	if (request->count > 1 && log_level_read(request->words[1], &level) < 0) {
		control_error(
			request, "there is no such level; it is error, warning, info or debug");
		return;
	}
	if (request->count > 1)
		log_set_level(log, level);
	tell_level(request, log);
}

/* ---- Its end ---- */

void
control_stop_server(struct control_request *request)
{
	struct server *server = request->shard->server;

	control_ok(request);
	if (server->wants_stop != NULL)
		server->wants_stop(server->wants_arg);
}

void
control_restart(struct control_request *request)
{
	struct server *server = request->shard->server;

	if (server->wants_restart == NULL) {
		control_error(request, "this server cannot begin anew; stop it and start it");
		return;
	}
	control_ok(request);
	server->wants_restart(server->wants_arg);
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
