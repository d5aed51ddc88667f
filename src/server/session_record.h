/*
 * What is on disk of a session that can be resumed, beside its stanzas (sm_store.c): its resource,
 * presence and flags, so that it comes back with its server, as one whose client is away.
 */
#ifndef SERVER_SESSION_RECORD_H
#define SERVER_SESSION_RECORD_H

#include "proto/codec.h"

struct account;
struct session;

extern const struct payload session_record_payload;

/* Something of the session may have changed: stores it, if it has. For one that cannot be resumed
 * nothing happens. */
void session_record(struct session *s);

/*
 * The account comes into memory: the session that was stored under that id is in it from now on,
 * and waits for its client. NULL: it cannot be read, which is logged.
 */
struct session *session_revive(struct account *acct, struct slice id, struct slice record);

#endif
