/*
 * The roster of an account (RFC 6121, 2): its contacts, with the state of both subscriptions. It
 * is in memory while the account is. Every change goes to disk first: a change is put into a
 * transaction and, when that is durable, applied to memory and pushed to the interested sessions.
 */
#ifndef SERVER_ROSTER_H
#define SERVER_ROSTER_H

#include "base/map.h"
#include "proto/codec.h"
#include "proto/jid.h"

struct account;
struct roster_history;
struct session;
struct store_txn;

#define NS_ROSTER "jabber:iq:roster"

/* The subscription as two bits: "to" we see the contact, "from" the contact sees us. */
enum { SUBSCRIPTION_NONE = 0, SUBSCRIPTION_TO = 1, SUBSCRIPTION_FROM = 2, SUBSCRIPTION_BOTH = 3 };

/* A contact as it stands on the wire and, in the same form, on disk. */
struct roster_item {
	struct jid jid;            /* bare */
	struct slice name;         /* p NULL: none */
	struct slice subscription; /* "none", "to", "from", "both"; a client's "remove" */
	struct slice ask;          /* "subscribe", or p NULL */
	bool approved;
	struct slice_list groups;
};

struct roster_query {
	struct slice version; /* p NULL: not asked for */
	struct roster_item_list {
		struct roster_item *v;
		size_t count;
	} items;
};

extern const struct payload roster_payload;      /* <query xmlns='jabber:iq:roster'/> */
extern const struct payload roster_item_payload; /* <item/> in that namespace */

/* A contact in memory; one piece of memory holds it and its texts. */
struct contact {
	struct map_node node; /* by the bare JID */
	struct roster_item item;
	unsigned subscription; /* item.subscription as bits */
	size_t size;           /* bytes on the wire, about */
};

/* Someone who asked to see us and has no answer yet. */
struct subscription_request {
	struct map_node node;  /* by the bare JID */
	struct slice presence; /* the stanza, as it is delivered to each new session */
};

struct roster {
	struct map contacts; // contact.node
	struct map requests; // subscription_request.node
	size_t contact_bytes, request_bytes;
	struct roster_history *history; /* NULL: nobody has asked for a version yet */
};

struct roster *account_roster(struct account *acct);

/* How many contacts, and how many requests, it may have. */
size_t account_roster_most(const struct account *acct);

/* NULL: not a contact, no request. */
struct contact *roster_find(const struct roster *roster, struct slice bare);
struct subscription_request *roster_request(struct roster *roster, struct slice bare);

/*
 * Whether the roster has room for the contact, or for what it becomes: by their number and by the
 * size of what a client gets that asks for all.
 */
bool roster_has_room(const struct roster *roster, const struct roster_item *item, size_t most);

/*
 * RFC 6121 3.1.3: a request that waits is kept whole, with so much content, unless that is too
 * much: then it is kept who asks. Else strangers could fill disk and memory of somebody who is
 * away.
 */
bool roster_keeps_whole(const struct roster *roster, size_t content_bytes);

/* Puts the change into the transaction. */
void roster_save_contact(
	struct account *acct, struct store_txn *txn, const struct roster_item *item);
void roster_delete_contact(struct account *acct, struct store_txn *txn, struct slice bare);
void roster_save_request(
	struct account *acct, struct store_txn *txn, struct slice bare, struct slice presence);
void roster_delete_request(struct account *acct, struct store_txn *txn, struct slice bare);

/* The same in memory, once it is on disk. */
void roster_put_contact(struct roster *roster, const struct roster_item *item);
void roster_drop_contact(struct roster *roster, struct slice bare);
void roster_put_request(struct roster *roster, struct slice bare, struct slice presence);
void roster_drop_request(struct roster *roster, struct slice bare);

void roster_init(struct roster *roster);
void roster_finish(struct roster *roster);

/* At account_loading: asks for the stored roster. */
void roster_load(struct account *acct);

/*
 * Sends the item, the last one that changed, to the sessions that asked for the roster (RFC 6121,
 * 2.1.6); with the roster's version to those that know versions.
 */
void roster_push(struct account *acct, const struct roster_item *item);

/* The session gets roster pushes from now on (RFC 6121, 2.1.6), with versions or without. */
void session_want_roster(struct session *s, bool with_versions);

const char *subscription_name(unsigned subscription);

#endif
