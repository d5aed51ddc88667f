/*
 * Delivery to an account's sessions by RFC 6121, 8.5: which resource gets what, and what happens
 * when there is none.
 */
#include "server/account_internal.h"
#include "server/iq_internal.h"
#include "server/presence.h"
#include "server/question_internal.h"
#include "server/route.h"
#include "server/session_internal.h"
#include "server/trace.h"

/* 8.5.2.1.1: to a bare address a message is for these. */
static bool
takes_messages(const struct session *s)
{
	return s->is_available && s->priority >= 0;
}

/* Returns how many got it. */
static unsigned
deliver_to_all(struct account *acct, struct stanza *st)
{
	struct session *s;
	unsigned count = 0;

	LIST_EACH (s, &acct->sessions, struct session, link) {
		if (takes_messages(s))
			count += session_deliver(s, st);
	}
	return count;
}

/* only: the session that it was for; NULL: all that take messages. Errors are never for all. */
static void
pass_by_others(struct account *acct, struct stanza *st, const struct session *only)
{
	bool is_for_all = only == NULL && st->type != TYPE_ERROR;
	struct session *s;

	if (st->returned_ms != 0)
		return; /* it did so before */

	LIST_EACH (s, &acct->sessions, struct session, link) {
		if (is_for_all ? !takes_messages(s) : s != only)
			hook_passed_by(&acct->shard->server->pipeline, st, s);
	}
}

/* only: the session that got it; NULL: all that take messages. */
static bool
is_read(const struct account *acct, const struct session *only)
{
	const struct session *s;

	for (s = account_sessions(acct); s != NULL; s = session_next(s)) {
		if (session_is_active(s) && (s == only || takes_messages(s)))
			return true;
	}
	return false;
}

void
account_tell_unread(struct account *acct, struct stanza *st, const struct session *only)
{
	if (st->returned_ms == 0 && st->type != TYPE_ERROR && !is_read(acct, only))
		hook_unread(&acct->shard->server->pipeline, st, acct);
}

static void
message_to_nobody(struct account *acct, struct stanza *st)
{
	hook_undelivered(&acct->shard->server->pipeline, st, acct);
	trace(acct->shard, st, st->kept ? "a stanza is kept for later" : "a stanza finds nobody",
		TRACE_NO_MORE);
	if (st->kept) {
		pass_by_others(acct, st, NULL);
		account_tell_unread(acct, st, NULL);
	} else if (st->type != TYPE_HEADLINE && st->type != TYPE_ERROR) {
		route_bounce(acct->shard, st, SERVICE_UNAVAILABLE, NULL, NULL);
	}
}

static void
deliver_to_bare(struct account *acct, struct stanza *st)
{
	/* 8.5.2.1.1: groupchat to a bare address is nobody's. */
	if (st->type == TYPE_GROUPCHAT) {
		route_bounce(acct->shard, st, SERVICE_UNAVAILABLE, NULL, NULL);
		return;
	}
	hook_to_anyone(&acct->shard->server->pipeline, st, acct);
	if (st->kept) {
		trace(acct->shard, st, "a stanza waits behind others", TRACE_NO_MORE);
	} else if (deliver_to_all(acct, st) > 0) {
		pass_by_others(acct, st, NULL);
	} else {
		message_to_nobody(acct, st);
		return;
	}
	account_tell_unread(acct, st, NULL);
}

static void
deliver_message(struct account *acct, struct stanza *st)
{
	struct session *s = account_session(acct, jid_resource(&st->to));

	/* 8.5.3.2.1: without that resource chat goes on as to the bare address, nothing else does;
	 * an error is nobody's then, and told as such. */
	if ((s != NULL && session_deliver(s, st)) || st->type == TYPE_ERROR) {
		pass_by_others(acct, st, s);
		account_tell_unread(acct, st, s);
	} else if (jid_resource(&st->to).len == 0 || st->type == TYPE_CHAT) {
		deliver_to_bare(acct, st);
	} else if (st->type == TYPE_NORMAL || st->type == TYPE_GROUPCHAT) {
		route_bounce(acct->shard, st, SERVICE_UNAVAILABLE, NULL, NULL);
	}
}

/* Asked before it is known whether there is that resource, which is not everyone's to learn. */
static bool
may_be_asked(struct account *acct, struct stanza *st)
{
	if (jid_resource(&st->to).len == 0 || (st->type != TYPE_GET && st->type != TYPE_SET))
		return true;
	return route_verdict(
		acct->shard, st, hook_in_request(&acct->shard->server->pipeline, st, acct));
}

static void
deliver_iq(struct account *acct, struct stanza *st)
{
	struct session *s = account_session(acct, jid_resource(&st->to));

	if (!may_be_asked(acct, st))
		return;
	if (s != NULL)
		(void)session_deliver(s, st);
	else if (jid_resource(&st->to).len > 0)
		route_bounce(acct->shard, st, SERVICE_UNAVAILABLE, NULL, NULL);
	else if (st->type == TYPE_GET || st->type == TYPE_SET)
		iq_to_account(acct, NULL, st);
	else
		question_answered(acct, st);
}

void
account_deliver(struct account *acct, struct stanza *st)
{
	switch (st->kind) {
	case STANZA_MESSAGE:
		deliver_message(acct, st);
		break;
	case STANZA_PRESENCE:
		presence_receive(acct, st);
		break;
	default:
		deliver_iq(acct, st);
	}
}

void
account_receive(struct account *acct, struct stanza *st)
{
	const struct pipeline *pipeline = &acct->shard->server->pipeline;

	if (!acct->exists) {
		/* 8.5.1: no such user looks like one who answers nothing; presence vanishes. */
		if (st->kind != STANZA_PRESENCE)
			route_bounce(acct->shard, st, SERVICE_UNAVAILABLE, NULL, NULL);
		return;
	}
	if (st->returned_ms == 0) {
		if (!route_verdict(acct->shard, st, hook_in_policy(pipeline, st, acct)))
			return;
		hook_in_transform(pipeline, st, acct);
		hook_in_archived(pipeline, st, acct);
	}
	account_deliver(acct, st);
}
