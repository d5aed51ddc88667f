/* What kithctl can ask for. */
#include "server/control_internal.h"
#include "server/registrar.h"
#include "server/server_internal.h"
#include "server/stats.h"

#include <errno.h>
#include <openssl/crypto.h>

/* "name" at the only host, or "name@host"; false after an error. */
static bool
read_jid(struct control_request *request, struct slice name)
{
	const struct server *server = request->shard->server;
	bool has_domain = slice_find(name, '@') < name.len;
	int r;

	if (has_domain)
		r = jid_parse(name, &request->arena, &request->jid);
	else
		r = jid_make(name, host_domain(server->hosts[0]), NO_SLICE, &request->arena,
			&request->jid);
	if (r < 0 || request->jid.local_len == 0 || request->jid.resource_len > 0) {
		control_error(request, "this is no user's address; give one such as a@example.org");
		return false;
	}
	if (server_host(server, jid_domain(&request->jid)) == NULL) {
		control_error(
			request, "this server does not have that domain; see its configuration");
		return false;
	}
	if (!has_domain && server->host_count > 1) {
		control_error(request, "this server has several domains; give the whole address");
		return false;
	}
	return true;
}

/* The sentence, and what kithctl's user can do about it. */
static void
answer_done(void *arg, int error)
{
	struct control_request *request = arg;

	if (error == 0)
		control_ok(request);
	else if (error == -EEXIST)
		control_error(
			request, "this account exists already; use passwd to change its password");
	else if (error == -ENOENT)
		control_error(request, "there is no such account; list shows all");
	else
		control_error(request, registrar_why(error));
}

static void
set_password(struct control_request *request, enum registrar_deed deed)
{
	int r;

	if (!read_jid(request, request->words[1]))
		return;
	r = registrar_set_password(
		request->shard, deed, &request->jid, request->words[2], answer_done, request);
	OPENSSL_cleanse((void *)(uintptr_t)request->words[2].p, request->words[2].len);
	if (r < 0)
		answer_done(request, r);
}

static void
user_add(struct control_request *request)
{
	set_password(request, REGISTRAR_CREATE);
}

static void
user_passwd(struct control_request *request)
{
	set_password(request, REGISTRAR_CHANGE);
}

static void
user_delete(struct control_request *request)
{
	if (read_jid(request, request->words[1]))
		registrar_remove(request->shard, &request->jid, answer_done, request);
}

static bool
got_page(void *arg, int error, const struct store_result *page)
{
	struct control_request *request = arg;

	for (size_t i = 0; i < page->count; i++)
		(void)buffer_printf(&request->answer, "=%.*s\n", SLICE_ARG(page->rows[i].key));
	if (error < 0 || !page->more)
		answer_done(request, error);
	return true;
}

static void
user_list(struct control_request *request)
{
	registrar_list(request->shard, got_page, request);
}

static void
stats_ready(void *arg, const struct stats *stats)
{
	struct control_request *request = arg;

	if (slice_is_text(request->words[1], "json"))
		stats_write_json(stats, &request->answer);
	else
		stats_write_text(stats, &request->answer);
	control_ok(request);
}

static void
tell_stats(struct control_request *request)
{
	stats_collect(request->shard->server, stats_ready, request);
}

static void
stop(struct control_request *request)
{
	struct server *server = request->shard->server;

	control_ok(request);
	if (server->wants_stop != NULL)
		server->wants_stop(server->stop_arg);
}

const struct control_verb control_verbs[] = {
	{ "user-add", 3, user_add },
	{ "user-import", 3, user_add },
	{ "user-passwd", 3, user_passwd },
	{ "user-delete", 2, user_delete },
	{ "user-list", 1, user_list },
	{ "stats", 2, tell_stats },
	{ "stop", 1, stop },
	{ NULL, 0, NULL },
};
