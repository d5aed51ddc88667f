/*
 * A request lives in an object of its own from dispatch to answer, with a frozen copy of the
 * stanza, so a handler may wait for storage without anything moving under it.
 */
#include "server/iq_internal.h"

#include "server/account_internal.h"
#include "server/login_internal.h"
#include "server/receipt.h"
#include "server/route.h"
#include "server/server_internal.h"
#include "server/session_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct request {
	struct iq iq;
	struct arena arena;
	struct xml_tokens tokens;
	struct shard *shard;
	void (*saved)(struct iq *iq);
	void (*fetched)(struct iq *iq, const struct store_batch *batch);
	struct receipt *receipt; /* of the question; or NULL */
	bool holds;              /* its account */
	bool is_early;           /* of who is not signed in */
	bool by_session;         /* and to nobody else is it answered */
};

static const struct iq_entry *
find_route(const struct server *server, enum iq_type type, enum iq_scope scope,
	const struct xml_token *child)
{
	for (size_t i = 0; i < server->route_count; i++) {
		const struct iq_entry *entry = &server->routes[i];

		if (entry->route->type == type && entry->route->scope == scope &&
			codec_matches(entry->type, child))
			return entry;
	}
	return NULL;
}

/* Whether the payload has a route of the other type: then the question is right, the type wrong. */
static bool
is_known_otherwise(const struct server *server, enum iq_type type, enum iq_scope scope,
	const struct xml_token *child)
{
	return find_route(server, type == IQ_GET ? IQ_SET : IQ_GET, scope, child) != NULL;
}

static void
request_destroy(struct request *request)
{
	struct account *acct = request->holds ? request->iq.account : NULL;

	receipt_drop(&request->receipt);
	xml_tokens_finish(&request->tokens);
	arena_finish(&request->arena);
	free(request);
	if (acct != NULL) {
		acct->iq = NULL;
		account_release(acct);
	}
}

static struct request *
request_create(struct shard *shard, const struct stanza *st)
{
	struct request *request = xcalloc(1, sizeof(*request));
	struct buffer xml;
	struct slice bytes;

	request->shard = shard;
	arena_init(&request->arena, 0);
	buffer_init(&xml, LIMIT_FROZEN_STANZA);
	stanza_write(&xml, st);
	bytes = arena_copy(&request->arena, buffer_slice(&xml));
	buffer_finish(&xml);
	xml_tokens_init(&request->tokens);
	if (stanza_thaw(shard->server->names, bytes, &request->tokens, &request->arena,
		    &request->iq.st) < 0)
		die("A stanza that was written could not be read; this is a bug of kithd.");
	request->iq.arena = &request->arena;
	request->receipt = receipt_hold(st->receipt);
	return request;
}

static void
run(struct shard *shard, const struct iq_entry *entry, const struct stanza *st, struct host *host,
	struct account *acct, struct session *s, struct login *login)
{
	struct request *request = request_create(shard, st);
	struct iq *iq = &request->iq;
	const char *why = NULL;
	void *data;

	iq->host = host;
	iq->account = acct;
	iq->session = s;
	request->by_session = s != NULL;
	iq->login = login;
	request->is_early = login != NULL;
	if (login != NULL)
		login->iq = iq;
	iq->payload = codec_payload(entry->type);
	if (codec_decode(entry->type, stanza_payload(&iq->st), &request->arena, &data, &why) < 0) {
		iq_error(iq, BAD_REQUEST, why);
		return;
	}
	iq->data = data;
	entry->route->handle(iq);
}

bool
iq_from_login(struct login *login, struct stanza *st)
{
	enum iq_type type = st->type == TYPE_GET ? IQ_GET : IQ_SET;
	struct shard *shard = login->shard;
	const struct iq_entry *entry = NULL;

	if (st->type == TYPE_GET || st->type == TYPE_SET)
		entry = find_route(shard->server, type, BEFORE_SIGN_IN, stanza_payload(st));
	if (entry == NULL)
		return false;
	run(shard, entry, st, login->host, NULL, NULL, login);
	return true;
}

void
iq_forget_login(struct iq *iq)
{
	iq->login = NULL;
}

/* RFC 6120 8.4: a request for which there is no handler. */
static void
refuse(struct shard *shard, const struct stanza *st, enum iq_type type, enum iq_scope scope)
{
	const struct xml_token *child = stanza_payload(st);

	if (child != NULL && is_known_otherwise(shard->server, type, scope, child))
		route_bounce(
			shard, st, BAD_REQUEST, "That is the wrong type for this request", NULL);
	else
		route_bounce(shard, st, SERVICE_UNAVAILABLE, NULL, NULL);
}

void
iq_to_host(struct shard *shard, struct host *host, struct stanza *st)
{
	const struct iq_entry *entry;
	enum iq_type type = st->type == TYPE_GET ? IQ_GET : IQ_SET;

	if (st->kind != STANZA_IQ) {
		if (st->kind == STANZA_MESSAGE)
			route_bounce(shard, st, SERVICE_UNAVAILABLE, NULL, NULL);
		return;
	}
	if (st->type != TYPE_GET && st->type != TYPE_SET)
		return;
	entry = find_route(shard->server, type, TO_HOST, stanza_payload(st));
	if (entry == NULL)
		refuse(shard, st, type, TO_HOST);
	else
		run(shard, entry, st, host, NULL, NULL, NULL);
}

void
iq_to_account(struct account *acct, struct session *s, struct stanza *st)
{
	struct shard *shard = acct->shard;
	enum iq_type type = st->type == TYPE_GET ? IQ_GET : IQ_SET;
	const struct iq_entry *entry = NULL;

	if (s != NULL)
		entry = find_route(shard->server, type, TO_SELF, stanza_payload(st));
	if (entry == NULL)
		entry = find_route(shard->server, type, TO_ACCOUNT, stanza_payload(st));
	if (entry == NULL)
		refuse(shard, st, type, s != NULL ? TO_SELF : TO_ACCOUNT);
	else
		run(shard, entry, st, acct->host, acct, s, NULL);
}

const void *
iq_data(const struct iq *iq, const struct payload *payload)
{
	assert(iq->payload == payload);
	return iq->data;
}

static struct request *
request_of(struct iq *iq)
{
	return container_of(iq, struct request, iq);
}

int64_t
iq_wall_ms(struct iq *iq)
{
	return loop_wall_ms(request_of(iq)->shard->loop);
}

uint64_t
iq_uptime_ms(struct iq *iq)
{
	const struct shard *shard = request_of(iq)->shard;

	return loop_now_ms(shard->loop) - shard->started_ms;
}

/* Whoever is not signed in has waited for it, and may be gone. */
static void
answer_login(struct iq *iq, const struct stanza *st)
{
	struct login *login = iq->login;

	if (login == NULL)
		return;
	login->iq = NULL;
	stanza_write(conn_output(login->conn), st);
	login_continue(login);
}

/* The answer goes straight to who asks, or back by the router. */
static void
answer(struct iq *iq, struct stanza *st)
{
	struct request *request = request_of(iq);

	st->kind = STANZA_IQ;
	st->id = iq->st.id;
	st->from = iq->st.to;
	st->to = iq->st.from;
	if (request->is_early)
		answer_login(iq, st);
	else if (iq->session != NULL)
		(void)session_deliver(iq->session, st);
	else if (!request->by_session)
		route(request->shard, st);
}

/* The content has been written; it may have become too long. */
static void
finish_result(struct iq *iq, struct buffer *content)
{
	struct stanza st = { .type = TYPE_RESULT, .content = buffer_slice(content) };

	if (content->overflowed) {
		buffer_finish(content);
		iq_error(iq, RESOURCE_CONSTRAINT, "The answer is too large for one stanza");
		return;
	}
	answer(iq, &st);
	buffer_finish(content);
	request_destroy(request_of(iq));
}

void
iq_result(struct iq *iq, const struct payload *payload, const void *data)
{
	struct buffer content;

	buffer_init(&content, LIMIT_ANSWER);
	if (payload != NULL)
		codec_encode(&content, payload, data);
	finish_result(iq, &content);
}

void
iq_result_xml(struct iq *iq, struct slice xml)
{
	struct buffer content;

	buffer_init(&content, LIMIT_ANSWER);
	(void)buffer_append(&content, xml);
	finish_result(iq, &content);
}

/* Answers with what is in the buffer. */
static void
answer_error(struct iq *iq, struct buffer *content)
{
	struct stanza st = { .type = TYPE_ERROR, .content = buffer_slice(content) };

	answer(iq, &st);
	buffer_finish(content);
	request_destroy(request_of(iq));
}

void
iq_refuse(struct iq *iq, enum stanza_condition condition, const char *text,
	const struct payload *detail)
{
	struct buffer content;

	buffer_init(&content, LIMIT_STORED_STANZA);
	stanza_error_write(&content, condition, text, detail == NULL ? NULL : detail->name,
		detail == NULL ? NULL : detail->ns);
	answer_error(iq, &content);
}

void
iq_error(struct iq *iq, enum stanza_condition condition, const char *text)
{
	iq_refuse(iq, condition, text, NULL);
}

void
iq_error_coded(struct iq *iq, enum stanza_condition condition, const char *text)
{
	struct buffer content;

	buffer_init(&content, LIMIT_STORED_STANZA);
	stanza_error_write_coded(&content, condition, text);
	answer_error(iq, &content);
}

bool
iq_take_sender(struct iq *iq)
{
	struct shard *shard = request_of(iq)->shard;
	struct account *acct = account_find(shard, jid_bare(&iq->st.from));

	if (acct == NULL || !account_is_ready(acct) || acct->iq != NULL)
		return false;
	iq->session = account_session(acct, jid_resource(&iq->st.from));
	iq->account = iq->session == NULL ? NULL : acct;
	request_of(iq)->by_session = iq->session != NULL;
	return iq->session != NULL;
}

void
iq_hold(struct iq *iq)
{
	assert(iq->account->iq == NULL);
	iq->account->iq = iq;
	request_of(iq)->holds = true;
	account_hold(iq->account);
}

struct shard *
iq_shard(struct iq *iq)
{
	return request_of(iq)->shard;
}

static void
committed(struct account *acct, int error, void *arg)
{
	struct iq *iq = arg;

	acct->iq = NULL;
	if (error == 0)
		request_of(iq)->saved(iq);
	else if (error == -ENOSPC)
		iq_error(iq, RESOURCE_CONSTRAINT, "The server's disk is full; nothing was changed");
	else
		iq_error(iq, INTERNAL_SERVER_ERROR, "The change could not be stored");
}

void
iq_commit(struct iq *iq, struct store_txn *txn, void (*saved)(struct iq *iq))
{
	assert(iq->account != NULL);
	request_of(iq)->saved = saved;
	iq->account->iq = iq;
	account_commit_paused(iq->account, txn, committed, iq);
}

static void
fetched(struct account *acct, int error, struct store_batch *batch, void *arg)
{
	struct iq *iq = arg;

	acct->iq = NULL;
	if (error == 0)
		request_of(iq)->fetched(iq, batch);
	else
		iq_error(iq, INTERNAL_SERVER_ERROR, "What is stored could not be read");
}

void
iq_fetch(struct iq *iq, struct store_batch *batch,
	void (*got)(struct iq *iq, const struct store_batch *batch))
{
	assert(iq->account != NULL);
	request_of(iq)->fetched = got;
	iq->account->iq = iq;
	account_fetch(iq->account, batch, fetched, iq);
}

void
iq_forget_session(struct iq *iq, const struct session *s)
{
	if (iq != NULL && iq->session == s)
		iq->session = NULL;
}
