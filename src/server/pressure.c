/* Holding producers, one task there and one back for each pair of a full session and a writer. */
#include "server/pressure.h"

#include "io/timer.h"
#include "server/account_internal.h"
#include "server/server_internal.h"
#include "server/session_internal.h"

#include <stdlib.h>

enum { WAIT_MS = 16 };

/* A sender that is held back. */
struct held {
	struct held *next;
	struct jid jid; /* its text follows */
};

/* All whom a full session or account holds back. */
struct holding {
	struct held *first;
	struct session *session; /* that is full; NULL: an account */
	struct timer patience;   /* of the server with the session */
};

/* In the list of a session that is held back: by whom. */
struct holder {
	struct holder *next;
	uint64_t number;
};

/* The word to a sender's home: hold it, or let it go on. */
struct word {
	struct task task;
	struct shard *home;
	struct jid jid;  /* its text follows */
	uint64_t holder; /* a number that is nobody else's while words of it are under way */
	bool holds;
};

static struct holder **
find_holder(struct session *s, uint64_t number)
{
	struct holder **at = &s->holders;

	while (*at != NULL && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

/* Who holds it already says so again after each sign-in of the sender with the same address. */
static void
be_held(struct session *s, uint64_t number)
{
	struct holder *holder;

	if (*find_holder(s, number) != NULL)
		return;
	holder = xcalloc(1, sizeof(*holder));
	*holder = (struct holder){ s->holders, number };
	s->holders = holder;
	if (s->conn != NULL)
		conn_pause(s->conn);
}

static void
be_let_go(struct session *s, uint64_t number)
{
	struct holder **at = find_holder(s, number), *holder = *at;

	if (holder == NULL)
		return;
	*at = holder->next;
	free(holder);
	if (s->holders == NULL)
		session_continue(s);
}

void
pressure_forget(struct session *s)
{
	while (s->holders != NULL) {
		struct holder *holder = s->holders;

		s->holders = holder->next;
		free(holder);
	}
}

static void
arrive(struct task *task)
{
	struct word *word = container_of(task, struct word, task);
	struct account *acct = account_find(word->home, jid_bare(&word->jid));
	struct session *s = acct == NULL ? NULL : account_session(acct, jid_resource(&word->jid));

	if (s != NULL && word->holds)
		be_held(s, word->holder);
	else if (s != NULL)
		be_let_go(s, word->holder);
	free(word);
}

static void
send_word(struct shard *from, const struct holding *holding, const struct jid *to, bool holds)
{
	struct word *word = xcalloc(1, sizeof(*word) + to->full.len);

	memcpy(word + 1, to->full.p, to->full.len);
	word->jid = *to;
	word->jid.full.p = (char *)(word + 1);
	/* Words of one shard arrive in order, so a place in memory is a number that will do. */
	word->holder = (uint64_t)(uintptr_t)holding;
	word->holds = holds;
	word->home = server_home(from->server, jid_bare(to));
	word->task.run = arrive;
	loop_post(word->home->loop, &word->task);
}

static void
remember(struct holding *holding, const struct jid *jid)
{
	struct held *held = holding->first;

	while (held != NULL && !jid_is(&held->jid, jid))
		held = held->next;
	if (held != NULL)
		return;
	held = xcalloc(1, sizeof(*held) + jid->full.len);
	memcpy(held + 1, jid->full.p, jid->full.len);
	held->jid = *jid;
	held->jid.full.p = (char *)(held + 1);
	held->next = holding->first;
	holding->first = held;
}

void
pressure_hold(struct shard *shard, struct holding **holding, const struct jid *from)
{
	if (from->resource_len == 0)
		return;
	if (*holding == NULL)
		*holding = xcalloc(1, sizeof(**holding));
	remember(*holding, from);
	send_word(shard, *holding, from, true);
}

void
pressure_let_go(struct shard *shard, struct holding **holding)
{
	struct holding *ending = *holding;

	*holding = NULL;
	if (ending == NULL)
		return;
	timer_stop(shard->loop, &ending->patience);
	while (ending->first != NULL) {
		struct held *held = ending->first;

		ending->first = held->next;
		send_word(shard, ending, &held->jid, false);
		free(held);
	}
	free(ending);
}

static void
lose_patience(struct timer *timer)
{
	session_end(container_of(timer, struct holding, patience)->session,
		STREAM_RESOURCE_CONSTRAINT,
		"You read too slowly while others waited; come back for the rest");
}

void
pressure_check(struct session *s, const struct jid *from)
{
	struct shard *shard = s->account->shard;

	/* Nobody waits for a client that is away. */
	if (s->conn == NULL || !session_is_full(s))
		return;
	pressure_hold(shard, &s->holding, from);
	if (s->holding == NULL || timer_is_running(&s->holding->patience))
		return;
	s->holding->session = s;
	s->holding->patience.fire = lose_patience;
	timer_start(shard->loop, &s->holding->patience, shard->server->core->c2s->full_ms);
}

void
pressure_release(struct session *s)
{
	pressure_let_go(s->account->shard, &s->holding);
	if (s->waits_for_itself) {
		s->waits_for_itself = false;
		session_continue(s);
	}
}

/* Whether a mailbox or the store has more than it should take more of. */
static bool
is_congested(struct shard *shard)
{
	struct server *server = shard->server;
	bool is_full = false;

	for (unsigned i = 0; shard->mail_is_full && i < server->shard_count; i++)
		is_full |= atomic_load_explicit(&server->shards[i]->mail_bytes,
				   memory_order_relaxed) > LIMIT_MAIL / 2;
	shard->mail_is_full = is_full;
	return is_full || store_is_busy(server->store);
}

static void
look_again(struct timer *timer)
{
	struct shard *shard = container_of(timer, struct shard, others_wait);
	struct session *s;

	if (is_congested(shard)) {
		timer_start(shard->loop, timer, WAIT_MS);
		return;
	}
	LIST_EACH (s, &shard->sessions, struct session, all) {
		if (!s->waits_for_others)
			continue;
		s->waits_for_others = false;
		session_continue(s);
	}
}

bool
pressure_may_read(struct session *s)
{
	struct shard *shard = s->account->shard;

	if (s->holders != NULL || (!account_is_ready(s->account) && s->account->run == NULL))
		return false;
	/* Not so when it has only to acknowledge: that must be read. */
	if (conn_is_full(s->conn)) {
		s->waits_for_itself = true;
		return false;
	}
	if (is_congested(shard)) {
		s->waits_for_others = true;
		shard->others_wait.fire = look_again;
		if (!timer_is_running(&shard->others_wait))
			timer_start(shard->loop, &shard->others_wait, WAIT_MS);
		return false;
	}
	return true;
}
