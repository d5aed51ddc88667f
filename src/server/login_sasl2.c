/*
 * What a client asks for together with its sign-in (XEP-0388), all in one round trip: its former
 * session, or else a new one by Bind 2 (XEP-0386) with whatever that is to begin with. It is kept
 * with the login until the account is there and the password was right; then <success/> says what
 * became of it.
 */
#include "server/login_sasl2.h"
#include "server/account_internal.h"
#include "server/login_internal.h"
#include "server/server_internal.h"
#include "server/session_away.h"
#include "server/session_internal.h"
#include "server/session_record.h"
#include "server/sm.h"

#include "base/random.h"
#include "io/tls.h"
#include "proto/base64.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

enum { AGENT_MOST = 64, STABLE_BYTES = 9 };

#define NS_BIND2 "urn:xmpp:bind:0"
#define NS_FAST "urn:xmpp:fast:0"

struct login_work {
	struct login *login; /* NULL: it is over */
};

struct login_work *
login_begin_work(struct login *login)
{
	struct login_work *work = xcalloc(1, sizeof(*work));

	work->login = login;
	login->sasl2->work = work;
	login_wait(login);
	return work;
}

struct login *
login_of_work(const struct login_work *work)
{
	return work->login;
}

struct login *
login_end_work(struct login_work *work)
{
	struct login *login = work->login;

	free(work);
	if (login == NULL)
		return NULL;
	login->sasl2->work = NULL;
	login->waits = false;
	return login;
}

void
login_forget_work(struct login *login)
{
	if (login->sasl2 != NULL && login->sasl2->work != NULL)
		login->sasl2->work->login = NULL;
}

/* ---- What is asked for ---- */

static void
read_agent(struct login *login, struct sasl2 *asked, const struct xml_token *element)
{
	const struct xml_token *agent = xml_child(element, NS_ID_SASL2, NAME_USER_AGENT);
	struct slice id = agent == NULL ? NO_SLICE : xml_attribute(agent, NAME_ID);

	if (id.len > 0 && id.len <= AGENT_MOST)
		asked->agent = arena_copy(&login->arena, id);
}

static void
read_wishes(struct login *login, struct sasl2 *asked, const struct xml_token *bind)
{
	const struct xml_token *child = xml_first_child(bind);

	for (; child != NULL && asked->wanted_count < INLINE_WISHES;
		child = xml_next_sibling(child)) {
		struct arena *arena = &login->arena;
		struct inline_wish *wish;

		if (child->ns == NS_ID_BIND2)
			continue;
		wish = &asked->wanted[asked->wanted_count++];
		wish->ns = child->ns;
		wish->name = arena_copy(arena, child->local);
		wish->resume = arena_copy(arena, xml_attribute(child, NAME_RESUME));
		wish->max = arena_copy(arena, xml_attribute(child, NAME_MAX));
	}
}

static void
read_bind(struct login *login, struct sasl2 *asked, const struct xml_token *element)
{
	const struct xml_token *bind = xml_child(element, NS_ID_BIND2, NAME_BIND), *tag;

	if (bind == NULL)
		return;
	asked->binds = true;
	tag = xml_child(bind, NS_ID_BIND2, NAME_TAG);
	if (tag != NULL)
		asked->tag = arena_copy(&login->arena, xml_text(tag, &login->arena));
	read_wishes(login, asked, bind);
}

/* XEP-0198, 9.2. What cannot be meant is as good as a session that is not there. */
static void
read_resume(struct login *login, struct sasl2 *asked, const struct xml_token *element)
{
	const struct xml_token *resume = xml_child(element, NS_ID_SM, NAME_RESUME);
	uint64_t handled;

	if (resume == NULL)
		return;
	asked->resumes = true;
	login->previous = arena_copy(&login->arena, xml_attribute(resume, NAME_PREVID));
	if (slice_to_uint(xml_attribute(resume, NAME_H), UINT32_MAX, &handled) < 0)
		login->previous = SLICE("");
	else
		login->handled = (uint32_t)handled;
}

void
login_ask2(struct login *login, const struct xml_token *element)
{
	struct sasl2 *asked = arena_new(&login->arena, struct sasl2);

	read_agent(login, asked, element);
	read_bind(login, asked, element);
	read_resume(login, asked, element);
	login->sasl2 = asked;
	login_ask_fast(login, element);
	login_ask_upgrades(login, element);
}

void
login_write_inlined(struct login *login, struct buffer *out)
{
	(void)buffer_text(out, "<sm xmlns='" NS_SM "'/><bind xmlns='" NS_BIND2
			       "'><inline><feature var='" NS_SM "'/>");
	hook_inline_features(&login->shard->server->pipeline, out, login->host);
	(void)buffer_text(out, "</inline></bind>");
	if (login->shard->server->core->auth->token_lifetime_ms == 0)
		return;
	(void)buffer_text(out, "<fast xmlns='" NS_FAST "'");
	if (tls_context_takes_early(login->shard->tls))
		(void)buffer_text(out, " tls-0rtt='true'");
	(void)buffer_text(out, ">");
	for (enum ht_kind kind = 0; kind < HT_KINDS; kind++)
		(void)buffer_printf(out, "<mechanism>%s</mechanism>", ht_name(kind));
	(void)buffer_text(out, "</fast>");
}

/* ---- What becomes of it ---- */

void
login_begin_success2(struct login *login, const struct jid *jid)
{
	struct buffer *out = conn_output(login->conn);

	stream_begin_success2(out, sasl_data_encode(login->step.data, &login->arena), jid);
	login_write_token(login, out);
}

static void
write_failed_to_resume(struct login *login, const struct account *acct)
{
	if (login->sasl2->has_failed_to_resume)
		sm_write_failed_to_resume(conn_output(login->conn), acct, login->previous);
	login->previous = NO_SLICE;
}

/* The stream is not restarted; what comes now is what comes behind a sign-in (XEP-0388, 2.6.1). */
static void
go_on(struct login *login, struct account *acct)
{
	login_begin_success2(login, &login->user);
	write_failed_to_resume(login, acct);
	stream_end_success2(conn_output(login->conn));
	login_write_features(login, NULL);
	login_continue(login);
}

/*
 * XEP-0386, 3.2.1: a name that stays the same for one installation of a client, and tells nobody
 * which that is.
 */
static void
write_stable(const struct login *login, struct slice agent, struct buffer *out)
{
	const struct server *server = login->shard->server;
	unsigned char sum[EVP_MAX_MD_SIZE];
	char text[LIMIT_JID + AGENT_MOST + 2];
	int size = snprintf(
		text, sizeof(text), "%.*s %.*s", SLICE_ARG(login->user.full), SLICE_ARG(agent));

	(void)HMAC(EVP_sha256(), server->fake_salt_secret, sizeof(server->fake_salt_secret),
		(const unsigned char *)text, (size_t)size, sum, NULL);
	(void)base64_append(slice_make((const char *)sum, STABLE_BYTES), out);
}

static struct slice
choose_resource(struct login *login)
{
	const struct sasl2 *asked = login->sasl2;
	char token[TOKEN_CHARS + 1];
	struct slice resource;
	struct buffer text;

	buffer_init(&text, LIMIT_STORED_STANZA);
	if (asked->tag.len > 0)
		(void)buffer_printf(&text, "%.*s/", SLICE_ARG(asked->tag));
	if (asked->agent.p != NULL) {
		write_stable(login, asked->agent, &text);
	} else {
		random_token(token);
		(void)buffer_text(&text, token);
	}
	/* A tag that makes no resource is not worth an error. */
	if (jid_prepare_resource(buffer_slice(&text), &login->arena, &resource) < 0) {
		random_token(token);
		resource = slice_of(token);
	}
	resource = arena_copy(&login->arena, resource);
	buffer_finish(&text);
	return resource;
}

/* XEP-0386, 3.2: it is the same client that comes again. */
static void
end_earlier(struct account *acct, struct slice resource, struct slice agent)
{
	struct session *s;

	LIST_EACH (s, &acct->sessions, struct session, link) {
		bool is_same = agent.p != NULL && s->agent != NULL &&
			       slice_is_text(agent, s->agent);

		if (is_same || slice_is(resource, jid_resource(&s->jid)))
			session_end(s, STREAM_CONFLICT, NULL);
	}
}

static void
grant(struct session *s, const struct inline_wish *wish, struct buffer *answer)
{
	if (wish->ns == NS_ID_SM && slice_is_text(wish->name, "enable"))
		sm_enable(s, wish->resume, wish->max, answer);
	else
		hook_inline_wish(&s->account->shard->server->pipeline, answer, s, wish);
}

static void
write_bound(struct login *login, struct session *s)
{
	const struct sasl2 *asked = login->sasl2;
	struct buffer *out = conn_output(s->conn);

	login_begin_success2(login, &s->jid);
	write_failed_to_resume(login, s->account);
	(void)buffer_text(out, "<bound xmlns='" NS_BIND2 "'>");
	hook_inline_bound(&s->account->shard->server->pipeline, out, s);
	for (size_t i = 0; i < asked->wanted_count; i++)
		grant(s, &asked->wanted[i], out);
	session_record(s);
	(void)buffer_text(out, "</bound>");
	stream_end_success2(out);
	login_write_features(login, s);
}

static void
bind_session(struct login *login, struct account *acct)
{
	struct slice resource = choose_resource(login);
	struct conn *conn = login->conn;
	struct session *s;

	end_earlier(acct, resource, login->sasl2->agent);
	if (!login_has_room(login, acct)) {
		login_refuse_user(
			login, SASL_TEMPORARY_AUTH_FAILURE, "This account has too many sessions");
		return;
	}
	login_authenticated2(login);
	s = login_make_session(login, acct, resource);
	if (login->sasl2->agent.p != NULL)
		s->agent = xstrndup(login->sasl2->agent.p, login->sasl2->agent.len);
	write_bound(login, s);
	login_end_sasl(login);
	login_hand_over(login);
	conn_resume(conn);
	conn_feed(conn);
}

/* XEP-0388, 2.7: who the stream's header said would come is who came. */
static bool
is_who_was_named(const struct login *login)
{
	return login->named.p == NULL || slice_is(login->named, login->user.full);
}

void
login_succeed2(struct login *login, struct account *acct)
{
	if (!is_who_was_named(login))
		login_refuse_user(
			login, SASL_INVALID_AUTHZID, "The stream's header names another address");
	else if (!login_start_upgrade(login, acct) && !login_settle_tokens(login, acct))
		login_finish2(login, acct);
}

static void
tell_modules(const struct login *login, struct account *acct)
{
	const struct sasl2 *asked = login->sasl2;
	struct sign_in how = { asked->agent, asked->software, asked->device, asked->used != NULL };

	if (how.agent.p != NULL)
		hook_signed_in(&acct->shard->server->pipeline, acct, &how);
}

void
login_finish2(struct login *login, struct account *acct)
{
	tell_modules(login, acct);
	if (!login->sasl2->resumes || !login_resume_session(login, acct))
		login_bind2(login, acct);
}

void
login_bind2(struct login *login, struct account *acct)
{
	struct sasl2 *asked = login->sasl2;

	asked->has_failed_to_resume = asked->resumes;
	login_wait(login);
	if (asked->binds) {
		bind_session(login, acct);
	} else {
		login_authenticated2(login);
		login_end_sasl(login);
		go_on(login, acct);
		login->sasl2 = NULL;
	}
}
