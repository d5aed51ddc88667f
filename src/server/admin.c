/* Errands of administrators: each is one object that goes to the shards, gathers, and answers. */
#include "server/admin.h"

#include "io/tls.h"
#include "server/account_internal.h"
#include "server/letter.h"
#include "server/notice.h"
#include "server/server_internal.h"
#include "server/session_internal.h"
#include "server/sm.h"
#include "server/visit.h"

#include <stdlib.h>

struct errand {
	struct arena arena;
	struct jid jid;
	struct slice domain, text;
	const char *why;
	struct admin_session *sessions;
	struct admin_sessions found;
	size_t room;
	uint32_t most;
	uint64_t count;
	admin_got_sessions *got_sessions;
	admin_counted *counted;
	unsigned (*deed)(struct account *acct);
	void *arg;
};

static struct errand *
errand_create(void *arg)
{
	struct errand *errand = xcalloc(1, sizeof(*errand));

	arena_init(&errand->arena, 0);
	errand->arg = arg;
	return errand;
}

static void
errand_free(struct errand *errand)
{
	arena_finish(&errand->arena);
	free(errand->sessions);
	free(errand);
}

/* ---- Sessions ---- */

/* What its presence says; most say nothing, which is seen without a scanner. */
static struct slice
show_of(const struct session *s, struct arena *arena)
{
	struct shard *shard = s->account->shard;
	struct stanza presence = session_presence(s);
	struct letter *letter;
	struct slice show = NO_SLICE;

	if (!s->is_available || presence.content.len == 0 ||
		memmem(presence.content.p, presence.content.len, "show", 4) == NULL)
		return NO_SLICE;
	letter = letter_create(&presence, NULL, 0);
	if (letter_open(letter, shard, &presence))
		show = arena_copy(arena, stanza_show(&presence, arena));
	letter_destroy(&letter);
	arena_reset(&shard->scratch);
	return show;
}

/* A moment of the loop's clock as people see it. */
static int64_t
wall_of(const struct shard *shard, uint64_t ms)
{
	return loop_wall_ms(shard->loop) - (int64_t)(loop_now_ms(shard->loop) - ms);
}

static void
add_session(struct errand *errand, const struct session *s)
{
	const struct shard *shard = s->account->shard;
	char peer[PEER_TEXT] = "";

	if (errand->found.count == errand->room) {
		errand->room = errand->room * 2 + 16;
		errand->sessions = xrealloc(
			errand->sessions, size_mul(errand->room, sizeof(*errand->sessions)));
	}
	if (s->conn != NULL)
		peer_write(conn_peer(s->conn), peer);
	errand->sessions[errand->found.count++] = (struct admin_session){
		.jid = jid_copy(&s->jid, &errand->arena),
		.peer = arena_copy(&errand->arena, slice_of(peer)),
		.tls = s->conn == NULL ? "" : conn_tls_version(s->conn),
		.cipher = s->conn == NULL ? "" : conn_tls_cipher(s->conn),
		.is_lost = s->conn == NULL,
		.since_ms = wall_of(shard, s->bound_ms),
		.heard_ms = wall_of(shard, s->heard_ms),
		.is_available = s->is_available,
		.priority = s->priority,
		.show = show_of(s, &errand->arena),
		.queue_bytes = s->conn == NULL ? sm_unacknowledged(s->sm) : conn_pending(s->conn),
		.shard = shard->number,
	};
}

static void
add_account(struct errand *errand, struct account *acct)
{
	const struct session *s;

	if (acct->session_count == 0)
		return;
	if (errand->domain.p != NULL && !slice_is(errand->domain, jid_domain(&acct->jid)))
		return;
	errand->found.users++;
	if (errand->found.users > errand->most)
		return;
	LIST_EACH (s, &acct->sessions, const struct session, link)
		add_session(errand, s);
}

static void
see_all(struct shard *shard, void *arg)
{
	struct map_node *node;
	size_t at = 0;

	while ((node = map_next(&shard->accounts, &at)) != NULL)
		add_account(arg, container_of(node, struct account, node));
}

static void
see_account(struct shard *shard, void *arg)
{
	struct errand *errand = arg;
	struct account *acct = account_find(shard, errand->jid.full);

	if (acct != NULL)
		add_account(errand, acct);
}

static void
tell_sessions(struct shard *shard, void *arg)
{
	struct errand *errand = arg;

	(void)shard;
	errand->found.v = errand->sessions;
	errand->got_sessions(errand->arg, &errand->found);
	errand_free(errand);
}

void
admin_list_sessions(struct shard *shard, struct slice domain, uint32_t most,
	admin_got_sessions *done, void *arg)
{
	struct errand *errand = errand_create(arg);

	errand->domain = arena_copy(&errand->arena, domain);
	errand->most = most;
	errand->got_sessions = done;
	visit_all(shard, see_all, tell_sessions, errand);
}

void
admin_find_sessions(
	struct shard *shard, const struct jid *bare, admin_got_sessions *done, void *arg)
{
	struct errand *errand = errand_create(arg);

	errand->jid = jid_copy(bare, &errand->arena);
	errand->most = 1;
	errand->got_sessions = done;
	visit_home(shard, errand->jid.full, see_account, tell_sessions, errand);
}

/* ---- Counted deeds ---- */

static void
tell_count(struct shard *shard, void *arg)
{
	struct errand *errand = arg;

	(void)shard;
	errand->counted(errand->arg, errand->count);
	errand_free(errand);
}

static void
kick_here(struct shard *shard, void *arg)
{
	struct errand *errand = arg;
	struct account *acct = account_find(shard, jid_bare(&errand->jid));
	struct session *s;

	if (acct == NULL)
		return;
	LIST_EACH (s, &acct->sessions, struct session, link) {
		if (jid_is_full(&errand->jid) && !jid_is(&errand->jid, &s->jid))
			continue;
		session_end(s, STREAM_POLICY_VIOLATION, errand->why);
		errand->count++;
	}
}

void
admin_kick(
	struct shard *shard, const struct jid *jid, const char *why, admin_counted *done, void *arg)
{
	struct errand *errand = errand_create(arg);

	errand->why = arena_copy(&errand->arena, slice_of(why)).p;
	errand->jid = jid_copy(jid, &errand->arena);
	errand->counted = done;
	visit_home(shard, jid_bare(&errand->jid), kick_here, tell_count, errand);
}

static void
announce_to(struct errand *errand, struct account *acct)
{
	struct session *s;

	if (errand->domain.p != NULL && !slice_is(errand->domain, jid_domain(&acct->jid)))
		return;
	LIST_EACH (s, &acct->sessions, struct session, link)
		errand->count += notice_send(s, TYPE_HEADLINE, errand->text);
}

static void
announce_here(struct shard *shard, void *arg)
{
	struct map_node *node;
	size_t at = 0;

	while ((node = map_next(&shard->accounts, &at)) != NULL)
		announce_to(arg, container_of(node, struct account, node));
}

void
admin_announce(
	struct shard *shard, struct slice domain, struct slice text, admin_counted *done, void *arg)
{
	struct errand *errand = errand_create(arg);

	errand->text = notice_write("Announcement", text, &errand->arena);
	errand->domain = arena_copy(&errand->arena, domain);
	errand->counted = done;
	visit_all(shard, announce_here, tell_count, errand);
}

static void
do_here(struct shard *shard, void *arg)
{
	struct errand *errand = arg;
	struct map_node *node;
	size_t at = 0;

	while ((node = map_next(&shard->accounts, &at)) != NULL) {
		struct account *acct = container_of(node, struct account, node);

		if (slice_is(errand->domain, jid_domain(&acct->jid)))
			errand->count += errand->deed(acct);
	}
}

void
admin_each_account(struct shard *shard, struct slice domain, unsigned (*deed)(struct account *acct),
	admin_counted *done, void *arg)
{
	struct errand *errand = errand_create(arg);

	errand->domain = arena_copy(&errand->arena, domain);
	errand->deed = deed;
	errand->counted = done;
	visit_all(shard, do_here, tell_count, errand);
}

/* ---- The end ---- */

static void
stop(struct timer *timer)
{
	const struct server *server = container_of(timer, struct shard, stop)->server;

	server->wants_stop(server->wants_arg);
}

static void
restart(struct timer *timer)
{
	const struct server *server = container_of(timer, struct shard, stop)->server;

	server->wants_restart(server->wants_arg);
}

static void
end_later(struct shard *shard, void (*end)(struct timer *timer), uint32_t delay_ms)
{
	timer_stop(shard->loop, &shard->stop);
	shard->stop.fire = end;
	timer_start(shard->loop, &shard->stop, delay_ms);
}

bool
admin_stop(struct shard *shard, uint32_t delay_ms)
{
	if (shard->server->wants_stop == NULL)
		return false;
	end_later(shard, stop, delay_ms);
	return true;
}

bool
admin_restart(struct shard *shard, uint32_t delay_ms)
{
	if (shard->server->wants_restart == NULL)
		return false;
	end_later(shard, restart, delay_ms);
	return true;
}
