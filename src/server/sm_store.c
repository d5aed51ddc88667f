/*
 * What is on disk of a session that can be resumed, so that it can be after a crash, too:
 *
 *  - The counts. We say of no stanza that it is handled before that is written here, since
 *    the number must never go back.
 *  - The outbox: messages and requests that the client has not acknowledged, as they were written
 *    to it, behind their numbers. Answers and presence are not there: presence is asked for anew
 *    when the session is resumed. A server that is told to stop puts everything there.
 *
 * Rows are not taken out with each acknowledgement but many at once, or when a while has passed.
 * What the session is beside that is in session_record.c.
 */
#include "server/sm_internal.h"

#include "server/account_internal.h"
#include "server/account_joint.h"
#include "server/receipt.h"
#include "server/server_internal.h"
#include "server/session_internal.h"

#include <stdlib.h>

enum { SPENT_MOST = 64, SPEND_MS = 2000 };

static struct slice
id_of(const struct sm *sm)
{
	return slice_of(sm->id);
}

static const unsigned *
tables_of(const struct account *acct)
{
	return acct->shard->server->tables;
}

/* ---- The outbox ---- */

static bool
is_for_outbox(const struct sm *sm, const struct stanza *st)
{
	return sm->is_suspended || st->kind == STANZA_MESSAGE ||
	       (st->kind == STANZA_IQ && (st->type == TYPE_GET || st->type == TYPE_SET));
}

/* The row is there, or it is not: the message was written to its client anyway. */
static void
sent_stored(struct account *acct, int error, void *arg)
{
	struct receipt *receipt = arg;

	(void)acct;
	(void)error; /* told by the store; only a crash before the client has it would lose it */
	receipt_drop(&receipt);
}

static void
write_number(struct sent *sent)
{
	char text[SENT_NUMBER + 1];

	(void)snprintf(text, sizeof(text), sent->is_fresh ? "?%9u " : "%10u ",
		sent->is_fresh ? 0 : sent->number);
	memcpy(sent->bytes, text, SENT_NUMBER);
}

static void
put_sent(struct sm *sm, struct store_txn *txn, struct sent *sent)
{
	struct account *acct = sm->session->account;

	write_number(sent);
	sent->row = store_txn_log_append(txn, tables_of(acct)[CORE_OUTBOX], sent->wall_ms,
		id_of(sm), slice_make(sent->bytes, SENT_NUMBER + sent->size));
}

static void put_counts_again(struct sm *sm);

void
sm_store_sent(struct sm *sm, struct sent *sent, const struct stanza *st)
{
	struct account *acct = sm->session->account;

	if (!is_for_outbox(sm, st))
		return;
	put_sent(sm, account_joint(acct), sent);
	if (sm->is_suspended)
		put_counts_again(sm);
	if (st->receipt != NULL)
		account_joint_then(acct, sent_stored, receipt_hold(st->receipt));
}

/* The rows up to the first that the client does not have. */
static void
trim(struct sm *sm, struct store_txn *txn)
{
	struct store_range range = { .with = id_of(sm) };
	const struct sent *sent;

	if (sm->spent == 0)
		return;
	LIST_EACH (sent, &sm->unacked, const struct sent, link) {
		if (sent->row != 0) {
			range.before = sent->row;
			break;
		}
	}
	store_txn_log_delete(txn, tables_of(sm->session->account)[CORE_OUTBOX], &range);
	sm->spent = 0;
}

/* ---- The counts ---- */

static void
put_counts(struct sm *sm)
{
	struct account *acct = sm->session->account;
	struct store_txn *txn = account_joint(acct);
	char text[64];

	(void)snprintf(text, sizeof(text), "%u %u %u %s", sm->storing, sm->acked, sm->sent,
		sm->is_suspended && !sm->is_torn ? "whole" : "torn");
	store_txn_map_put(txn, tables_of(acct)[CORE_COUNTS], id_of(sm), slice_of(text));
	trim(sm, txn);
	list_remove(&sm->idle);
}

static void
counts_stored(struct account *acct, int error, void *arg)
{
	struct sm *sm = arg;

	(void)acct;
	sm->is_storing = false;
	if (error == 0)
		sm->stored = sm->storing;
	if (sm->session == NULL)
		sm_free_if_over(sm);
	else
		sm_counts_stored(sm, error == 0);
}

void
sm_store_counts(struct sm *sm)
{
	if (sm->is_storing || sm_handled(sm) == sm->stored)
		return;
	sm->is_storing = true;
	sm->storing = sm_handled(sm);
	put_counts(sm);
	account_joint_then(sm->session->account, counts_stored, sm);
}

static void
anchored(struct account *acct, int error, void *arg)
{
	struct sm *sm = arg;

	(void)acct;
	sm->is_anchoring = false;
	if (sm->session == NULL)
		sm_free_if_over(sm);
	else
		sm_counts_stored(sm, error == 0);
}

/* The counts as they are, beside what is under way. */
static void
put_counts_again(struct sm *sm)
{
	if (!sm->is_storing)
		sm->storing = sm->stored;
	put_counts(sm);
}

void
sm_store_all(struct sm *sm)
{
	struct account *acct = sm->session->account;
	struct store_txn *txn = account_joint(acct);
	struct sent *sent;

	store_txn_log_delete(
		txn, tables_of(acct)[CORE_OUTBOX], &(struct store_range){ .with = id_of(sm) });
	LIST_EACH (sent, &sm->unacked, struct sent, link)
		put_sent(sm, account_joint(acct), sent);
	sm->spent = 0;
	put_counts_again(sm);
	if (sm->is_anchoring)
		return;
	sm->is_anchoring = true;
	account_joint_then(acct, anchored, sm);
}

/* ---- What is not needed any more ---- */

static void
spend_all(struct timer *timer)
{
	struct shard *shard = container_of(timer, struct shard, spend);

	while (!list_is_empty(&shard->spending)) {
		struct sm *sm = container_of(list_pop(&shard->spending), struct sm, idle);

		put_counts_again(sm);
	}
}

void
sm_spend(struct sm *sm, const struct sent *sent)
{
	struct shard *shard = sm->session->account->shard;

	if (sent->row == 0)
		return;
	if (++sm->spent >= SPENT_MOST)
		trim(sm, account_joint(sm->session->account));
	if (list_is_linked(&sm->idle))
		return;
	list_append(&shard->spending, &sm->idle);
	shard->spend.fire = spend_all;
	if (!timer_is_running(&shard->spend))
		timer_start(shard->loop, &shard->spend, SPEND_MS);
}

/* ---- The end ---- */

/* The stanzas of a session that ended are on their way, and when they are there its rows go. */
struct parting {
	struct account *acct;
	char id[TOKEN_CHARS + 1];
};

static void
parted(struct receipt *receipt)
{
	struct parting *parting = receipt->maker;
	struct account *acct = parting->acct;

	store_txn_log_delete(account_joint(acct), tables_of(acct)[CORE_OUTBOX],
		&(struct store_range){ .with = slice_of(parting->id) });
	acct->pending--; /* the joint transaction counts */
	free(parting);
	free(receipt);
}

struct receipt *
sm_part(struct account *acct, struct slice id)
{
	struct parting *parting = xcalloc(1, sizeof(*parting));

	parting->acct = acct;
	memcpy(parting->id, id.p, id.len < TOKEN_CHARS ? id.len : TOKEN_CHARS);
	acct->pending++;
	return receipt_create(acct->shard, parting, 0, parted);
}

void
sm_forget_id(struct account *acct, struct slice id)
{
	struct store_txn *txn = account_joint(acct);

	store_txn_map_delete(txn, tables_of(acct)[CORE_SESSIONS], id);
	store_txn_map_delete(txn, tables_of(acct)[CORE_COUNTS], id);
}

struct receipt *
sm_forget_stored(struct sm *sm, struct account *acct)
{
	list_remove(&sm->idle);
	if (!sm_is_resumable(sm))
		return NULL;
	sm_forget_id(acct, id_of(sm));
	return sm_part(acct, id_of(sm));
}
