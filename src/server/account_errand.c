/*
 * Errands of an account: transactions and reads that come back to it, with the account paused
 * meanwhile or not.
 */
#include "server/account_internal.h"
#include "server/account_joint.h"
#include "server/server_internal.h"

#include <errno.h>
#include <stdlib.h>

/* A request under way for an account, and what to do when it is back. */
struct errand {
	struct account *acct;
	void (*committed)(struct account *acct, int error, void *arg);
	void (*fetched)(struct account *acct, int error, struct store_batch *batch, void *arg);
	void *arg;
	bool pauses;
};

void
account_hold(struct account *acct)
{
	acct->pauses++;
	acct->pending++;
	timer_stop(acct->shard->loop, &acct->idle);
	account_pause(acct);
}

void
account_release(struct account *acct)
{
	acct->pauses--;
	acct->pending--;
	if (acct->pauses == 0)
		account_resume(acct);
	else
		account_consider_leaving(acct);
}

static struct errand *
errand_create(struct account *acct, bool pauses, void *arg)
{
	struct errand *errand = xcalloc(1, sizeof(*errand));

	errand->acct = acct;
	errand->arg = arg;
	errand->pauses = pauses;
	acct->pending++;
	timer_stop(acct->shard->loop, &acct->idle);
	if (pauses)
		account_pause(acct);
	return errand;
}

static void
errand_end(struct errand *errand)
{
	struct account *acct = errand->acct;
	bool pauses = errand->pauses;

	free(errand);
	acct->pending--;
	arena_reset(&acct->shard->scratch);
	/* What was done may have paused the account anew; then it stays so. */
	if (pauses && acct->pauses == 0)
		account_resume(acct);
	else
		account_consider_leaving(acct);
}

static void
errand_done(struct store_request *request)
{
	struct errand *errand = request->arg;
	struct account *acct = errand->acct;

	if (errand->pauses)
		acct->pauses--;
	/* That somebody else came first is no failure of the store. */
	if (request->error < 0 && request->error != -ESTALE)
		log_at(acct->shard->server->log, server_level_of(request->error),
			"a request to the store failed", F_TEXT("account", acct->jid.full),
			F_STR("error", strerror(-request->error)));
	if (errand->committed != NULL)
		errand->committed(acct, request->error, errand->arg);
	else if (errand->fetched != NULL)
		errand->fetched(acct, request->error, store_batch_of(request), errand->arg);
	errand_end(errand);
}

static void
commit(struct account *acct, struct store_txn *txn, bool pauses,
	void (*done)(struct account *acct, int error, void *arg), void *arg)
{
	struct errand *errand;

	account_joint_send(acct);
	acct->pauses += pauses;
	errand = errand_create(acct, pauses, arg);
	errand->committed = done;
	store_commit(txn, acct->shard->number, errand_done, errand);
}

void
account_commit(struct account *acct, struct store_txn *txn,
	void (*done)(struct account *acct, int error, void *arg), void *arg)
{
	commit(acct, txn, false, done, arg);
}

void
account_commit_paused(struct account *acct, struct store_txn *txn,
	void (*done)(struct account *acct, int error, void *arg), void *arg)
{
	commit(acct, txn, true, done, arg);
}

struct store_batch *
batch_begin(struct account *acct)
{
	return store_batch_create(acct->shard->server->store, acct->jid.full);
}

void
account_fetch(struct account *acct, struct store_batch *batch,
	void (*done)(struct account *acct, int error, struct store_batch *batch, void *arg),
	void *arg)
{
	struct errand *errand;

	account_joint_send(acct);
	acct->pauses++;
	errand = errand_create(acct, true, arg);
	errand->fetched = done;
	store_fetch(batch, acct->shard->number, errand_done, errand);
}
