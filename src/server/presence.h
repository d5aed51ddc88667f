/*
 * Presence and subscriptions (RFC 6121, 3 and 4): what a session says of itself goes to those
 * who may see it, and the two halves of each subscription change by the tables of appendix A.
 */
#ifndef SERVER_PRESENCE_H
#define SERVER_PRESENCE_H

#include "proto/stanza.h"

struct account;
struct session;

/* A session sends presence, with or without 'to'. 'from' is stamped already. */
void presence_send(struct session *s, struct stanza *st);

/* Presence arrives for an account (its bare address, or one of its sessions). */
void presence_receive(struct account *acct, struct stanza *st);

/*
 * For a module that parts an account from others: whom the pattern covers (jid_covers) sees no one
 * of the account available any more; or it sees again what it may by its subscription, and is asked
 * for its own presence. To be called while, or when, the two may meet by contact_policy.
 */
void presence_hide(struct account *acct, const struct jid *pattern);
void presence_show(struct account *acct, const struct jid *pattern);

/*
 * The server began anew while the session was there, and nobody told its client who came and went
 * meanwhile: it gets the presence of all whom it sees.
 */
void presence_renew(struct session *s);

/* A session is gone: those who saw it available are told that it is not any more. */
void presence_end(struct session *s);

#endif
