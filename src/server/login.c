/* The stream of a client that is not signed in yet: headers, features, STARTTLS, the move. */
#include "server/login.h"

#include "base/random.h"
#include "server/account_internal.h"
#include "server/credentials.h"
#include "server/iq_internal.h"
#include "server/login_internal.h"
#include "server/login_sasl2.h"
#include "server/server_internal.h"
#include "server/session_away.h"
#include "server/session_internal.h"
#include "server/sm.h"

#include <openssl/crypto.h>
#include <stdlib.h>

enum { PREAUTH_OUTPUT = 64 * 1024, LANG_MOST = 64 };

static const struct conn_handler handler;

static void
login_free(struct login *login)
{
	struct shard *shard = login->shard;

	list_remove(&login->link);
	list_remove(&login->account_link);
	session_forget_return(login);
	login_forget_work(login);
	timer_stop(shard->loop, &login->timer);
	timer_stop(shard->loop, &login->delay);
	sasl_server_finish(&login->sasl);
	OPENSSL_cleanse(&login->keys, sizeof(login->keys));
	stream_finish(&login->stream);
	arena_finish(&login->arena);
	shard->login_count--;
	free(login);
}

/* The connection is gone. What is under way for this login comes back to nobody. */
static void
forget(struct login *login)
{
	if (conn_is_tls(login->conn) && !conn_is_secured(login->conn))
		shard_count(login->shard, METRIC_TLS_FAILURES_TOTAL);
	credentials_cancel(&login->query);
	if (login->iq != NULL)
		iq_forget_login(login->iq);
	login->iq = NULL;
	if (login->is_moving)
		login->ended = true; /* the task that is posted frees it */
	else
		login_free(login);
}

static void
log_end(const struct login *login, enum stream_condition condition, const char *text)
{
	char peer[PEER_TEXT];

	peer_write(conn_peer(login->conn), peer);
	log_info(login->shard->server->log, "login ended", F_STR("peer", peer),
		F_STR("error", stream_condition_name(condition)),
		F_STR("why", text == NULL ? "" : text));
}

void
login_end(struct login *login, enum stream_condition condition, const char *text)
{
	login_end_with(login, condition, text, NO_SLICE);
}

void
login_end_with(
	struct login *login, enum stream_condition condition, const char *text, struct slice detail)
{
	struct buffer *out = conn_output(login->conn);

	log_end(login, condition, text);
	shard_count(login->shard, METRIC_STREAM_ERRORS_TOTAL);
	/* RFC 6120 4.9.1.1: an error before our header is sent behind one. */
	if (!login->has_header) {
		char id[TOKEN_CHARS + 1];

		random_token(id);
		stream_write_header(out, slice_of(id),
			login->host == NULL ? NO_SLICE : host_domain(login->host), NO_SLICE,
			SLICE("en"));
	}
	stream_error_write_with(out, condition, text, detail);
	stream_write_close(out);
	conn_close(login->conn);
	forget(login);
}

void
login_end_user(struct shard *shard, struct slice bare, const char *why)
{
	struct login *login;

	LIST_EACH (login, &shard->logins, struct login, link) {
		if (slice_is(login->user.full, bare))
			login_end(login, STREAM_NOT_AUTHORIZED, why);
	}
}

static void
timed_out(struct timer *timer)
{
	struct login *login = container_of(timer, struct login, timer);

	login_end(login, STREAM_CONNECTION_TIMEOUT, "Signing in took too long");
}

/* The end of a part of the sign-in, but never beyond the end of all of it. */
static void
set_deadline(struct login *login, uint32_t ms)
{
	uint64_t now = loop_now_ms(login->shard->loop);
	uint64_t left = login->until_ms > now ? login->until_ms - now : 0;

	login->timer.fire = timed_out;
	timer_start(login->shard->loop, &login->timer, ms < left ? ms : left);
}

void
login_wait(struct login *login)
{
	login->waits = true;
}

void
login_continue(struct login *login)
{
	login->waits = false;
	conn_resume(login->conn);
	conn_feed(login->conn);
}

/* What is offered now (RFC 6120, 5.3.1, 6.3.3 and 7.3.1). */
static unsigned
features(const struct login *login)
{
	const struct c2s_config *conf = login->shard->server->core->c2s;
	bool is_tls = conn_is_tls(login->conn);
	unsigned offered = 0;

	if (login->user.full.p != NULL)
		return FEATURE_BIND;
	if (is_tls)
		offered |= FEATURE_SASL2; /* XEP-0388, 4: over TLS only */
	if (!is_tls && login->shard->tls != NULL)
		offered |= FEATURE_TLS | (conf->require_tls ? FEATURE_TLS_REQUIRED : 0u);
	if (is_tls || !conf->require_tls)
		offered |= FEATURE_SASL;
	if ((offered & FEATURE_SASL) != 0)
		hook_sign_in_features(&login->shard->server->pipeline, &offered, login->host);
	return offered;
}

void
login_write_features(struct login *login, const struct session *bound)
{
	const struct c2s_config *conf = login->shard->server->core->c2s;
	unsigned mechanisms = login->offered = login_mechanisms(login);
	const char *names[SASL_MECHANISMS + 1];
	struct stream_offer offer = {
		.features = bound != NULL ? 0 : features(login),
		.mechanisms = names,
		.bindings = login_bindings(login),
		.stanza_bytes = xml_limits_before_auth.stanza_bytes,
	};
	struct buffer more, inlined, tasks;
	size_t count = 0;

	for (unsigned m = SASL_MECHANISMS; m-- > 1;) {
		if ((mechanisms & SASL_BIT(m)) != 0)
			names[count++] = sasl_mechanism_name((enum sasl_mechanism)m);
	}
	names[count] = NULL;
	buffer_init(&more, LIMIT_STORED_STANZA);
	buffer_init(&inlined, LIMIT_STORED_STANZA);
	buffer_init(&tasks, LIMIT_STORED_STANZA);
	if ((offer.features & FEATURE_SASL2) != 0) {
		login_write_inlined(login, &inlined);
		login_write_upgrades(&tasks);
	}
	offer.inlined = buffer_slice(&inlined);
	offer.tasks = buffer_slice(&tasks);
	if (login->user.full.p != NULL) {
		offer.stanza_bytes = conf->stanza_bytes;
		offer.idle_s = conf->idle_ms / 1000;
		if (bound == NULL || bound->sm == NULL)
			(void)buffer_text(&more, "<sm xmlns='" NS_SM "'/>");
		hook_bind_features(&login->shard->server->pipeline, &more, login->host);
		offer.more = buffer_slice(&more);
	}
	stream_write_features(&login->stream, conn_output(login->conn), &offer);
	buffer_finish(&inlined);
	buffer_finish(&tasks);
	buffer_finish(&more);
}

/* The host that the header names; NULL after the right error. */
static struct host *
choose_host(struct login *login, const struct stream_event *event)
{
	struct server *server = login->shard->server;
	struct host *host;
	struct slice domain;

	if (event->to.p == NULL && server->host_count == 1)
		return server->hosts[0];
	if (event->to.p == NULL) {
		login_end(login, STREAM_IMPROPER_ADDRESSING, "The stream's header has no 'to'");
		return NULL;
	}
	host = jid_prepare_domain(event->to, &login->arena, &domain) < 0
		       ? NULL
		       : server_host(server, domain);
	if (host == NULL)
		login_end(login, STREAM_HOST_UNKNOWN, NULL);
	else if (login->user.full.p != NULL && host != login->host)
		/* Row 27: whom one signed in to stays. */
		login_end(login, STREAM_NOT_AUTHORIZED, "You signed in to another domain");
	else
		return host;
	return NULL;
}

/* RFC 6120 4.7.2: a header that says who comes is answered with whom it is for. */
static struct slice
addressee(struct login *login, const struct stream_event *event)
{
	struct jid jid;

	if (event->from.p == NULL || jid_parse(event->from, &login->arena, &jid) < 0)
		return NO_SLICE;
	return arena_copy(&login->arena, jid_bare(&jid));
}

/* False when the login is over. */
static bool
open_stream(struct login *login, const struct stream_event *event)
{
	struct host *host = choose_host(login, event);
	char id[TOKEN_CHARS + 1];

	if (host == NULL)
		return false;
	login->host = host;
	login->has_header = true;
	random_token(id);
	login->named = addressee(login, event);
	stream_write_header(conn_output(login->conn), slice_of(id), host_domain(host), login->named,
		SLICE("en"));
	login_write_features(login, NULL);
	login->lang = event->lang.len == 0 || event->lang.len > LANG_MOST
			      ? NO_SLICE
			      : arena_copy(&login->arena, event->lang);
	return true;
}

/* Row 19: nothing may stand behind <starttls/>. */
static bool
start_tls(struct login *login, size_t left)
{
	if (left > 0) {
		login_end(login, STREAM_POLICY_VIOLATION, "Something follows <starttls/>");
		return false;
	}
	stream_write_proceed(conn_output(login->conn));
	conn_start_tls(login->conn, login->shard->tls, true, host_domain(login->host).p);
	stream_restart(&login->stream);
	login->has_header = false;
	login->host = NULL;
	set_deadline(login, login->shard->server->core->c2s->handshake_ms);
	return true;
}

static void
secured(struct conn *conn)
{
	struct login *login = conn_owner(conn);

	shard_count(login->shard, METRIC_TLS_HANDSHAKES_TOTAL);
	set_deadline(login, login->shard->server->core->c2s->login_ms);
}

static void
close_stream(struct login *login)
{
	stream_write_close(conn_output(login->conn));
	conn_close(login->conn);
	forget(login);
}

/* XEP-0198, 3 and 5: before a resource is bound, sessions are resumed and nothing else. */
static void
take_management(struct login *login, const struct xml_token *element)
{
	if (slice_is_text(element->local, "resume"))
		login_resume(login, element);
	else
		sm_write_failed(conn_output(login->conn), "unexpected-request", NULL);
}

/* False when the login is over or handed over. left: bytes behind the event. */
static bool
take_event(struct login *login, const struct stream_event *event, size_t left)
{
	if (!login_may_be_early(login, event)) {
		login_end(login, STREAM_POLICY_VIOLATION, "This may not come as early data");
		return false;
	}
	switch (event->kind) {
	case STREAM_OPENED:
		return open_stream(login, event);
	case STREAM_WANTS_TLS:
		return start_tls(login, left);
	case STREAM_AUTH:
		return login_start_sasl(login, event);
	case STREAM_AUTH_RESPONSE:
		login_continue_sasl(login, event);
		return true;
	case STREAM_AUTH_ABORT:
		login_abort_sasl(login);
		return true;
	case STREAM_TASK_BEGUN:
	case STREAM_TASK_DATA:
		login_take_task(login, event);
		return true;
	case STREAM_EARLY_IQ:
		return login_take_iq(login, event);
	case STREAM_MANAGEMENT:
		take_management(login, event->element);
		return true;
	case STREAM_WANTS_BIND:
		login_bind(login, event);
		return true;
	case STREAM_CLOSED:
	case STREAM_ERROR_RECEIVED:
		close_stream(login);
		return false;
	case STREAM_FAILED:
		login_end(login, event->condition, event->text);
		return false;
	default:
		login_end(login, STREAM_NOT_AUTHORIZED, NULL);
		return false;
	}
}

static size_t
input(struct conn *conn, struct slice bytes)
{
	struct login *login = conn_owner(conn);
	struct shard *shard = login->shard;
	struct stream_event event = { .kind = STREAM_OPENED };
	size_t start = 0, used;

	while (!login->waits) {
		stream_next(&login->stream, slice_from(bytes, start), &shard->tokens,
			&shard->scratch, &used, &event);
		start += used;
		if (event.kind == STREAM_NEED_MORE ||
			!take_event(login, &event, bytes.len - start) || conn_owner(conn) != login)
			break;
	}
	/* Who waits is not read from for long; what comes meanwhile is bounded. */
	if (conn_owner(conn) == login && login->waits &&
		bytes.len - start > xml_limits_before_auth.stanza_bytes)
		conn_pause(conn);
	arena_reset(&shard->scratch);
	return start;
}

static void
closed(struct conn *conn, int why)
{
	struct login *login = conn_owner(conn);

	(void)why;
	forget(login);
}

static const struct conn_handler handler = {
	.input = input,
	.closed = closed,
	.secured = secured,
	.takes_early = true,
};

static void
join_shard(struct login *login, struct shard *shard)
{
	login->shard = shard;
	list_append(&shard->logins, &login->link);
	shard->login_count++;
}

void
login_create(struct shard *shard, struct conn *conn, bool is_tls)
{
	const struct c2s_config *conf = shard->server->core->c2s;
	struct login *login = xcalloc(1, sizeof(*login));

	shard_count(shard, METRIC_CONNECTIONS_TOTAL);
	login->conn = conn;
	arena_init(&login->arena, 0);
	stream_init(&login->stream, STREAM_SERVER, shard->server->names, &xml_limits_before_auth);
	join_shard(login, shard);
	conn_set_handler(conn, &handler, login);
	conn_set_limit(conn, PREAUTH_OUTPUT / 2, PREAUTH_OUTPUT);
	conn_set_dead_after(conn, conf->answer_ms);
	login->until_ms = loop_now_ms(shard->loop) + conf->login_ms;
	set_deadline(login, is_tls ? conf->handshake_ms : conf->login_ms);
}

static void
arrive(struct task *task)
{
	struct login *login = container_of(task, struct login, task);
	struct shard *shard = login->shard;

	login->shard = NULL;
	join_shard(login, shard);
	set_deadline(login, shard->server->core->c2s->login_ms);
	conn_attach(login->conn, shard->loop);
	login->next(login);
}

static void
leave(struct task *task)
{
	struct login *login = container_of(task, struct login, task);

	login->is_moving = false;
	if (login->ended) {
		login_free(login);
		return;
	}
	timer_stop(login->shard->loop, &login->timer);
	list_remove(&login->link);
	login->shard->login_count--;
	conn_detach(login->conn);
	login->shard = login->home;
	login->task.run = arrive;
	loop_post(login->home->loop, &login->task);
}

void
login_move(struct login *login, struct shard *home, login_next *next)
{
	login_wait(login);
	login->home = home;
	login->next = next;
	login->is_moving = true;
	login->task.run = leave;
	loop_post(login->shard->loop, &login->task);
}

void
login_authenticated(struct login *login)
{
	struct shard *shard = login->shard;
	struct shard *home = server_home(shard->server, login->user.full);

	shard_count(shard, METRIC_LOGINS_TOTAL);
	login->stream.authenticated = true;
	stream_restart(&login->stream);
	login->has_header = false;
	login->stream.scanner.limits = &shard->server->client_limits;
	if (home != shard)
		login_move(login, home, login_continue);
}

void
login_authenticated2(struct login *login)
{
	shard_count(login->shard, METRIC_LOGINS_TOTAL);
	login->stream.authenticated = true;
	login->stream.scanner.limits = &login->shard->server->client_limits;
}

void
login_hand_over(struct login *login)
{
	login_free(login);
}
