/*
 * A session without a connection (XEP-0198, 5): its client lost it, and has a while to come back.
 * Until then the session is what it was to everyone else: it has its presence, and what is for it
 * waits in its queue of unacknowledged stanzas.
 */
#ifndef SERVER_SESSION_AWAY_H
#define SERVER_SESSION_AWAY_H

#include "base/slice.h"

struct account;
struct login;
struct session;

/* Its connection is gone, and sm_is_resumable: it waits for its client. */
void session_go_away(struct session *s);

/* The account's session that has this id for resumption, or NULL. */
struct session *session_to_resume(const struct account *acct, struct slice id);

/*
 * Its client has signed in again and wants it: gets login->handled, and takes the connection over
 * when the stanzas that came in before are handled, so that it can say which those are. The older
 * connection ends. login_resume_failed is called when the session ends before.
 */
void session_return(struct session *s, struct login *login);

/* The stanzas that came in are handled: goes on with who waits for that, if anyone does. */
void session_settled(struct session *s);

/* The session ends: who waits to resume it hears of it. */
void session_refuse_return(struct session *s);

/* The sign-in that waits is over. */
void session_forget_return(struct login *login);

/* Ends the session that has waited longest for its client. False: none does. */
bool session_end_oldest_away(struct account *acct);

#endif
