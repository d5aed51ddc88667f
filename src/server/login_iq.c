/*
 * Requests of who is not signed in yet: those that some module answers in the scope
 * BEFORE_SIGN_IN, one at a time.
 */
#include "server/iq_internal.h"
#include "server/login_internal.h"
#include "server/newcomer.h"
#include "server/server_internal.h"
#include "server/throttle.h"

static void
refuse(struct login *login, struct stanza *st, enum stanza_condition condition, const char *why)
{
	struct stanza error = { .kind = STANZA_IQ, .type = TYPE_ERROR, .id = st->id };
	struct buffer content;

	buffer_init(&content, LIMIT_STORED_STANZA);
	stanza_error_write(&content, condition, why, NULL, NULL);
	error.content = buffer_slice(&content);
	stanza_write(conn_output(login->conn), &error);
	buffer_finish(&content);
}

/* Without 'to', or to the host that the stream is for. */
static bool
is_for_us(const struct login *login, const struct stanza *st)
{
	return st->to.full.p == NULL || slice_is(st->to.full, host_domain(login->host));
}

bool
login_take_iq(struct login *login, const struct stream_event *event)
{
	struct shard *shard = login->shard;
	enum stanza_condition condition;
	struct stanza st;
	const char *why;

	if (stanza_parse(event->element, &shard->scratch, &st, &condition, &why) < 0) {
		refuse(login, &st, condition, why);
		return true;
	}
	if (!is_for_us(login, &st) || st.from.full.p != NULL) {
		login_end(login, STREAM_NOT_AUTHORIZED, NULL);
		return false;
	}
	login_wait(login);
	if (iq_from_login(login, &st))
		return true;
	login_end(login, STREAM_NOT_AUTHORIZED, NULL);
	return false;
}

struct slice
newcomer_network(const struct login *login)
{
	return throttle_network(conn_peer(login->conn));
}

bool
newcomer_has_account(const struct login *login)
{
	return login != NULL && login->has_registered;
}

void
newcomer_set_account(struct login *login)
{
	if (login != NULL)
		login->has_registered = true;
}
