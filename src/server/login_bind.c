/* Resource binding (RFC 6120, 7): the account comes into memory, then the session begins. */
#include "base/random.h"
#include "server/account_internal.h"
#include "server/credentials.h"
#include "server/login_internal.h"
#include "server/server_internal.h"
#include "server/session_away.h"
#include "server/session_internal.h"

#include "io/tls.h"

static void
refuse(struct login *login, enum stanza_condition condition, const char *text)
{
	struct stanza error = { .kind = STANZA_IQ, .type = TYPE_ERROR, .id = login->bind_id };
	struct buffer content;

	buffer_init(&content, LIMIT_STORED_STANZA);
	stanza_error_write(&content, condition, text, NULL, NULL);
	error.content = buffer_slice(&content);
	stanza_write(conn_output(login->conn), &error);
	buffer_finish(&content);
	login_continue(login);
}

/* RFC 6120 7.7.2.2: what happens when the resource is there already. False: refused. */
static bool
settle_conflict(struct login *login, struct account *acct, struct slice *resource, char *token)
{
	const char *policy = login->shard->server->core->c2s->conflict;
	struct session *other = account_session(acct, *resource);

	if (other == NULL)
		return true;
	/* Who is not there any more has no say: its client came back and did not resume. */
	if (other->conn == NULL) {
		session_end(other, STREAM_CONFLICT, NULL);
		return true;
	}
	if (strcmp(policy, "refuse") == 0) {
		refuse(login, CONFLICT, "This resource is in use");
		return false;
	}
	if (strcmp(policy, "rename") == 0) {
		random_token(token);
		*resource = slice_of(token);
	} else {
		session_end(other, STREAM_CONFLICT, NULL);
	}
	return true;
}

void
login_keep_keys(const struct login *login, struct account *acct)
{
	/* Keys that were asked for before a change of the password may be the old ones. */
	if (login->keys.iterations > 0 && login->keys_age == login->shard->password_changes)
		credentials_keep(acct, &login->keys);
}

struct session *
login_make_session(struct login *login, struct account *acct, struct slice resource)
{
	struct session *s;

	login_keep_keys(login, acct);
	s = session_create(acct, resource, login->conn, &login->stream.scanner);
	login->stream.scanner.context = NULL; /* the session has it now */
	session_speak(s, login->lang);
	shard_count(acct->shard, METRIC_SESSIONS_TOTAL);
	log_info(acct->shard->server->log, "session bound", F_TEXT("jid", s->jid.full),
		F_STR("tls", conn_tls_version(s->conn)), F_UINT("sessions", acct->session_count));
	return s;
}

static void
begin_session(struct login *login, struct account *acct, struct slice resource)
{
	struct session *s = login_make_session(login, acct, resource);

	stream_write_bound(conn_output(s->conn), login->bind_id, &s->jid);
	conn_resume(s->conn);
	conn_feed(s->conn);
	login_hand_over(login);
}

bool
login_has_room(const struct login *login, struct account *acct)
{
	return acct->session_count < login->shard->server->core->c2s->most_sessions ||
	       session_end_oldest_away(acct);
}

void
login_account_ready(struct login *login)
{
	struct shard *shard = login->shard;
	struct account *acct = account_find(shard, login->user.full);
	struct slice resource = login->resource;
	char token[TOKEN_CHARS + 1];

	if (!login->stream.authenticated) {
		login_account_found(login, acct);
		return;
	}
	if (acct == NULL || !acct->exists) {
		login_end(login, STREAM_NOT_AUTHORIZED, "This account was deleted");
		return;
	}
	if (acct->is_disabled) {
		login_end(login, STREAM_NOT_AUTHORIZED, "An administrator disabled this account");
		return;
	}
	if (login->previous.p != NULL) {
		login_resume_ready(login, acct);
		return;
	}
	if (resource.len == 0) {
		random_token(token);
		resource = slice_of(token);
	}
	if (!settle_conflict(login, acct, &resource, token))
		return;
	if (!login_has_room(login, acct)) {
		refuse(login, RESOURCE_CONSTRAINT, "This account has too many sessions");
		return;
	}
	begin_session(login, acct, resource);
}

void
login_bind(struct login *login, const struct stream_event *event)
{
	login->bind_id = arena_copy(&login->arena, event->id);
	login->resource = NO_SLICE;
	if (event->data.p != NULL &&
		jid_prepare_resource(event->data, &login->arena, &login->resource) < 0) {
		refuse(login, BAD_REQUEST, "The resource is too long or has forbidden characters");
		return;
	}
	login->resource = arena_copy(&login->arena, login->resource);
	login_await_account(login);
}

void
login_await_account(struct login *login)
{
	struct shard *shard = login->shard;
	struct account *acct = account_find(shard, login->user.full);

	login_wait(login);
	if (acct == NULL && login->is_anonymous)
		acct = account_create_anonymous(shard, login->host, &login->user);
	else if (acct == NULL)
		acct = account_load(shard, login->host, &login->user);
	account_wait(acct, login);
}
