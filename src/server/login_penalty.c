/*
 * What a wrong password costs. The failures of a network (throttle.h) hold up all further attempts
 * from it, before they are looked at: guessing in parallel, on many connections, gets no more
 * answers than guessing in turn, and a right guess is not told sooner than a wrong one. Who comes
 * from where the account was signed in to before does not wait with them.
 *
 * The failures of an account hold up only the answers to further failures, so that nobody can keep
 * its owner out.
 */
#include "server/login_internal.h"
#include "server/places.h"
#include "server/server_internal.h"
#include "server/throttle.h"

enum { TRIES = 3 };

static void
log_failure(const struct login *login, const char *condition)
{
	char peer[PEER_TEXT];

	peer_write(conn_peer(login->conn), peer);
	log_info(login->shard->server->log, "sign-in failed", F_STR("peer", peer),
		F_STR("condition", condition),
		F_TEXT("user", login->step.user.p == NULL ? SLICE("") : login->step.user),
		F_UINT("tries", login->failures));
}

static void
answer_failure(struct login *login)
{
	enum sasl_condition condition = login->step.condition;

	if (condition == SASL_NO_CONDITION)
		condition = SASL_NOT_AUTHORIZED;
	stream_write_failure(conn_output(login->conn), login->sasl2 != NULL,
		sasl_condition_name(condition), login->step.text);
	if (login->failures >= TRIES) {
		login_end(login, STREAM_POLICY_VIOLATION, "Too many failed attempts to sign in");
		return;
	}
	login_continue(login);
}

/* Only what guesses is counted; a client that is merely wrong about SASL is not slowed down. */
static uint32_t
count_failure(struct login *login)
{
	struct shard *shard = login->shard;
	struct slice network = throttle_network(conn_peer(login->conn));
	struct slice account = login->claimed.full;
	uint64_t now = loop_now_ms(shard->loop);

	if (login->step.condition != SASL_NOT_AUTHORIZED)
		return 0;
	(void)throttle_fail(shard->server->networks, network, now);
	if (account.p == NULL)
		return 0;
	places_fail(shard->places, account, network);
	return throttle_fail(shard->throttle, account, now);
}

static void
delay_over(struct timer *timer)
{
	struct login *login = container_of(timer, struct login, delay);

	login->next(login);
}

static void
go_on_after(struct login *login, uint32_t delay_ms, login_next *next)
{
	if (delay_ms == 0) {
		next(login);
		return;
	}
	shard_count(login->shard, METRIC_LOGIN_DELAYS_TOTAL);
	login_wait(login);
	login->next = next;
	login->delay.fire = delay_over;
	timer_start(login->shard->loop, &login->delay, delay_ms);
}

void
login_fail(struct login *login)
{
	login->failures++;
	shard_count(login->shard, METRIC_LOGIN_FAILURES_TOTAL);
	log_failure(login, login->step.text != NULL ? login->step.text
						    : sasl_condition_name(login->step.condition));
	login_end_sasl(login);
	go_on_after(login, count_failure(login), answer_failure);
}

void
login_admit(struct login *login, login_next *next)
{
	struct throttle *networks = login->shard->server->networks;
	struct slice network = throttle_network(conn_peer(login->conn));
	uint64_t now = loop_now_ms(login->shard->loop);
	uint64_t left = login->until_ms > now ? login->until_ms - now : 0;
	uint32_t wait_ms = 0;

	if (!login->is_admitted && throttle_holds(networks, network, now) &&
		!places_know(login->shard->places, login->claimed.full, network)) {
		/* What is left must do for the rest of the sign-in, too. */
		wait_ms = throttle_admit(networks, network, now, (uint32_t)(left / 2));
		login->is_admitted = wait_ms > 0;
	}
	if (wait_ms == THROTTLE_REFUSED)
		shard_count(login->shard, METRIC_LOGIN_REFUSALS_TOTAL);
	if (wait_ms == THROTTLE_REFUSED)
		login_refuse(login, SASL_TEMPORARY_AUTH_FAILURE,
			"Too many sign-ins from your network failed lately; try again later");
	else
		go_on_after(login, wait_ms, next);
}
