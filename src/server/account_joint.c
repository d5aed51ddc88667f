/* A transaction, who waits for it, and a task that sends it away at the end of the turn. */
#include "server/account_joint.h"

#include "server/account_internal.h"
#include "server/server_internal.h"

#include <stdlib.h>

enum { ROWS_MOST = 64 };

struct waiting {
	void (*done)(struct account *acct, int error, void *arg);
	void *arg;
};

struct joint {
	struct task task;
	struct account *acct;
	struct store_txn *txn; /* NULL: it was sent away before the turn was over */
	struct waiting *waiting;
	size_t count, capacity;
	unsigned calls; /* of account_joint, a bound of its rows */
	bool is_posted, is_done;
};

static void
free_when_over(struct joint *joint)
{
	if (joint->is_posted || !joint->is_done)
		return;
	free(joint->waiting);
	free(joint);
}

static void
end_turn(struct task *task)
{
	struct joint *joint = container_of(task, struct joint, task);

	joint->is_posted = false;
	if (joint->txn != NULL)
		account_joint_send(joint->acct);
	else
		free_when_over(joint);
}

static void
stored(struct account *acct, int error, void *arg)
{
	struct joint *joint = arg;

	for (size_t i = 0; i < joint->count; i++)
		joint->waiting[i].done(acct, error, joint->waiting[i].arg);
	joint->is_done = true;
	free_when_over(joint);
}

void
account_joint_send(struct account *acct)
{
	struct joint *joint = acct->joint;
	struct store_txn *txn;

	if (joint == NULL)
		return;
	txn = joint->txn;
	acct->joint = NULL;
	joint->txn = NULL;
	acct->pending--; /* from now on the request counts */
	account_commit(acct, txn, stored, joint);
}

struct store_txn *
account_joint(struct account *acct)
{
	struct joint *joint;

	if (acct->joint != NULL && acct->joint->calls == ROWS_MOST)
		account_joint_send(acct);
	joint = acct->joint;
	if (joint == NULL) {
		joint = xcalloc(1, sizeof(*joint));
		joint->task.run = end_turn;
		joint->acct = acct;
		joint->txn = txn_begin(acct);
		joint->is_posted = true;
		acct->joint = joint;
		acct->pending++;
		timer_stop(acct->shard->loop, &acct->idle);
		loop_post(acct->shard->loop, &joint->task);
	}
	joint->calls++;
	return joint->txn;
}

void
account_joint_then(
	struct account *acct, void (*done)(struct account *acct, int error, void *arg), void *arg)
{
	struct joint *joint = acct->joint;

	if (joint->count == joint->capacity) {
		joint->capacity = joint->capacity == 0 ? 4 : 2 * joint->capacity;
		joint->waiting = xrealloc(
			joint->waiting, size_mul(joint->capacity, sizeof(*joint->waiting)));
	}
	joint->waiting[joint->count++] = (struct waiting){ done, arg };
}

bool
account_is_joint(const struct account *acct, const struct store_txn *txn)
{
	return acct->joint != NULL && acct->joint->txn == txn;
}
