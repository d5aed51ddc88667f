/*
 * Delivery to an account's sessions by RFC 6121, 8.5: which resource gets what, and what happens
 * when there is none.
 */
#include "server/account_internal.h"
#include "server/iq_internal.h"
#include "server/presence.h"
#include "server/route.h"
#include "server/server_internal.h"
#include "server/session_internal.h"

/* 8.5.2.1.1: every available session whose priority is not negative. Returns how many. */
static unsigned
deliver_to_all(struct account *acct, struct stanza *st)
{
	struct session *s;
	unsigned count = 0;

	LIST_EACH (s, &acct->sessions, struct session, link) {
		if (!s->is_available || s->priority < 0)
			continue;
		count += session_deliver(s, st);
	}
	return count;
}

static void
message_to_nobody(struct account *acct, struct stanza *st)
{
	hook_undelivered(&acct->shard->server->pipeline, st, acct);
	if (st->kept || st->type == TYPE_HEADLINE || st->type == TYPE_ERROR)
		return;
	route_bounce(acct->shard, st, SERVICE_UNAVAILABLE, NULL, NULL);
}

static void
deliver_message(struct account *acct, struct stanza *st)
{
	struct session *s = account_session(acct, jid_resource(&st->to));

	if (s != NULL && session_deliver(s, st))
		return;
	if (jid_resource(&st->to).len > 0) {
		/* 8.5.3.2.1: chat and normal go on as to the bare address, the others end. */
		if (st->type == TYPE_GROUPCHAT)
			route_bounce(acct->shard, st, SERVICE_UNAVAILABLE, NULL, NULL);
		if (st->type != TYPE_CHAT && st->type != TYPE_NORMAL)
			return;
	} else if (st->type == TYPE_GROUPCHAT) {
		/* 8.5.2.1.1: groupchat to a bare address is nobody's. */
		route_bounce(acct->shard, st, SERVICE_UNAVAILABLE, NULL, NULL);
		return;
	} else if (st->type == TYPE_ERROR) {
		return;
	}
	if (deliver_to_all(acct, st) == 0)
		message_to_nobody(acct, st);
}

static void
deliver_iq(struct account *acct, struct stanza *st)
{
	struct session *s = account_session(acct, jid_resource(&st->to));

	if (s != NULL)
		(void)session_deliver(s, st);
	else if (jid_resource(&st->to).len > 0)
		route_bounce(acct->shard, st, SERVICE_UNAVAILABLE, NULL, NULL);
	else if (st->type == TYPE_GET || st->type == TYPE_SET)
		iq_to_account(acct, NULL, st);
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
		/* 8.5.1: no such user looks like one who answers nothing. */
		route_bounce(acct->shard, st, SERVICE_UNAVAILABLE, NULL, NULL);
		return;
	}
	if (!route_verdict(acct->shard, st, hook_in_policy(pipeline, st, acct)))
		return;
	hook_in_transform(pipeline, st, acct);
	hook_in_archived(pipeline, st, acct);
	account_deliver(acct, st);
}
