/*
 * A session is a signed-in connection with a bound resource. It lives on the shard of its
 * account, and belongs to it.
 */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include "proto/stanza.h"

struct account;
struct payload;
struct session;

/* What a session is to begin with, by an element of that name in <bind/> (XEP-0386, 3.2). */
struct inline_wish {
	xml_name ns;
	struct slice name, resume, max; /* the latter two: attributes; p NULL: not there */
};

/* How a client signed in that says which installation it is (XEP-0388, 2.3.1). */
struct sign_in {
	struct slice agent, software, device; /* the latter two: p NULL when it does not say */
	bool by_token;                        /* XEP-0484; else with a password */
};

const struct jid *session_jid(const struct session *s);
struct account *session_account(const struct session *s);

/* Whether it sent available presence, and the priority of that (RFC 6121, 4.7.2.3). */
bool session_is_available(const struct session *s);
int session_priority(const struct session *s);

/*
 * Its client says that nobody looks at it, or that somebody does again (XEP-0352). Whether it is
 * there, and somebody does.
 */
void session_set_inactive(struct session *s, bool is_inactive);
bool session_is_active(const struct session *s);

/* Which installation its client is, p NULL: it does not say; since when it is bound. */
struct slice session_agent(const struct session *s);
int64_t session_since_ms(const struct session *s);

/* Whether nobody else can read what it sends. */
bool session_is_secure(const struct session *s);

/* Whether so much waits to be read by its client that what can wait should. */
bool session_is_full(const struct session *s);

/* Sends the session an iq of type set from its own account, with an id of ours. */
void session_push(struct session *s, const struct payload *payload, const void *data);

/*
 * Writes a stanza to the session, after the egress hooks. The 'to' is the stanza's. False: the
 * session did not take it and is about to end.
 */
bool session_deliver(struct session *s, struct stanza *st);

#endif
