/* Who may ask, agree and end, and what follows by the tables of subscription_step.h. */
#include "server/subscription.h"

#include "server/account_internal.h"
#include "server/presence_internal.h"
#include "server/route.h"
#include "server/server_internal.h"
#include "server/session_internal.h"
#include "server/subscription_run.h"
#include "server/subscription_step.h"

static void
take_step(struct account *acct, struct stanza *st, bool outbound)
{
	struct jid contact = jid_to_bare(outbound ? &st->to : &st->from);
	unsigned before = subscription_run_state(acct, contact.full);
	struct subscription_step step = outbound ? subscription_sent(before, st->type)
						 : subscription_received(before, st->type);

	subscription_run_add(acct, st, outbound, before, &step);
}

void
subscription_deny(struct account *acct, const struct jid *contact)
{
	subscription_say(acct, contact, TYPE_UNSUBSCRIBED);
}

/* Whether the contact is in the roster, or has room there. To say no makes no contact. */
static bool
has_room(struct account *acct, const struct stanza *st)
{
	struct roster_item item = { .jid = jid_to_bare(&st->to) };

	return (st->type != TYPE_SUBSCRIBE && st->type != TYPE_SUBSCRIBED) ||
	       roster_find(&acct->roster, item.jid.full) != NULL ||
	       roster_has_room(&acct->roster, &item, account_roster_most(acct));
}

void
subscription_send(struct session *s, struct stanza *st)
{
	static const struct verdict full = { VERDICT_BOUNCE, RESOURCE_CONSTRAINT, NULL,
		"The roster is full" };
	struct account *acct = s->account;

	if (st->to.full.p == NULL || jid_same_bare(&st->to, &acct->jid))
		return; /* to oneself it means nothing: one sees one's own sessions anyway */
	if (!has_room(acct, st)) {
		session_refuse(s, st, &full);
		return;
	}
	/* RFC 6121 3.1.2: both addresses are bare. */
	st->from = acct->jid;
	st->to = jid_to_bare(&st->to);
	take_step(acct, st, true);
}

void
subscription_receive(struct account *acct, struct stanza *st)
{
	/* RFC 6121 3.1.3: the contact is known by its bare address. */
	st->from = jid_to_bare(&st->from);
	st->to = jid_to_bare(&st->to);
	if (st->type == TYPE_SUBSCRIBE &&
		acct->roster.requests.count >= account_roster_most(acct)) {
		route_bounce(acct->shard, st, RESOURCE_CONSTRAINT,
			"Too many requests wait for this user's answer", NULL);
		return;
	}
	take_step(acct, st, false);
}

/*
 * By the way of all that is delivered, so the stored stanza is read into memory of its own. They
 * may be more than a queue takes, so those beyond its full mark wait for the next time.
 */
void
subscription_offer_requests(struct session *s)
{
	struct roster *roster = &s->account->roster;
	struct names *names = s->account->shard->server->names;
	struct xml_tokens tokens;
	struct arena arena;
	struct map_node *node;
	size_t at = 0;
	bool goes_on = true;

	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	while (goes_on && !session_is_full(s) &&
		(node = map_next(&roster->requests, &at)) != NULL) {
		struct slice bytes = container_of(node, struct subscription_request, node)
					     ->presence;
		struct stanza st;

		if (stanza_thaw(names, bytes, &tokens, &arena, &st) == 0 &&
			presence_may_pass(s->account, &st.from))
			goes_on = session_deliver(s, &st);
		arena_reset(&arena);
	}
	arena_finish(&arena);
	xml_tokens_finish(&tokens);
}

void
subscription_cancel(
	struct account *acct, const struct jid *contact, unsigned subscription, bool asked)
{
	if ((subscription & CONTACT_TO) != 0 || asked)
		subscription_say(acct, contact, TYPE_UNSUBSCRIBE);
	if ((subscription & CONTACT_FROM) != 0) {
		presence_hide_from(acct, contact);
		subscription_say(acct, contact, TYPE_UNSUBSCRIBED);
	}
}
