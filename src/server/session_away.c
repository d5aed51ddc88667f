/* The session's timer runs to the end of the wait; what comes back is a sign-in of the account. */
#include "server/session_away.h"

#include "server/account_internal.h"
#include "server/login_internal.h"
#include "server/presence.h"
#include "server/pressure.h"
#include "server/server_internal.h"
#include "server/session_internal.h"
#include "server/sm.h"

/* So long after it is resumed a client may still send what a crash kept from being acknowledged. */
enum { AGAIN_MS = 60000 };

static void
wait_no_longer(struct timer *timer)
{
	struct session *s = container_of(timer, struct session, timer);

	shard_count(s->account->shard, METRIC_SESSIONS_LOST_TOTAL);
	session_end(s, STREAM_CONNECTION_TIMEOUT, "Its client did not come back in time");
}

void
session_go_away(struct session *s)
{
	s->conn = NULL;
	scanner_finish(&s->scanner);
	s->waits_for_others = false;
	s->heard_ms = loop_now_ms(s->account->shard->loop);
	pressure_release(s);
	sm_go_away(s->sm);
	s->timer.fire = wait_no_longer;
	timer_start(s->account->shard->loop, &s->timer, sm_patience_ms(s->sm));
}

struct session *
session_to_resume(const struct account *acct, struct slice id)
{
	struct session *s;

	LIST_EACH (s, &acct->sessions, struct session, link) {
		if (!s->is_overfull && sm_is_named(s->sm, id))
			return s;
	}
	return NULL;
}

static void
come_back(struct session *s)
{
	struct login *login = s->returning;
	struct conn *conn = login->conn;

	login_keep_keys(login, s->account);
	session_attach(s, conn, &login->stream.scanner);
	login->stream.scanner.context = NULL; /* the session has it now */
	session_speak(s, login->lang);
	login_write_resumed(login, s);
	sm_resume(s, login->handled);
	hook_session_returned(&s->account->shard->server->pipeline, s);
	shard_count(s->account->shard, METRIC_RESUMPTIONS_TOTAL);
	log_info(s->account->shard->server->log, "session resumed", F_TEXT("jid", s->jid.full));
	login_hand_over(login);
	if (s->is_unsure)
		s->again_until_ms = loop_now_ms(s->account->shard->loop) + AGAIN_MS;
	conn_resume(conn);
	conn_feed(conn);
	session_relieve(s);
	if (s->is_revived && !s->ended)
		presence_renew(s);
	s->is_revived = s->is_unsure = false;
}

void
session_settled(struct session *s)
{
	if (s->returning != NULL && sm_is_settled(s->sm))
		come_back(s);
}

void
session_return(struct session *s, struct login *login)
{
	struct login *other = s->returning;

	s->returning = login;
	login->returns_to = s;
	if (other != NULL) {
		other->returns_to = NULL;
		login_end(other, STREAM_CONFLICT, NULL);
	}
	if (s->conn != NULL)
		session_lose(s, STREAM_CONFLICT);
	sm_prepare_return(s->sm, login->handled);
	session_settled(s);
}

void
session_refuse_return(struct session *s)
{
	struct login *login = s->returning;

	if (login == NULL)
		return;
	session_forget_return(login);
	login_resume_failed(login);
}

void
session_forget_return(struct login *login)
{
	if (login->returns_to != NULL)
		login->returns_to->returning = NULL;
	login->returns_to = NULL;
}

bool
session_end_oldest_away(struct account *acct)
{
	struct session *s, *oldest = NULL;

	LIST_EACH (s, &acct->sessions, struct session, link) {
		if (s->conn == NULL && (oldest == NULL || s->heard_ms < oldest->heard_ms))
			oldest = s;
	}
	if (oldest != NULL)
		session_end(oldest, STREAM_CONFLICT, "Another session took its place");
	return oldest != NULL;
}

void
session_set_inactive(struct session *s, bool is_inactive)
{
	bool was_inactive = s->is_inactive;

	s->is_inactive = is_inactive;
	if (was_inactive && !is_inactive)
		hook_session_active(&s->account->shard->server->pipeline, s);
}

bool
session_is_active(const struct session *s)
{
	return s->conn != NULL && !s->is_inactive;
}
