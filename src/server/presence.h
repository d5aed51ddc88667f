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

/* A session is gone: those who saw it available are told that it is not any more. */
void presence_end(struct session *s);

#endif
