/* What kithctl can ask for. */
#include "proto/password.h"
#include "server/account_internal.h"
#include "server/control_internal.h"
#include "server/server_internal.h"
#include "server/stats.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum { LIST_PAGE = 1000 };

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
		r = jid_make(name, host_domain(&server->hosts[0]), NO_SLICE, &request->arena,
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

static void
answer_commit(struct control_request *request, int error)
{
	if (error == 0)
		control_ok(request);
	else if (error == -EEXIST)
		control_error(
			request, "this account exists already; use passwd to change its password");
	else if (error == -ENOENT)
		control_error(request, "there is no such account; list shows all");
	else if (error == -ENOSPC)
		control_error(request, "the disk is full; nothing was changed");
	else
		control_error(
			request, "the store failed and nothing is certain; see the server's log");
}

static void
keys_saved(struct store_request *done)
{
	answer_commit(done->arg, done->error);
}

static void
save_keys(struct job *job)
{
	struct control_request *request = container_of(job, struct control_request, job);
	struct server *server = request->shard->server;
	struct store_txn *txn = store_txn_create(server->store, request->jid.full);
	unsigned table = server->tables[CORE_CREDENTIALS];
	struct buffer text;

	buffer_init(&text, 4096);
	(void)scram_credentials_write(&request->keys, &text);
	if (request->replaces) {
		store_txn_value_require(txn, table);
		store_txn_value_set(txn, table, buffer_slice(&text));
	} else {
		store_txn_value_create(txn, table, buffer_slice(&text));
	}
	buffer_finish(&text);
	OPENSSL_cleanse(&request->keys, sizeof(request->keys));
	store_commit(txn, 0, keys_saved, request);
}

static void
derive_keys(struct job *job)
{
	struct control_request *request = container_of(job, struct control_request, job);
	uint32_t iterations = request->shard->server->core->auth->iterations;

	(void)scram_credentials_make(request->password, iterations, &request->keys);
	OPENSSL_cleanse((void *)(uintptr_t)request->password.p, request->password.len);
}

static void
set_password(struct control_request *request, bool replaces)
{
	if (!read_jid(request, request->words[1]))
		return;
	if (password_prepare(request->words[2], &request->arena, &request->password) < 0) {
		control_error(request,
			"this is no password: it is empty, longer than 1023 bytes, or has control "
			"characters");
		return;
	}
	request->password = arena_copy(&request->arena, request->password);
	request->replaces = replaces;
	request->job.loop = request->shard->loop;
	request->job.run = derive_keys;
	request->job.done = save_keys;
	if (worker_submit(request->shard->server->workers, &request->job) < 0)
		control_error(request, "the server is busy; try again");
}

static void
user_add(struct control_request *request)
{
	set_password(request, false);
}

static void
user_passwd(struct control_request *request)
{
	set_password(request, true);
}

/* On the account's home: whoever is signed in has to go. */
struct deletion {
	struct task task;
	struct shard *home;
	size_t len;
	char bare[];
};

static void
delete_at_home(struct task *task)
{
	struct deletion *deletion = container_of(task, struct deletion, task);
	struct account *acct = account_find(
		deletion->home, slice_make(deletion->bare, deletion->len));

	if (acct != NULL)
		account_delete(acct);
	free(deletion);
}

static void
user_deleted(struct store_request *done)
{
	struct control_request *request = done->arg;
	struct slice bare = request->jid.full;
	struct deletion *deletion;

	if (done->error == 0) {
		deletion = xcalloc(1, sizeof(*deletion) + bare.len);
		deletion->task.run = delete_at_home;
		deletion->home = server_home(request->shard->server, bare);
		deletion->len = bare.len;
		memcpy(deletion->bare, bare.p, bare.len);
		loop_post(deletion->home->loop, &deletion->task);
	}
	answer_commit(request, done->error);
}

static void
user_delete(struct control_request *request)
{
	struct server *server = request->shard->server;
	struct store_txn *txn;

	if (!read_jid(request, request->words[1]))
		return;
	txn = store_txn_create(server->store, request->jid.full);
	store_txn_value_require(txn, server->tables[CORE_CREDENTIALS]);
	store_txn_owner_delete(txn);
	store_commit(txn, 0, user_deleted, request);
}

static void list_page(struct control_request *request, struct slice after);

static void
got_page(struct store_request *done)
{
	struct control_request *request = done->arg;
	const struct store_result *result = store_result(store_batch_of(done), 0);

	if (done->error < 0) {
		answer_commit(request, done->error);
		return;
	}
	for (size_t i = 0; i < result->count; i++)
		(void)buffer_printf(&request->answer, "=%.*s\n", SLICE_ARG(result->rows[i].key));
	if (result->more)
		list_page(
			request, arena_copy(&request->arena, result->rows[result->count - 1].key));
	else
		control_ok(request);
}

static void
list_page(struct control_request *request, struct slice after)
{
	struct server *server = request->shard->server;
	struct store_batch *batch = store_batch_create(server->store, NO_SLICE);

	(void)store_read_owners(batch, server->tables[CORE_CREDENTIALS], after, LIST_PAGE);
	store_fetch(batch, 0, got_page, request);
}

static void
user_list(struct control_request *request)
{
	list_page(request, NO_SLICE);
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
