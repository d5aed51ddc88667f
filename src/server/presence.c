/*
 * Presence of sessions: initial, changed and directed presence, probes, and the end. What it is
 * to subscribe is in subscription.c.
 */
#include "server/presence.h"

#include "proto/jid_set.h"
#include "server/account_internal.h"
#include "server/presence_internal.h"
#include "server/route.h"
#include "server/server_internal.h"
#include "server/session_internal.h"
#include "server/subscription.h"

#include <stdlib.h>

enum direction { WHO_SEE_US = SUBSCRIPTION_FROM, WHOM_WE_SEE = SUBSCRIPTION_TO };

bool
presence_may_pass(struct account *acct, const struct jid *contact)
{
	const struct pipeline *pipeline = &acct->shard->server->pipeline;

	return hook_contact_policy(pipeline, acct, contact).kind == VERDICT_PASS;
}

/* Sends the stanza to all contacts with that half of a subscription. */
static void
tell_contacts(struct account *acct, struct stanza *st, enum direction direction)
{
	struct jid *to = xcalloc(acct->roster.contacts.count + 1, sizeof(*to));
	struct map_node *node;
	size_t count = 0, at = 0;

	while ((node = map_next(&acct->roster.contacts, &at)) != NULL) {
		const struct contact *c = container_of(node, struct contact, node);

		if ((c->subscription & (unsigned)direction) != 0 &&
			presence_may_pass(acct, &c->item.jid))
			to[count++] = c->item.jid;
	}
	route_many(acct->shard, st, to, count);
	free(to);
}

/* Delivers the stanza to the account's other available sessions, and to itself as 4.2.2 says. */
static void
tell_own_sessions(struct account *acct, struct stanza *st)
{
	struct session *s;

	st->to = acct->jid;
	LIST_EACH (s, &acct->sessions, struct session, link) {
		if (s->is_available)
			(void)session_deliver(s, st);
	}
}

static struct stanza
absence_of(const struct session *s)
{
	return (struct stanza){ .kind = STANZA_PRESENCE, .type = TYPE_UNAVAILABLE, .from = s->jid };
}

/* RFC 6121 4.2.2: probe those we see; we get the presence of our own other sessions, too. */
static void
ask_for_presence(struct session *s, bool insists)
{
	struct stanza probe = {
		.kind = STANZA_PRESENCE, .type = TYPE_PROBE, .insists = insists, .from = s->jid
	};
	struct session *other;

	tell_contacts(s->account, &probe, WHOM_WE_SEE);
	LIST_EACH (other, &s->account->sessions, struct session, link) {
		if (other != s && other->is_available) {
			struct stanza st = session_presence(other);

			st.to = s->jid;
			(void)session_deliver(s, &st);
		}
	}
}

static void
start_presence(struct session *s)
{
	ask_for_presence(s, false);
	subscription_offer_requests(s);
	hook_session_available(&s->account->shard->server->pipeline, s);
}

static void
broadcast(struct session *s, struct stanza *st)
{
	tell_own_sessions(s->account, st);
	tell_contacts(s->account, st, WHO_SEE_US);
}

/* Whether the address gets each change of the session's presence. */
static bool
hears_of(const struct session *s, const struct jid *to)
{
	const struct contact *c = roster_find(&s->account->roster, jid_bare(to));

	return s->is_available && c != NULL && (c->subscription & WHO_SEE_US) != 0;
}

/* Who got directed presence before, and gets all of it now, hears of its end by that. */
static void
forget_hearers(struct session *s)
{
	for (uint16_t i = s->directed_count; i-- > 0;) {
		if (hears_of(s, &s->directed[i]))
			session_drop_directed(s, &s->directed[i]);
	}
}

static void
become_available(struct session *s, struct stanza *st)
{
	bool first = !s->is_available, was_negative = s->priority < 0;

	s->is_available = true;
	if (first)
		forget_hearers(s);
	session_keep_presence(s, st);
	s->priority = stanza_priority(st);
	broadcast(s, st);
	if (first)
		start_presence(s);
	else if (was_negative && s->priority >= 0)
		hook_session_available(&s->account->shard->server->pipeline, s);
}

/* With all that it says, as to the others. */
static void
tell_directed(struct session *s, struct stanza *gone)
{
	route_many(s->account->shard, gone, s->directed, s->directed_count);
	session_forget_directed(s);
}

static void
become_unavailable(struct session *s, struct stanza *st)
{
	if (s->directed_count > 0)
		tell_directed(s, st);
	if (!s->is_available)
		return;
	broadcast(s, st);
	s->is_available = false;
	s->priority = 0;
	session_keep_presence(s, NULL);
}

/* RFC 6121 4.6: directed presence, remembered so that its end can be told. */
static void
send_directed(struct session *s, struct stanza *st)
{
	if (st->type == TYPE_AVAILABLE && !hears_of(s, &st->to))
		session_remember_directed(s, &st->to);
	else if (st->type == TYPE_UNAVAILABLE)
		session_drop_directed(s, &st->to);
	route(s->account->shard, st);
}

void
presence_send(struct session *s, struct stanza *st)
{
	switch (st->type) {
	case TYPE_AVAILABLE:
	case TYPE_UNAVAILABLE:
		if (st->to.full.p != NULL)
			send_directed(s, st);
		else if (st->type == TYPE_AVAILABLE)
			become_available(s, st);
		else
			become_unavailable(s, st);
		break;
	case TYPE_SUBSCRIBE:
	case TYPE_SUBSCRIBED:
	case TYPE_UNSUBSCRIBE:
	case TYPE_UNSUBSCRIBED:
		subscription_send(s, st);
		break;
	default:
		/* RFC 6121 4.3: also a client's probe, though the server has sent its own. */
		if (st->to.full.p != NULL)
			route(s->account->shard, st);
	}
}

/* Shows the session of that resource; empty: each. Whether there is any. */
static bool
show_resource(struct account *acct, struct slice resource, const struct jid *to)
{
	struct session *s;
	bool found = false;

	LIST_EACH (s, &acct->sessions, struct session, link) {
		struct stanza st = session_presence(s);

		if (!s->is_available ||
			(resource.len > 0 && !slice_is(jid_resource(&s->jid), resource)))
			continue;
		st.to = *to;
		route(acct->shard, &st);
		found = true;
	}
	return found;
}

void
presence_show_to(struct account *acct, const struct jid *to)
{
	if (presence_may_pass(acct, to))
		(void)show_resource(acct, SLICE(""), to);
}

static void
tell_absence_of(struct session *s, const struct jid *to)
{
	struct stanza gone = absence_of(s);

	gone.to = *to;
	route(s->account->shard, &gone);
}

void
presence_hide_from(struct account *acct, const struct jid *to)
{
	struct session *s;

	if (!presence_may_pass(acct, to))
		return;
	LIST_EACH (s, &acct->sessions, struct session, link) {
		if (s->is_available)
			tell_absence_of(s, to);
	}
}

/* Whoever of the contact is meant: all of it, one resource alone, or nobody (false). */
static bool
is_meant(const struct contact *c, const struct jid *pattern, struct jid *whom_out)
{
	bool is_resource = jid_is_full(pattern) && jid_same_bare(pattern, &c->item.jid);

	*whom_out = is_resource ? *pattern : c->item.jid;
	return is_resource || jid_covers(pattern, &c->item.jid);
}

/* Those to whom it was directed hear of its end now, since they will not later. */
static void
end_directed(struct session *s, const struct jid *pattern)
{
	for (uint16_t i = s->directed_count; i-- > 0;) {
		if (!jid_covers(pattern, &s->directed[i]))
			continue;
		tell_absence_of(s, &s->directed[i]);
		session_drop_directed(s, &s->directed[i]);
	}
}

void
presence_hide(struct account *acct, const struct jid *pattern)
{
	struct map_node *node;
	struct session *s;
	struct jid whom;
	size_t at = 0;

	while ((node = map_next(&acct->roster.contacts, &at)) != NULL) {
		const struct contact *c = container_of(node, struct contact, node);

		if ((c->subscription & WHO_SEE_US) != 0 && is_meant(c, pattern, &whom))
			presence_hide_from(acct, &whom);
	}
	LIST_EACH (s, &acct->sessions, struct session, link)
		end_directed(s, pattern);
}

void
presence_show(struct account *acct, const struct jid *pattern)
{
	struct stanza probe = { .kind = STANZA_PRESENCE, .type = TYPE_PROBE, .from = acct->jid };
	struct map_node *node;
	size_t at = 0;

	if (!account_is_available(acct))
		return;
	while ((node = map_next(&acct->roster.contacts, &at)) != NULL) {
		const struct contact *c = container_of(node, struct contact, node);

		if (!is_meant(c, pattern, &probe.to))
			continue;
		if ((c->subscription & WHO_SEE_US) != 0)
			presence_show_to(acct, &probe.to);
		if ((c->subscription & WHOM_WE_SEE) != 0 && presence_may_pass(acct, &probe.to))
			route(acct->shard, &probe);
	}
}

/* The other side believes in a subscription that is not there. */
static void
deny_probe(struct account *acct, const struct jid *from)
{
	struct stanza no = {
		.kind = STANZA_PRESENCE,
		.type = TYPE_UNSUBSCRIBED,
		.from = acct->jid,
		.to = jid_to_bare(from),
	};

	route(acct->shard, &no);
}

/* 4.3.2, 3: nobody is available; a module may know since when. */
static void
tell_absence(struct account *acct, const struct jid *to)
{
	struct stanza gone = {
		.kind = STANZA_PRESENCE,
		.type = TYPE_UNAVAILABLE,
		.from = acct->jid,
		.to = *to,
	};
	struct buffer content;

	buffer_init(&content, LIMIT_STORED_STANZA);
	hook_absence(&acct->shard->server->pipeline, &content, acct);
	gone.content = buffer_slice(&content);
	route(acct->shard, &gone);
	buffer_finish(&content);
}

/* The others are there, but not the one that is meant. */
static void
tell_absence_there(struct account *acct, const struct stanza *probe)
{
	struct stanza gone = {
		.kind = STANZA_PRESENCE,
		.type = TYPE_UNAVAILABLE,
		.from = probe->to,
		.to = probe->from,
	};

	route(acct->shard, &gone);
}

/*
 * RFC 6121 4.3.2: only those who may see us learn something, the account itself included. Whose
 * request waits for an answer gets none by this.
 */
static void
answer_probe(struct account *acct, const struct stanza *st)
{
	struct jid from = st->from;

	if (!account_is_seen_by(acct, &from)) {
		if (roster_request(&acct->roster, jid_bare(&from)) == NULL)
			deny_probe(acct, &from);
	} else if (!account_is_available(acct)) {
		tell_absence(acct, &from);
	} else if (!show_resource(acct, jid_resource(&st->to), &from)) {
		tell_absence_there(acct, st);
	}
}

static void
deliver_presence(struct account *acct, struct stanza *st)
{
	struct slice resource = jid_resource(&st->to);
	struct session *s;

	LIST_EACH (s, &acct->sessions, struct session, link) {
		if (resource.len > 0 && !slice_is(jid_resource(&s->jid), resource))
			continue;
		/* 8.5.3.1: to a full address it goes even to a session that shows no presence. */
		if (s->is_available || resource.len > 0)
			(void)session_deliver(s, st);
	}
}

void
presence_receive(struct account *acct, struct stanza *st)
{
	switch (st->type) {
	case TYPE_PROBE:
		answer_probe(acct, st);
		break;
	case TYPE_SUBSCRIBE:
	case TYPE_SUBSCRIBED:
	case TYPE_UNSUBSCRIBE:
	case TYPE_UNSUBSCRIBED:
		subscription_receive(acct, st);
		break;
	default:
		deliver_presence(acct, st);
	}
}

void
presence_renew(struct session *s)
{
	if (s->is_available)
		ask_for_presence(s, true);
}

void
presence_end(struct session *s)
{
	struct stanza gone = absence_of(s);

	become_unavailable(s, &gone);
}
