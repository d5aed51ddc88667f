/* Presence for subscriptions: show an account's sessions to one address, or hide them. */
#ifndef SERVER_PRESENCE_INTERNAL_H
#define SERVER_PRESENCE_INTERNAL_H

#include "proto/jid.h"

struct account;

/* The address gets the presence of each available session, or unavailable presence of each. */
void presence_show_to(struct account *acct, const struct jid *to);
void presence_hide_from(struct account *acct, const struct jid *to);

/* Whether the two may meet at all: the contact_policy of the modules. */
bool presence_may_pass(struct account *acct, const struct jid *contact);

#endif
