/*
 * Appendix A of RFC 6121 as two functions: the state of a contact is five bits, and a stanza,
 * sent or received, leads to a new state and says whether it goes on.
 */
#ifndef SERVER_SUBSCRIPTION_STEP_H
#define SERVER_SUBSCRIPTION_STEP_H

#include "proto/stanza.h"
#include "server/roster.h"

enum subscription_state {
	CONTACT_TO = SUBSCRIPTION_TO,     /* we see the contact */
	CONTACT_FROM = SUBSCRIPTION_FROM, /* the contact sees us */
	CONTACT_ASKED = 4,                /* we wait for the contact's answer: "Pending Out" */
	CONTACT_REQUESTED = 8,            /* the contact waits for ours: "Pending In" */
	CONTACT_APPROVED = 16,            /* we agreed before being asked (RFC 6121, 3.4) */
};

struct subscription_step {
	unsigned state; /* the new one */
	bool goes_on;   /* the stanza is routed, or delivered */
	bool answered;  /* the server answers "subscribed" for the user */
};

/* type: subscribe, subscribed, unsubscribe or unsubscribed. A.2: the user sends it to the contact.
 */
struct subscription_step subscription_sent(unsigned state, enum stanza_type type);
/* A.3: the contact sent it to the user. */
struct subscription_step subscription_received(unsigned state, enum stanza_type type);

#endif
