/* Holding producers, one task there and one back for each pair of a full session and a writer. */
#include "server/pressure.h"

#include "server/account_internal.h"
#include "server/server_internal.h"
#include "server/session_internal.h"

#include <stdlib.h>

enum { WAIT_MS = 16 };

/* A sender that a full session or account holds back; in its list. */
struct held {
	struct held *next;
	struct jid jid; /* its text follows */
};

/* The word to a sender's home: hold it, or let it go on. */
struct word {
	struct task task;
	struct shard *home;
	struct jid jid; /* its text follows */
	bool holds;
};

static void
arrive(struct task *task)
{
	struct word *word = container_of(task, struct word, task);
	struct account *acct = account_find(word->home, jid_bare(&word->jid));
	struct session *s = acct == NULL ? NULL : account_session(acct, jid_resource(&word->jid));

	if (s != NULL && word->holds) {
		s->holds++;
		conn_pause(s->conn);
	} else if (s != NULL && s->holds > 0 && --s->holds == 0) {
		session_continue(s);
	}
	free(word);
}

static void
send_word(struct shard *from, const struct jid *to, bool holds)
{
	struct word *word = xcalloc(1, sizeof(*word) + to->full.len);

	memcpy(word + 1, to->full.p, to->full.len);
	word->jid = *to;
	word->jid.full.p = (char *)(word + 1);
	word->holds = holds;
	word->home = server_home(from->server, jid_bare(to));
	word->task.run = arrive;
	loop_post(word->home->loop, &word->task);
}

static bool
is_held(const struct held *held, const struct jid *jid)
{
	while (held != NULL && !jid_is(&held->jid, jid))
		held = held->next;
	return held != NULL;
}

void
pressure_hold(struct shard *shard, struct held **list, const struct jid *from)
{
	struct held *held;

	if (from->resource_len == 0 || is_held(*list, from))
		return;
	held = xcalloc(1, sizeof(*held) + from->full.len);
	memcpy(held + 1, from->full.p, from->full.len);
	held->jid = *from;
	held->jid.full.p = (char *)(held + 1);
	held->next = *list;
	*list = held;
	send_word(shard, from, true);
}

void
pressure_let_go(struct shard *shard, struct held **list)
{
	while (*list != NULL) {
		struct held *held = *list;

		*list = held->next;
		send_word(shard, &held->jid, false);
		free(held);
	}
}

void
pressure_check(struct session *s, const struct jid *from)
{
	if (conn_is_full(s->conn))
		pressure_hold(s->account->shard, &s->held, from);
}

void
pressure_release(struct session *s)
{
	pressure_let_go(s->account->shard, &s->held);
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

	if (s->holds > 0 || !account_is_ready(s->account))
		return false;
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
