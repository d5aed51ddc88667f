/*
 * What a step of subscription_step.h means here: it is stored, then it holds in memory, then
 * everyone hears of it.
 *
 * An answer and a question back are two steps; with a transaction each, the second would wait for
 * a sync of the first, and so would the other side. Stored together they cost one, and reach the
 * other side together, where they are one transaction again.
 */
#include "server/subscription_run.h"

#include "server/account_internal.h"
#include "server/letter.h"
#include "server/presence_internal.h"
#include "server/route.h"
#include "server/server_internal.h"
#include "server/session_internal.h"

#include <errno.h>
#include <stdlib.h>

enum { CHANGES_MOST = 8 };

/* A change that waits for the disk. */
struct change {
	struct letter *letter;  /* the stanza */
	struct letter *request; /* what is kept of it until it is answered */
	unsigned before, after;
	bool outbound, goes_on, answered;
};

struct subscription_run {
	struct task task; /* in the loop's mailbox: then the run is over */
	struct account *acct;
	struct store_txn *txn; /* NULL: under way */
	struct jid contact;    /* bare; the text follows */
	struct change changes[CHANGES_MOST];
	unsigned count;
};

static unsigned
stored_state(struct account *acct, struct slice bare)
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

unsigned
subscription_run_state(struct account *acct, struct slice bare)
{
	const struct subscription_run *run = acct->run;

	return run == NULL ? stored_state(acct, bare) : run->changes[run->count - 1].after;
}

static bool
is_about_subscription(const struct stanza *st)
{
	return st->kind == STANZA_PRESENCE &&
	       (st->type == TYPE_SUBSCRIBE || st->type == TYPE_SUBSCRIBED ||
		       st->type == TYPE_UNSUBSCRIBE || st->type == TYPE_UNSUBSCRIBED);
}

bool
subscription_joins(const struct account *acct, const struct stanza *st, bool outbound)
{
	const struct subscription_run *run = acct->run;

	return run != NULL && run->count < CHANGES_MOST && is_about_subscription(st) &&
	       (outbound || list_is_empty(&acct->letters)) &&
	       slice_is(jid_bare(outbound ? &st->to : &st->from), run->contact.full);
}

static struct letter *
kept_of(const struct account *acct, const struct stanza *st)
{
	struct stanza bare = *st;

	if (!roster_keeps_whole(&acct->roster, st->content.len))
		bare.content = NO_SLICE;
	return letter_write(&bare, NULL, 0);
}

/* The contact as it is after the change; texts of the old entry and of the run. */
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

/* ---- It holds ---- */

static void
apply_to_memory(struct account *acct, const struct change *change, const struct jid *contact)
{
	if ((change->after & CONTACT_REQUESTED) == 0)
		roster_drop_request(&acct->roster, contact->full);
	else if ((change->before & CONTACT_REQUESTED) == 0)
		roster_put_request(&acct->roster, contact->full, change->request->bytes);
	if (contact_changes(change)) {
		struct roster_item item = item_after(acct, contact, change->after);

		roster_put_contact(&acct->roster, &item);
	}
}

static void
push_contact(struct account *acct, const struct change *change, const struct jid *contact)
{
	if (contact_changes(change))
		roster_push(acct, &roster_find(&acct->roster, contact->full)->item);
}

void
subscription_say(struct account *acct, const struct jid *contact, enum stanza_type type)
{
	struct stanza st = {
		.kind = STANZA_PRESENCE,
		.type = type,
		.from = acct->jid,
		.to = *contact,
	};

	route(acct->shard, &st);
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
 * Routes or delivers the stanza, which comes before the push of what it did, and hides the user's
 * presence. Whether it is to be shown.
 */
static bool
tell(struct account *acct, const struct change *change, const struct jid *contact,
	struct stanza *st)
{
	unsigned gained = change->after & ~change->before, lost = change->before & ~change->after;

	/* 3.2.2: while the contact still sees us; 3.3.3: when it does not want to any more. */
	if (change->outbound && (lost & CONTACT_FROM) != 0)
		presence_hide_from(acct, contact);
	if (change->goes_on && change->outbound)
		route(acct->shard, st);
	else if (change->goes_on)
		deliver(acct, st);
	push_contact(acct, change, contact);
	if (change->answered)
		subscription_say(acct, contact, TYPE_SUBSCRIBED);
	if (!change->outbound && (lost & CONTACT_FROM) != 0)
		presence_hide_from(acct, contact);
	return (gained & CONTACT_FROM) != 0 || change->answered;
}

static void
change_saved(struct account *acct, const struct change *change, const struct jid *contact,
	int error, bool *shows)
{
	struct stanza st;

	if (!letter_open(change->letter, acct->shard, &st))
		return;
	if (error < 0) {
		route_bounce(acct->shard, &st,
			error == -ENOSPC ? RESOURCE_CONSTRAINT : INTERNAL_SERVER_ERROR, NULL, NULL);
		return;
	}
	apply_to_memory(acct, change, contact);
	if (tell(acct, change, contact, &st))
		*shows = true;
	if ((change->after & CONTACT_FROM) == 0)
		*shows = false;
}

/* The user's presence comes last: what is between belongs to one run on the other side, too. */
static void
saved(struct account *acct, int error, void *arg)
{
	struct subscription_run *run = arg;
	bool shows = false;

	for (unsigned i = 0; i < run->count; i++) {
		struct change *change = &run->changes[i];

		change_saved(acct, change, &run->contact, error, &shows);
		letter_destroy(&change->letter);
		letter_destroy(&change->request);
		arena_reset(&acct->shard->scratch);
	}
	if (shows)
		presence_show_to(acct, &run->contact);
	free(run);
}

/* ---- It is stored ---- */

/* The contact's row once, as it is at the end. */
static void
save_contact(const struct subscription_run *run)
{
	unsigned state = run->changes[run->count - 1].after;
	struct roster_item item = item_after(run->acct, &run->contact, state);
	bool changes = false;

	for (unsigned i = 0; i < run->count; i++)
		changes |= contact_changes(&run->changes[i]);
	if (changes)
		roster_save_contact(run->acct, run->txn, &item);
}

static void
save_request(const struct subscription_run *run, const struct change *change)
{
	struct slice bare = run->contact.full;

	if ((change->before & ~change->after & CONTACT_REQUESTED) != 0)
		roster_delete_request(run->acct, run->txn, bare);
	if (change->request != NULL)
		roster_save_request(run->acct, run->txn, bare, change->request->bytes);
}

void
subscription_run_close(struct account *acct)
{
	struct subscription_run *run = acct->run;
	struct store_txn *txn;

	if (run == NULL)
		return;
	save_contact(run);
	txn = run->txn;
	run->txn = NULL;
	acct->run = NULL;
	account_commit_paused(acct, txn, saved, run);
	account_release(acct);
}

/* Posted before the commit, so it comes before that is back. */
static void
close_run(struct task *task)
{
	struct subscription_run *run = container_of(task, struct subscription_run, task);

	if (run->txn != NULL)
		subscription_run_close(run->acct);
}

static struct subscription_run *
open_run(struct account *acct, const struct jid *contact)
{
	struct subscription_run *run = xcalloc(1, sizeof(*run) + contact->full.len);

	memcpy(run + 1, contact->full.p, contact->full.len);
	run->contact = *contact;
	run->contact.full.p = (char *)(run + 1);
	run->acct = acct;
	run->txn = txn_begin(acct);
	run->task.run = close_run;
	acct->run = run;
	account_hold(acct);
	loop_post(acct->shard->loop, &run->task);
	return run;
}

void
subscription_run_add(struct account *acct, struct stanza *st, bool outbound, unsigned before,
	const struct subscription_step *step)
{
	struct jid contact = jid_to_bare(outbound ? &st->to : &st->from);
	struct change change = { NULL, NULL, before, step->state, outbound, step->goes_on,
		step->answered };
	struct subscription_run *run = acct->run;

	if (run == NULL && before == step->state) {
		if (tell(acct, &change, &contact, st))
			presence_show_to(acct, &contact);
		return;
	}
	if (run == NULL)
		run = open_run(acct, &contact);
	change.letter = letter_create(st, NULL, 0);
	if ((step->state & ~before & CONTACT_REQUESTED) != 0)
		change.request = kept_of(acct, st);
	run->changes[run->count++] = change;
	save_request(run, &change);
}
