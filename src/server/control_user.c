/* kithctl user: accounts come, change and go. */
#include "server/control_internal.h"
#include "server/registrar.h"
#include "server/server_internal.h"

#include <errno.h>
#include <openssl/crypto.h>

bool
control_read_jid(struct control_request *request, struct slice word)
{
	const struct server *server = request->shard->server;
	bool has_domain = slice_find(word, '@') < word.len;
	int r;

	if (has_domain)
		r = jid_parse(word, &request->arena, &request->jid);
	else
		r = jid_make(word, host_domain(server->hosts[0]), NO_SLICE, &request->arena,
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

void
control_answer_done(void *arg, int error)
{
	struct control_request *request = arg;

	if (error == 0)
		control_ok(request);
	else if (error == -EEXIST)
		control_error(request,
			"this account exists already; use user passwd to change its password");
	else if (error == -ENOENT)
		control_error(request, "there is no such account; user list shows all");
	else
		control_error(request, registrar_why(error));
}

static void
set_password(struct control_request *request, enum registrar_deed deed)
{
	int r;

	if (!control_read_jid(request, request->words[1]))
		return;
	r = registrar_set_password(request->shard, deed, &request->jid, request->words[2],
		control_answer_done, request);
	OPENSSL_cleanse((void *)(uintptr_t)request->words[2].p, request->words[2].len);
	if (r < 0)
		control_answer_done(request, r);
}

void
control_user_add(struct control_request *request)
{
	set_password(request, REGISTRAR_CREATE);
}

void
control_user_passwd(struct control_request *request)
{
	set_password(request, REGISTRAR_CHANGE);
}

void
control_user_delete(struct control_request *request)
{
	if (control_read_jid(request, request->words[1]))
		registrar_remove(request->shard, &request->jid, control_answer_done, request);
}

static bool
got_page(void *arg, int error, const struct store_result *page)
{
	struct control_request *request = arg;

	for (size_t i = 0; i < page->count; i++) {
		control_record(request);
		control_text(request, "address", page->rows[i].key);
	}
	if (error < 0 || !page->more)
		control_answer_done(request, error);
	return true;
}

void
control_user_list(struct control_request *request)
{
	registrar_list(request->shard, got_page, request);
}
