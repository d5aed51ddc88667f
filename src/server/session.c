/*
 * A bound session: stanzas come in, are checked and stamped, and go to their way; stanzas for it
 * are written behind the egress hooks. At rest it has no buffers.
 */
#include "server/session_internal.h"

#include "proto/stream.h"
#include "server/account_internal.h"
#include "server/iq_internal.h"
#include "server/presence.h"
#include "server/pressure.h"
#include "server/question_internal.h"
#include "server/route.h"
#include "server/session_away.h"
#include "server/session_record.h"
#include "server/sm.h"
#include "server/subscription_run.h"
#include "server/trace.h"

#include <stdlib.h>

static void
session_free(struct session *s)
{
	struct shard *shard = s->account->shard;

	timer_stop(shard->loop, &s->timer);
	scanner_finish(&s->scanner);
	list_remove(&s->all);
	shard->session_count--;
	session_keep_presence(s, NULL);
	free(s->agent);
	free((void *)(uintptr_t)s->lang.p);
	session_forget_directed(s);
	free((void *)(uintptr_t)s->jid.full.p);
	slab_free(&shard->session_slab, s);
}

/* Its presence ends and it leaves its account; the connection is not touched. */
static void
leave(struct session *s)
{
	struct account *acct = s->account;
	struct sm *sm;

	s->ended = true;
	session_refuse_return(s);
	pressure_release(s);
	pressure_forget(s);
	presence_end(s);
	hook_session_gone(&acct->shard->server->pipeline, s);
	sm = s->sm;
	s->sm = NULL;
	account_remove_session(acct, s);
	sm_end(&sm, acct);
	session_free(s);
}

static void
log_end(const struct session *s, enum stream_condition condition, const char *text)
{
	log_info(s->account->shard->server->log, "session ended", F_TEXT("jid", s->jid.full),
		F_STR("error", stream_condition_name(condition)),
		F_STR("why", text == NULL ? "" : text));
}

/* Tells the client why, if it is there. */
static void
close_conn(
	struct session *s, enum stream_condition condition, const char *text, struct slice detail)
{
	struct buffer *out;

	if (s->conn == NULL)
		return;
	out = conn_output(s->conn);
	shard_count(s->account->shard, METRIC_STREAM_ERRORS_TOTAL);
	stream_error_write_with(out, condition, text, detail);
	(void)buffer_text(out, "</stream:stream>");
	conn_close(s->conn);
}

void
session_end(struct session *s, enum stream_condition condition, const char *text)
{
	session_end_with(s, condition, text, NO_SLICE);
}

void
session_end_with(
	struct session *s, enum stream_condition condition, const char *text, struct slice detail)
{
	if (s->ended)
		return;
	log_end(s, condition, text);
	close_conn(s, condition, text, detail);
	leave(s);
}

void
session_lose(struct session *s, enum stream_condition condition)
{
	if (s->returning == NULL)
		sm_tell_unread(s);
	if (!sm_is_resumable(s->sm)) {
		session_end(s, condition, NULL);
		return;
	}
	close_conn(s, condition, NULL, NO_SLICE);
	session_go_away(s);
}

void
session_destroy(struct session *s)
{
	hook_session_gone(&s->account->shard->server->pipeline, s);
	sm_destroy(&s->sm);
	list_remove(&s->link);
	session_free(s);
}

/*
 * What it is goes to the disk, and its client loses the connection. To close the stream would be to
 * end the session (XEP-0198, 9), and clients that are told so do not try to resume it.
 */
static void
suspend(struct session *s)
{
	if (s->conn != NULL)
		conn_close(s->conn);
	session_refuse_return(s);
	pressure_forget(s);
	session_record(s);
	session_go_away(s);
	sm_suspend(s->sm);
	timer_stop(s->account->shard->loop, &s->timer);
}

/* Presence is not broadcast: all who are here leave, too. */
static void
dismiss(struct session *s, const char *other)
{
	s->is_available = false;
	session_forget_directed(s);
	if (s->conn != NULL) {
		stream_error_write(conn_output(s->conn),
			other == NULL ? STREAM_SYSTEM_SHUTDOWN : STREAM_SEE_OTHER_HOST, NULL,
			other);
		conn_write(s->conn, SLICE("</stream:stream>"));
		conn_close(s->conn);
	}
	leave(s);
}

void
session_dismiss(struct session *s)
{
	const char *other = s->account->shard->server->core->c2s->see_other_host;

	if (sm_is_resumable(s->sm) && !s->is_overfull && other == NULL)
		suspend(s);
	else
		dismiss(s, other);
}

static void
close_stream(struct session *s)
{
	struct conn *conn = s->conn;

	conn_write(conn, SLICE("</stream:stream>"));
	conn_close_after(conn);
	sm_tell_unread(s);
	leave(s);
}

/* RFC 6120 8.1.2.1: 'from' may be missing, or be the session's own full or bare address. */
static bool
has_own_from(const struct session *s, const struct stanza *st)
{
	if (st->from.full.p == NULL)
		return xml_attribute(st->root, NAME_FROM).p == NULL;
	return jid_is(&st->from, &s->jid) || slice_is(st->from.full, jid_bare(&s->jid));
}

static void
send_iq(struct session *s, struct stanza *st)
{
	bool to_self = st->to.full.p == NULL || jid_is(&st->to, &s->account->jid);

	if (!to_self)
		route(s->account->shard, st);
	else if (st->type == TYPE_GET || st->type == TYPE_SET)
		iq_to_account(s->account, s, st);
	else
		question_answered(s->account, st);
}

static void
send_message(struct session *s, struct stanza *st)
{
	/* RFC 6120 10.3.1: without 'to' it is for the sender's own account. */
	if (st->to.full.p == NULL)
		st->to = s->account->jid;
	route(s->account->shard, st);
}

static void
send_stanza(struct session *s, struct stanza *st)
{
	struct shard *shard = s->account->shard;

	hook_out_routed(&shard->server->pipeline, st, s);
	hook_sent(&shard->server->pipeline, st, s);
	switch (st->kind) {
	case STANZA_MESSAGE:
		send_message(s, st);
		break;
	case STANZA_PRESENCE:
		presence_send(s, st);
		break;
	default:
		send_iq(s, st);
	}
}

/* What could not be read as a stanza is answered, if it is one that has answers. */
static void
refuse(struct session *s, struct stanza *st, enum stanza_condition condition, const char *why)
{
	st->from = s->jid;
	if (st->to.full.p == NULL)
		st->to = s->account->jid;
	route_bounce(s->account->shard, st, condition, why, NULL);
}

static const enum core_metric metric_of_kind[] = {
	[STANZA_MESSAGE] = METRIC_MESSAGES_TOTAL,
	[STANZA_PRESENCE] = METRIC_PRESENCES_TOTAL,
	[STANZA_IQ] = METRIC_IQS_TOTAL,
};

enum taken { TAKEN, NOT_YET, OVER };

static enum taken
take_stanza(struct session *s, const struct xml_token *element)
{
	struct shard *shard = s->account->shard;
	enum stanza_condition condition;
	struct receipt *receipt;
	struct verdict verdict;
	struct stanza st;
	const char *why;
	int r;

	r = stanza_parse(element, &shard->scratch, &st, &condition, &why);
	if (!account_is_ready(s->account) && (r < 0 || !subscription_joins(s->account, &st, true)))
		return NOT_YET;
	shard_count(shard, METRIC_STANZAS_TOTAL);
	if (!has_own_from(s, &st)) {
		session_end(s, STREAM_INVALID_FROM, NULL);
		return OVER;
	}
	receipt = sm_count(s, &st);
	if (r < 0) {
		refuse(s, &st, condition, why);
		sm_taken(receipt);
		return TAKEN;
	}
	shard_count(shard, metric_of_kind[st.kind]);
	st.from = s->jid;
	if (st.lang.p == NULL)
		st.lang = s->lang;
	trace(shard, &st, "a stanza is sent", TRACE_NO_MORE);
	st.receipt = receipt;
	st.is_again = s->again_until_ms > loop_now_ms(shard->loop);
	verdict = hook_out_policy(&shard->server->pipeline, &st, s);
	if (verdict.kind == VERDICT_PASS)
		send_stanza(s, &st);
	else
		session_refuse(s, &st, &verdict);
	sm_taken(receipt);
	if (st.kind != STANZA_MESSAGE)
		session_record(s);
	return TAKEN;
}

/* False when the session is over. */
static bool
take_nonza(struct session *s, const struct xml_token *element)
{
	bool is_known = false;

	if (element->ns == NS_ID_SM)
		return sm_take(s, element);
	if (element->ns == NS_ID_STREAMS && element->name == NAME_ERROR) {
		close_stream(s);
		return false;
	}
	hook_nonza(&s->account->shard->server->pipeline, &is_known, s, element);
	if (!is_known)
		session_end(s, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
	return is_known;
}

/* OVER also when nothing more can be done with the input now; NOT_YET: it was not used. */
static enum taken
take_event(struct session *s, enum xml_event event)
{
	const struct xml_token *element = s->account->shard->tokens.v;

	switch (event) {
	case XML_STANZA:
		if (stanza_is(element))
			return take_stanza(s, element);
		return take_nonza(s, element) ? TAKEN : OVER;
	case XML_CLOSE:
		close_stream(s);
		return OVER;
	case XML_FAILED:
		session_end(
			s, stream_condition_of((enum xml_error)s->scanner.error), s->scanner.why);
		return OVER;
	default:
		return OVER;
	}
}

/* While the account waits, but a run of subscription changes is open, a presence may join it. */
static bool
may_take(struct session *s, struct slice bytes)
{
	return pressure_may_read(s) &&
	       (account_is_ready(s->account) || slice_starts(bytes, SLICE("<presence")));
}

static size_t
input(struct conn *conn, struct slice bytes)
{
	struct session *s = conn_owner(conn);
	struct shard *shard = s->account->shard;
	size_t start = 0, used;
	enum taken taken = TAKEN;

	s->heard_ms = loop_now_ms(shard->loop);
	s->pinged = false;
	while (taken == TAKEN && start < bytes.len) {
		taken = NOT_YET;
		if (may_take(s, slice_from(bytes, start)))
			taken = take_event(s, scanner_next(&s->scanner, slice_from(bytes, start),
						      &shard->tokens, &shard->scratch, &used));
		if (taken == NOT_YET)
			conn_pause(conn); /* until session_continue */
		else
			start += used;
		arena_reset(&shard->scratch);
	}
	return start;
}

static void
closed(struct conn *conn, int why)
{
	struct session *s = conn_owner(conn);

	log_info(s->account->shard->server->log, "connection of a session ended",
		F_TEXT("jid", s->jid.full), F_STR("why", why == 0 ? "closed" : strerror(why)));
	sm_tell_unread(s);
	if (sm_is_resumable(s->sm) && !s->is_overfull)
		session_go_away(s);
	else
		leave(s);
}

static void
drained(struct conn *conn)
{
	session_relieve(conn_owner(conn));
}

static const struct conn_handler handler = {
	.input = input,
	.closed = closed,
	.drained = drained,
};

void
session_continue(struct session *s)
{
	if (!s->ended && s->conn != NULL && s->holders == NULL && !s->waits_for_itself &&
		!s->waits_for_others)
		conn_resume(s->conn);
}

void
session_attach(struct session *s, struct conn *conn, const struct scanner *scanner)
{
	struct shard *shard = s->account->shard;
	const struct c2s_config *conf = shard->server->core->c2s;

	s->conn = conn;
	s->scanner = *scanner;
	s->scanner.limits = &shard->server->client_limits;
	s->heard_ms = loop_now_ms(shard->loop);
	s->pinged = false;
	conn_set_handler(conn, &handler, s);
	conn_set_limit(conn, conf->queue_bytes / 2, conf->queue_bytes + LIMIT_ON_ITS_WAY);
	session_watch(s);
}

struct session *
session_create_away(struct account *acct, struct slice resource)
{
	struct shard *shard = acct->shard;
	struct session *s = slab_alloc(&shard->session_slab);
	size_t size = acct->jid.full.len + 1 + resource.len;
	char *text = xmalloc(size);

	memcpy(text, acct->jid.full.p, acct->jid.full.len);
	text[acct->jid.full.len] = '/';
	memcpy(text + acct->jid.full.len + 1, resource.p, resource.len);
	s->jid = acct->jid;
	s->jid.full = slice_make(text, size);
	s->jid.resource_len = (uint16_t)resource.len;
	s->account = acct;
	s->bound_ms = loop_now_ms(shard->loop);
	s->bound_wall_ms = loop_wall_ms(shard->loop);
	list_append(&shard->sessions, &s->all);
	shard->session_count++;
	account_add_session(acct, s);
	return s;
}

struct session *
session_create(struct account *acct, struct slice resource, struct conn *conn,
	const struct scanner *scanner)
{
	struct session *s = session_create_away(acct, resource);

	session_attach(s, conn, scanner);
	hook_session_bound(&acct->shard->server->pipeline, s);
	return s;
}

void
session_speak(struct session *s, struct slice lang)
{
	free((void *)(uintptr_t)s->lang.p);
	s->lang = NO_SLICE;
	if (lang.p != NULL)
		s->lang = slice_make(xstrndup(lang.p, lang.len), lang.len);
}

const struct jid *
session_jid(const struct session *s)
{
	return &s->jid;
}

struct account *
session_account(const struct session *s)
{
	return s->account;
}

struct slice
session_agent(const struct session *s)
{
	return slice_of(s->agent);
}

int64_t
session_since_ms(const struct session *s)
{
	return s->bound_wall_ms;
}

bool
session_is_secure(const struct session *s)
{
	return s->conn != NULL && conn_is_tls(s->conn);
}

bool
session_is_available(const struct session *s)
{
	return s->is_available;
}

int
session_priority(const struct session *s)
{
	return s->priority;
}

void *
session_state(struct session *s, const struct module *module)
{
	return s->states + server_module(s->account->shard->server, module)->session_offset;
}
