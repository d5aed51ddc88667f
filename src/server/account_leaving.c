/* How an account leaves memory: when nothing has held it for a while, and what it keeps is stored.
 */
#include "server/account_internal.h"
#include "server/server_internal.h"

/* Stores what waited for this moment; once, until somebody signs in again. */
void
account_settle(struct account *acct)
{
	if (acct->is_settled || !acct->exists || acct->state != ACCOUNT_RESIDENT)
		return;
	acct->is_settled = true;
	hook_account_leaving(&acct->shard->server->pipeline, acct);
}

/* It goes when that is stored: the end of a commit leads to account_consider_leaving. */
static void
go_idle(struct timer *timer)
{
	struct account *acct = container_of(timer, struct account, idle);

	account_settle(acct);
	if (acct->pending == 0)
		account_destroy(acct);
}

/* Leaves memory after a while if nothing holds it. */
void
account_consider_leaving(struct account *acct)
{
	const struct server_config *conf = acct->shard->server->core->server;
	bool is_held = acct->session_count > 0 || acct->pending > 0 ||
		       acct->state != ACCOUNT_RESIDENT || !list_is_empty(&acct->logins);

	if (is_held) {
		timer_stop(acct->shard->loop, &acct->idle);
		return;
	}
	if (timer_is_running(&acct->idle))
		return;
	acct->idle.fire = go_idle;
	/* Who does not exist, or never will again, is not worth keeping. */
	timer_start(acct->shard->loop, &acct->idle,
		acct->exists && !acct->is_settled ? conf->account_idle_ms : 0);
}
