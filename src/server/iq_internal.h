/* Dispatch of IQ requests; see iq.h for what handlers see. */
#ifndef SERVER_IQ_INTERNAL_H
#define SERVER_IQ_INTERNAL_H

#include "server/iq.h"

struct login;
struct shard;

/* A route with its payload compiled, and the module that owns it. */
struct iq_entry {
	const struct iq_route *route;
	const struct codec_type *type;
	const char *owner;
};

/* An IQ to a domain: a route answers, or the core does. */
void iq_to_host(struct shard *shard, struct host *host, struct stanza *st);

/* An IQ to an account: by its own session (TO_SELF routes first), or by anyone (s NULL). */
void iq_to_account(struct account *acct, struct session *s, struct stanza *st);

/*
 * A request of who is not signed in; the login waits until it is answered. False: nobody answers
 * that.
 */
bool iq_from_login(struct login *login, struct stanza *st);

/* The connection is gone: its request is answered to nobody. */
void iq_forget_login(struct iq *iq);

/* The session is gone: a request of it that waits is answered to nobody. */
void iq_forget_session(struct iq *iq, const struct session *s);

#endif
