/*
 * A run: changes of the subscriptions with one contact that come right after each other, as when
 * a client agrees and asks back in one go. One transaction stores them, and then they are told in
 * their order. It is open until the account's loop comes to its mailbox; the account waits from
 * the first change on, and lets in nothing but what joins.
 */
#ifndef SERVER_SUBSCRIPTION_RUN_H
#define SERVER_SUBSCRIPTION_RUN_H

#include "proto/stanza.h"
#include "server/subscription_step.h"

struct account;

/*
 * Whether the account, which is not ready, may take the stanza nevertheless: it belongs to the run
 * that is open, and overtakes nothing. outbound: a session of the account sends it.
 */
bool subscription_joins(const struct account *acct, const struct stanza *st, bool outbound);

/* Where the user and the contact stand after all that was taken, as subscription_state bits. */
unsigned subscription_run_state(struct account *acct, struct slice bare);

/* The step of that stanza: at once if it changes nothing and nothing is before it. */
void subscription_run_add(struct account *acct, struct stanza *st, bool outbound, unsigned before,
	const struct subscription_step *step);

/* Stores what is open; for what must come behind it. */
void subscription_run_close(struct account *acct);

/* Presence of that type from the user to the contact. */
void subscription_say(struct account *acct, const struct jid *contact, enum stanza_type type);

#endif
