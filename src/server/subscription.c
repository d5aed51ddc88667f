/*
 * What a step of subscription_step.h means here: it is stored, then it holds in memory, then
 * everyone hears of it.
 */
#include "server/subscription.h"

#include "server/account_internal.h"
#include "server/letter.h"
#include "server/presence_internal.h"
#include "server/route.h"
#include "server/server_internal.h"
#include "server/session_internal.h"
#include "server/subscription_step.h"

#include <errno.h>
#include <stdlib.h>

static unsigned
state_of(struct account *acct, struct slice bare)
{
	const struct contact *c = roster_find(&acct->roster, bare);
	unsigned state = c == NULL ? 0 : c->subscription;

	if (c != NULL && c->item.ask.p != NULL)
		state |= CONTACT_ASKED;
	if (c != NULL && c->item.approved)
		state |= CONTACT_APPROVED;
	if (roster_request(&acct->roster, bare) != NULL)
		state |= CONTACT_REQUESTED;
	return state;
}

/* A change that waits for the disk. */
struct change {
	struct letter *letter;  /* the stanza */
	struct letter *request; /* what is kept of it until it is answered */
	unsigned before, after;
	bool outbound, goes_on, answered;
};

static void
change_destroy(struct change *change)
{
	letter_destroy(&change->letter);
	letter_destroy(&change->request);
	free(change);
}

static struct letter *
kept_of(const struct account *acct, const struct stanza *st)
{
	struct stanza bare = *st;

	if (!roster_keeps_whole(&acct->roster, st->content.len))
		bare.content = NO_SLICE;
	return letter_create(&bare, NULL, 0);
}

/* The contact as it is after the change; texts of the old entry and of the stanza. */
static struct roster_item
item_after(struct account *acct, const struct jid *contact, unsigned state)
{
	const struct contact *old = roster_find(&acct->roster, contact->full);
	struct roster_item item = { .jid = *contact };

	if (old != NULL)
		item = old->item;
	item.subscription = slice_of(subscription_name(state & SUBSCRIPTION_BOTH));
	item.ask = (state & CONTACT_ASKED) != 0 ? SLICE("subscribe") : NO_SLICE;
	item.approved = (state & CONTACT_APPROVED) != 0;
	return item;
}

static bool
contact_changes(const struct change *change)
{
	return ((change->before ^ change->after) & ~(unsigned)CONTACT_REQUESTED) != 0;
}

/* The other side of the stanza, bare. */
static struct jid
contact_of(const struct change *change, const struct stanza *st)
{
	return jid_to_bare(change->outbound ? &st->to : &st->from);
}

static void
apply_to_memory(struct account *acct, const struct change *change, const struct stanza *st)
{
	struct jid contact = contact_of(change, st);

	if ((change->after & CONTACT_REQUESTED) == 0)
		roster_drop_request(&acct->roster, contact.full);
	else if ((change->before & CONTACT_REQUESTED) == 0)
		roster_put_request(&acct->roster, contact.full, change->request->bytes);
	if (contact_changes(change)) {
		struct roster_item item = item_after(acct, &contact, change->after);

		roster_put_contact(&acct->roster, &item);
	}
}

static void
push_contact(struct account *acct, const struct change *change, const struct stanza *st)
{
	struct jid contact = contact_of(change, st);

	if (contact_changes(change))
		roster_push(acct, &roster_find(&acct->roster, contact.full)->item);
}

static void
say(struct account *acct, const struct jid *contact, enum stanza_type type)
{
	struct stanza st = {
		.kind = STANZA_PRESENCE,
		.type = type,
		.from = acct->jid,
		.to = *contact,
	};

	route(acct->shard, &st);
}

void
subscription_deny(struct account *acct, const struct jid *contact)
{
	say(acct, contact, TYPE_UNSUBSCRIBED);
}

/*
 * RFC 6121 3.1.3, 3.1.6, 3.2.3, 3.3.3: a question is for who is available, the answers and the ends
 * are for who follows the roster.
 */
static void
deliver(struct account *acct, struct stanza *st)
{
	struct session *s;

	LIST_EACH (s, &acct->sessions, struct session, link) {
		if (st->type == TYPE_SUBSCRIBE ? s->is_available : s->wants_roster)
			(void)session_deliver(s, st);
	}
}

/*
 * The change holds now: route or deliver the stanza, which comes before the push of what it did,
 * and show or hide the user's presence.
 */
static void
tell(struct account *acct, const struct change *change, struct stanza *st)
{
	struct jid contact = contact_of(change, st);
	unsigned gained = change->after & ~change->before, lost = change->before & ~change->after;

	/* 3.2.2: while the contact still sees us; 3.3.3: when it does not want to any more. */
	if (change->outbound && (lost & CONTACT_FROM) != 0)
		presence_hide_from(acct, &contact);
	if (change->goes_on && change->outbound)
		route(acct->shard, st);
	else if (change->goes_on)
		deliver(acct, st);
	push_contact(acct, change, st);
	if (change->answered)
		say(acct, &contact, TYPE_SUBSCRIBED);
	if (((gained & CONTACT_FROM) != 0) || change->answered)
		presence_show_to(acct, &contact);
	if (!change->outbound && (lost & CONTACT_FROM) != 0)
		presence_hide_from(acct, &contact);
}

static void
change_saved(struct account *acct, int error, void *arg)
{
	struct change *change = arg;
	struct stanza st;

	if (letter_open(change->letter, acct->shard, &st)) {
		if (error < 0) {
			route_bounce(acct->shard, &st,
				error == -ENOSPC ? RESOURCE_CONSTRAINT : INTERNAL_SERVER_ERROR,
				NULL, NULL);
		} else {
			apply_to_memory(acct, change, &st);
			tell(acct, change, &st);
		}
	}
	change_destroy(change);
}

static void
save(struct account *acct, struct change *change, const struct stanza *st)
{
	struct jid contact = contact_of(change, st);
	struct store_txn *txn = txn_begin(acct);

	if ((change->after & CONTACT_REQUESTED) == 0 && (change->before & CONTACT_REQUESTED) != 0)
		roster_delete_request(acct, txn, contact.full);
	if ((change->after & CONTACT_REQUESTED) != 0 && (change->before & CONTACT_REQUESTED) == 0)
		roster_save_request(acct, txn, contact.full, change->request->bytes);
	if (contact_changes(change)) {
		struct roster_item item = item_after(acct, &contact, change->after);

		roster_save_contact(acct, txn, &item);
	}
	account_commit_paused(acct, txn, change_saved, change);
}

static void
take_step(struct account *acct, struct stanza *st, bool outbound)
{
	struct change *change = xcalloc(1, sizeof(*change));
	struct jid contact;
	struct subscription_step step;

	change->outbound = outbound;
	contact = contact_of(change, st);
	change->before = state_of(acct, contact.full);
	step = outbound ? subscription_sent(change->before, st->type)
			: subscription_received(change->before, st->type);
	change->after = step.state;
	change->goes_on = step.goes_on;
	change->answered = step.answered;
	if (change->before == change->after) {
		tell(acct, change, st);
		free(change);
		return;
	}
	change->letter = letter_create(st, NULL, 0);
	if ((change->after & ~change->before & CONTACT_REQUESTED) != 0)
		change->request = kept_of(acct, st);
	save(acct, change, st);
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
		say(acct, contact, TYPE_UNSUBSCRIBE);
	if ((subscription & CONTACT_FROM) != 0) {
		presence_hide_from(acct, contact);
		say(acct, contact, TYPE_UNSUBSCRIBED);
	}
}
