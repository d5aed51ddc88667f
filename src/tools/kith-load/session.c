/*
 * RFC 6120's order: stream, STARTTLS, stream, SASL, stream, bind. One XML reading aid is enough,
 * the element name of a whole stanza.
 */
#include "tools/kith-load/session.h"

#include "tools/kith-load/crew.h"
#include "tools/kith-load/sign_in.h"

#include <stdio.h>
#include <stdlib.h>

enum { TEXT_LIMIT = 65536 };

static struct session *
session_of(struct conn *c)
{
	return container_of(c, struct session, conn);
}

const char *
phase_name(enum phase phase)
{
	static const char *const names[] = {
		[PHASE_NEW] = "a free place",
		[PHASE_CONNECT] = "the connection",
		[PHASE_PAIR] = "the relay to pair it",
		[PHASE_FEATURES] = "stream features",
		[PHASE_STARTTLS] = "permission to start TLS",
		[PHASE_SASL] = "the answer to its credentials",
		[PHASE_BIND] = "the bind result",
		[PHASE_ROSTER] = "the roster",
		[PHASE_READY] = "stanzas",
		[PHASE_LEAVING] = "the end of the stream",
		[PHASE_LEFT] = "nothing",
	};

	return names[phase];
}

static void
send_text(struct session *s, struct buffer *text)
{
	session_send(s, buffer_slice(text));
	buffer_finish(text);
}

static void
open_stream(struct session *s)
{
	struct buffer out;

	buffer_init(&out, TEXT_LIMIT);
	(void)buffer_printf(&out,
		"<?xml version='1.0'?><stream:stream to='%s' version='1.0' xml:lang='en' "
		"xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
		s->crew->options->domain);
	s->phase = PHASE_FEATURES;
	send_text(s, &out);
}

static void
send_credentials(struct session *s, struct slice features)
{
	const struct options *o = s->crew->options;
	const char *name = sasl_mechanism_name(o->mechanism);
	const char *why = "the server does not offer the mechanism";
	char offered[64];
	struct buffer out;

	buffer_init(&out, TEXT_LIMIT);
	(void)snprintf(offered, sizeof(offered), ">%s<", name);
	if (memmem(features.p, features.len, offered, strlen(offered)) != NULL)
		s->sign_in = sign_in_begin(&(struct sign_in_config){ .context = s->crew->sasl,
						   .mechanism = o->mechanism,
						   .user = crew_user(s->crew, s->number),
						   .password = slice_of(o->password),
						   .keys = s->crew->keys },
			&out, &why);
	s->phase = PHASE_SASL;
	if (s->sign_in != NULL)
		session_send(s, buffer_slice(&out));
	else
		crew_fail(s->crew, s, why, features);
	buffer_finish(&out);
}

/* A resource of its own, as sessions may share an account. */
static void
send_bind(struct session *s)
{
	struct buffer out;

	buffer_init(&out, TEXT_LIMIT);
	(void)buffer_printf(&out,
		"<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
		"<resource>load%u</resource></bind></iq>",
		s->number);
	send_text(s, &out);
}

static void
features_seen(struct session *s, struct slice features)
{
	if (!cut_is(features, "stream:features")) {
		crew_fail(s->crew, s, "something else came", features);
		return;
	}
	if (s->crew->options->tls == TLS_STARTTLS && s->conn.ssl == NULL) {
		s->phase = PHASE_STARTTLS;
		session_send(s, SLICE("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
	} else if (!s->signed_in) {
		send_credentials(s, features);
	} else {
		s->phase = PHASE_BIND;
		send_bind(s);
	}
}

static void
answer_challenge(struct session *s, struct slice challenge)
{
	struct buffer out;

	buffer_init(&out, TEXT_LIMIT);
	const char *wrong = sign_in_challenge(s->sign_in, challenge, &out);
	if (wrong == NULL)
		session_send(s, buffer_slice(&out));
	else
		crew_fail(s->crew, s, wrong, challenge);
	buffer_finish(&out);
}

static void
succeeded(struct session *s, struct slice success)
{
	const char *wrong = sign_in_success(s->sign_in, success);

	sign_in_end(&s->sign_in);
	if (wrong != NULL) {
		crew_fail(s->crew, s, wrong, success);
		return;
	}
	s->signed_in = true;
	open_stream(s);
}

static void
sasl_answered(struct session *s, struct slice stanza)
{
	if (cut_is(stanza, "challenge"))
		answer_challenge(s, stanza);
	else if (cut_is(stanza, "success"))
		succeeded(s, stanza);
	else
		crew_fail(s->crew, s, "sign-in refused", stanza);
}

static void
become_available(struct session *s)
{
	const struct crew *crew = s->crew;

	if (crew->options->presence && !crew->job->comes_unseen)
		session_send(s, SLICE("<presence/>"));
	s->phase = PHASE_READY;
	crew_ready(s->crew, s);
}

static void
bound(struct session *s, struct slice stanza)
{
	if (!cut_is(stanza, "iq") || !slice_is_text(cut_attribute(stanza, "type"), "result")) {
		crew_fail(s->crew, s, "bind refused", stanza);
		return;
	}
	struct slice jid = cut_text(stanza, "jid");
	s->jid = xstrndup(jid.p == NULL ? "" : jid.p, jid.len);
	if (!s->crew->options->asks_roster) {
		become_available(s);
		return;
	}
	s->phase = PHASE_ROSTER;
	session_send(s, SLICE("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>"));
}

/* Presence may come before it, of whoever has sent it to the full address. */
static void
roster_seen(struct session *s, struct slice stanza)
{
	if (!cut_is(stanza, "iq"))
		return;
	if (!slice_is_text(cut_attribute(stanza, "type"), "result"))
		crew_fail(s->crew, s, "the roster was refused", stanza);
	else if (cut_count(stanza, "item") != s->crew->options->roster_items)
		crew_fail(s->crew, s, "the roster has another number of items", stanza);
	else
		become_available(s);
}

/* RFC 6120 8.2.3: a request has an answer. Servers ping those who idle, and push the roster. */
static void
answer_request(struct session *s, struct slice stanza)
{
	struct slice id = cut_attribute(stanza, "id");
	struct slice from = cut_attribute(stanza, "from");
	struct buffer out;

	bool is_push = memmem(stanza.p, stanza.len, "jabber:iq:roster", 16) != NULL;

	buffer_init(&out, TEXT_LIMIT);
	(void)buffer_printf(
		&out, "<iq type='%s' id='%.*s'", is_push ? "result" : "error", SLICE_ARG(id));
	if (from.p != NULL)
		(void)buffer_printf(&out, " to='%.*s'", SLICE_ARG(from));
	if (is_push)
		(void)buffer_text(&out, "/>");
	else
		(void)buffer_text(&out,
			"><error type='cancel'><service-unavailable "
			"xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
	send_text(s, &out);
}

static bool
is_request(struct slice stanza)
{
	struct slice type = cut_attribute(stanza, "type");

	return cut_is(stanza, "iq") && (slice_is_text(type, "get") || slice_is_text(type, "set"));
}

static void
stanza_seen(struct session *s, struct slice stanza)
{
	switch (s->phase) {
	case PHASE_PAIR:
		s->phase = PHASE_READY;
		crew_ready(s->crew, s);
		break;
	case PHASE_FEATURES:
		features_seen(s, stanza);
		break;
	case PHASE_STARTTLS:
		if (cut_is(stanza, "proceed"))
			conn_start_tls(&s->conn);
		else
			crew_fail(s->crew, s, "STARTTLS refused", stanza);
		break;
	case PHASE_SASL:
		sasl_answered(s, stanza);
		break;
	case PHASE_BIND:
		bound(s, stanza);
		break;
	case PHASE_ROSTER:
		roster_seen(s, stanza);
		break;
	case PHASE_READY:
		if (is_request(stanza))
			answer_request(s, stanza);
		s->crew->job->stanza(s->crew, s, stanza);
		break;
	default:
		break;
	}
}

static void
left(struct session *s)
{
	s->phase = PHASE_LEFT;
	conn_close(&s->conn);
	crew_left(s->crew, s);
}

static void
on_opened(struct conn *c)
{
	struct session *s = session_of(c);
	const struct job *job = s->crew->job;
	char line[512];

	switch (s->crew->options->depth) {
	case DEPTH_CONNECTED:
		s->phase = PHASE_READY;
		crew_ready(s->crew, s);
		break;
	case DEPTH_PAIRED:
		s->phase = PHASE_PAIR;
		if (job->relay_line == NULL)
			(void)snprintf(line, sizeof(line), "pair %u\n", s->number / 2);
		else
			(void)snprintf(line, sizeof(line), "%s\n", job->relay_line(s->crew, s));
		session_send(s, slice_of(line));
		break;
	case DEPTH_SESSION:
		open_stream(s);
		break;
	}
}

static void
on_piece(struct conn *c, enum cut kind, struct slice piece)
{
	struct session *s = session_of(c);

	if (kind == CUT_END && s->phase == PHASE_LEAVING)
		left(s);
	else if (kind == CUT_END)
		crew_fail(s->crew, s, "the server ended the stream", NO_SLICE);
	else if (kind == CUT_STANZA && cut_is(piece, "stream:error"))
		crew_fail(s->crew, s, "the server ended the stream", piece);
	else if (kind == CUT_STANZA)
		stanza_seen(s, piece);
}

static void
on_ended(struct conn *c, bool clean, const char *why)
{
	struct session *s = session_of(c);

	sign_in_end(&s->sign_in);
	if (s->phase == PHASE_LEAVING ||
		(s->crew->options->depth == DEPTH_CONNECTED && s->phase == PHASE_READY && clean))
		left(s);
	else
		crew_fail(s->crew, s, why, NO_SLICE);
}

static const struct conn_owner owner = { on_opened, on_piece, on_ended };

void
session_begin(struct session *s, struct crew *crew, unsigned number)
{
	const struct options *o = crew->options;

	*s = (struct session){
		.crew = crew, .number = number, .phase = PHASE_CONNECT, .began_ns = crew_now_ns()
	};
	int r = conn_open(&s->conn, crew->set, &owner, (const struct sockaddr *)&o->address,
		o->address_len, o->tls == TLS_DIRECT);
	if (r < 0)
		crew_fail(crew, s, strerror(-r), NO_SLICE);
}

void
session_leave(struct session *s)
{
	s->phase = PHASE_LEAVING;
	if (s->crew->options->depth == DEPTH_SESSION)
		session_send(s, SLICE("</stream:stream>"));
	else
		left(s);
}

void
session_drop(struct session *s)
{
	sign_in_end(&s->sign_in);
	free(s->jid);
	s->jid = NULL;
	conn_close(&s->conn);
}
