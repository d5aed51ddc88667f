/*
 * Subscriptions (RFC 6121, 3 and appendix A): requests, approvals and their ends, both ways. Each
 * change is on disk before anyone hears of it.
 */
#ifndef SERVER_SUBSCRIPTION_H
#define SERVER_SUBSCRIPTION_H

#include "proto/stanza.h"

struct account;
struct session;

/* A session sends subscribe, subscribed, unsubscribe or unsubscribed. */
void subscription_send(struct session *s, struct stanza *st);

/* One of these arrives for an account. */
void subscription_receive(struct account *acct, struct stanza *st);

/* Delivers the requests that wait for an answer to a session that became available. */
void subscription_offer_requests(struct session *s);

/*
 * What removing a contact from the roster tells it (RFC 6121, 2.5.2): unsubscribe and
 * unsubscribed, as far as there were subscriptions.
 */
void subscription_cancel(
	struct account *acct, const struct jid *contact, unsigned subscription, bool asked);

/* Says no to who asked and has no answer yet: its request is being dropped. */
void subscription_deny(struct account *acct, const struct jid *contact);

#endif
