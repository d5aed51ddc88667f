/*
 * Resuming a session instead of binding a resource (XEP-0198, 5): the account comes into memory,
 * then its session takes the connection over. A client whose session is not there any more binds.
 */
#include "server/account_internal.h"
#include "server/login_internal.h"
#include "server/server_internal.h"
#include "server/session_away.h"
#include "server/session_internal.h"
#include "server/sm.h"

void
login_resume(struct login *login, const struct xml_token *element)
{
	struct slice id = xml_attribute(element, NAME_PREVID);
	uint64_t handled;

	if (!login->stream.authenticated) {
		sm_write_failed(conn_output(login->conn), "unexpected-request", NULL);
		return;
	}
	if (id.p == NULL ||
		slice_to_uint(xml_attribute(element, NAME_H), UINT32_MAX, &handled) < 0) {
		sm_write_failed(conn_output(login->conn), "bad-request", NULL);
		return;
	}
	login->previous = arena_copy(&login->arena, id);
	login->handled = (uint32_t)handled;
	login_await_account(login);
}

void
login_resume_failed(struct login *login)
{
	struct account *acct = account_find(login->shard, login->user.full);

	if (login->sasl2 != NULL) {
		login_bind2(login, acct);
		return;
	}
	sm_write_failed_to_resume(conn_output(login->conn), acct, login->previous);
	login->previous = NO_SLICE;
	login_continue(login);
}

void
login_resume_ready(struct login *login, struct account *acct)
{
	if (!login_resume_session(login, acct))
		login_resume_failed(login);
}

bool
login_resume_session(struct login *login, struct account *acct)
{
	struct session *s = session_to_resume(acct, login->previous);
	char detail[SM_DETAIL];

	if (s == NULL)
		return false;
	if (!sm_has_sent(s->sm, login->handled)) {
		sm_write_too_high(s->sm, login->handled, detail);
		login_end_with(login, STREAM_UNDEFINED_CONDITION, SM_TOO_HIGH, slice_of(detail));
	} else {
		session_return(s, login);
	}
	return true;
}

void
login_write_resumed(struct login *login, struct session *s)
{
	struct buffer *out = conn_output(s->conn);

	if (login->sasl2 == NULL) {
		sm_write_resumed(s, out);
		return;
	}
	login_begin_success2(login, &s->jid);
	sm_write_resumed(s, out);
	stream_end_success2(out);
}
