/* kithctl user: accounts come, change and go, and what is known of one. */
#include "server/admin.h"
#include "server/control_internal.h"
#include "server/registrar.h"
#include "server/server_internal.h"

#include <errno.h>
#include <openssl/crypto.h>

/* The domain may be left out when there is only one. */
static int
parse(struct control_request *request, struct slice word, bool has_domain)
{
	const struct server *server = request->shard->server;
	size_t slash = slice_find(word, '/');

	if (has_domain)
		return jid_parse(word, &request->arena, &request->jid);
	return jid_make(slice_make(word.p, slash), host_domain(server->hosts[0]),
		slash < word.len ? slice_from(word, slash + 1) : NO_SLICE, &request->arena,
		&request->jid);
}

bool
control_read_any_jid(struct control_request *request, struct slice word)
{
	const struct server *server = request->shard->server;
	size_t local_end = slice_find(slice_make(word.p, slice_find(word, '/')), '@');
	bool has_domain = local_end < slice_find(word, '/');

	if (parse(request, word, has_domain) < 0 || request->jid.local_len == 0) {
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

bool
control_read_jid(struct control_request *request, struct slice word)
{
	if (slice_find(word, '/') == word.len)
		return control_read_any_jid(request, word);
	control_error(request, "this is a session's address; leave out the slash and what follows");
	return false;
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

/* All of them, or so many that begin with the word. */
struct listing {
	struct control_request *request;
	struct slice beginning;
	uint64_t left;
};

static bool
got_page(void *arg, int error, const struct store_result *page)
{
	struct listing *listing = arg;
	struct control_request *request = listing->request;
	bool goes_on = error == 0 && page->more;

	for (size_t i = 0; i < page->count; i++) {
		goes_on &= listing->left > 0 && slice_starts(page->rows[i].key, listing->beginning);
		if (listing->left == 0 || !slice_starts(page->rows[i].key, listing->beginning))
			break;
		listing->left--;
		control_record(request);
		control_text(request, "address", page->rows[i].key);
	}
	if (!goes_on)
		control_answer_done(request, error);
	return goes_on;
}

void
control_user_list(struct control_request *request)
{
	struct listing *listing = arena_new(&request->arena, struct listing);

	listing->request = request;
	listing->beginning = request->words[1];
	listing->left = UINT64_MAX;
	if (request->count > 2 && slice_to_uint(request->words[2], UINT64_MAX, &listing->left) < 0)
		control_error(request, "how many? give a number");
	else
		registrar_list_from(request->shard, listing->beginning, got_page, listing);
}

void
control_user_disable(struct control_request *request)
{
	if (control_read_jid(request, request->words[1]))
		registrar_disable(request->shard, &request->jid, control_answer_done, request);
}

void
control_user_enable(struct control_request *request)
{
	if (control_read_jid(request, request->words[1]))
		registrar_enable(request->shard, &request->jid, control_answer_done, request);
}

/* ---- What is known of one ---- */

/* In the request's arena, between the two questions. */
static void
keep_facts(struct control_request *request, const struct admin_facts *facts)
{
	struct admin_facts *kept = arena_new(&request->arena, struct admin_facts);

	*kept = *facts;
	kept->last_login = arena_copy(&request->arena, facts->last_login);
	kept->last_left = arena_copy(&request->arena, facts->last_left);
	request->state = kept;
}

/* Someone who is here was last here now; a stored moment would be older. */
static void
got_sessions(void *arg, const struct admin_sessions *found)
{
	struct control_request *request = arg;
	const struct admin_facts *facts = request->state;
	size_t bytes = 0;

	for (size_t i = 0; i < found->count; i++)
		bytes += found->v[i].queue_bytes;
	control_record(request);
	control_text(request, "address", request->jid.full);
	control_flag(request, "disabled", facts->is_disabled);
	control_number(request, "sessions", (int64_t)found->count);
	control_number(request, "queue_bytes", (int64_t)bytes);
	control_text(request, "last_login", facts->last_login);
	control_text(request, "last_left", facts->last_left);
	control_number(request, "contacts", (int64_t)facts->contacts);
	control_number(request, "contact_requests", (int64_t)facts->requests);
	control_number(request, "offline_messages", (int64_t)facts->messages);
	control_number(request, "offline_bytes", (int64_t)facts->message_bytes);
	control_ok(request);
}

static void
got_facts(void *arg, int error, const struct admin_facts *facts)
{
	struct control_request *request = arg;

	if (error < 0) {
		control_answer_done(request, error);
		return;
	}
	keep_facts(request, facts);
	admin_find_sessions(request->shard, &request->jid, got_sessions, request);
}

void
control_user_show(struct control_request *request)
{
	if (control_read_jid(request, request->words[1]))
		admin_read_facts(request->shard, &request->jid, got_facts, request);
}
