/* The account as the core sees it. All of it is touched by its shard's thread only. */
#ifndef SERVER_ACCOUNT_INTERNAL_H
#define SERVER_ACCOUNT_INTERNAL_H

#include "base/map.h"
#include "io/timer.h"
#include "proto/stanza.h"
#include "server/account.h"
#include "server/roster.h"

#include <stdalign.h>

struct holding;
struct iq;
struct joint;
struct load;
struct question;
struct letter;
struct login;
struct scram_keys;
struct shard;
struct sm_past;
struct subscription_run;

enum account_state {
	ACCOUNT_LOADING, /* its stores are being read; everything waits */
	ACCOUNT_RESIDENT,
	ACCOUNT_WAITING, /* an operation waits for storage; what arrives waits in order */
};

/* Someone who waits for an account to be in memory and free. */
struct account_waiter {
	struct list link; /* in account.waiters */
	void (*ready)(struct account *acct, int error, void *arg);
	void *arg;
};

struct account {
	struct map_node node; /* by the bare JID */
	struct shard *shard;
	struct host *host;
	struct jid jid;
	enum account_state state;
	bool exists;          /* there are credentials, or it is anonymous */
	bool is_disabled;     /* an administrator lets nobody sign in */
	bool is_anonymous;    /* it ends with its last session */
	struct list sessions; // session.link
	unsigned session_count;
	unsigned pending;        /* store requests under way that will come back to this account */
	unsigned pauses;         /* those among them that pause the account */
	struct load *load;       /* while it is loading */
	struct scram_keys *keys; /* of the last sign-in, or NULL; see credentials.h */
	struct list letters;     // letter.link: what waits
	size_t letter_bytes;
	struct joint *joint;          /* what goes to the disk at the end of the turn; or NULL */
	struct holding *holding;      /* whom it holds back while too much waits */
	struct list logins;           // login.account_link: wait for the account to bind
	struct list waiters;          // account_waiter.link
	struct sm_past *past;         /* of sm.c; NULL: none */
	struct iq *iq;                /* the request whose commit is under way */
	struct question *questions;   /* under way, see question.h; or NULL */
	struct subscription_run *run; /* that more may join; NULL: none, see subscription_run.h */
	struct roster roster;
	struct timer idle;
	bool is_settled;                    /* what it stores on leaving is stored */
	alignas(max_align_t) char states[]; /* the modules' */
};

/* The account if it is in memory, or NULL. */
struct account *account_find(struct shard *shard, struct slice bare);

/* Brings the account of that address into memory; it is loading afterwards, or resident. */
struct account *account_load(struct shard *shard, struct host *host, const struct jid *jid);

/* The store failed: nobody can be told anything true about this account now. */
void account_load_failed(struct account *acct, int error);

/* An account without credentials, for one anonymous session; it ends with that. */
struct account *account_create_anonymous(
	struct shard *shard, struct host *host, const struct jid *jid);

static inline bool
account_is_ready(const struct account *acct)
{
	return acct->state == ACCOUNT_RESIDENT;
}

/* A stanza arrives at a ready account. */
void account_receive(struct account *acct, struct stanza *st);

/* Keeps a copy until the account is ready; beyond the limit the stanza bounces. */
void account_queue(struct account *acct, const struct stanza *st);

/* Nothing is let in until account_resume; one operation at a time. */
void account_pause(struct account *acct);
void account_resume(struct account *acct);

/* Lets modules store what waited until the account leaves memory. */
void account_settle(struct account *acct);

/* Sets the account on its way out of memory, unless something holds it. */
void account_consider_leaving(struct account *acct);

/* As account_commit, with the account paused until done was called. */
void account_commit_paused(struct account *acct, struct store_txn *txn,
	void (*done)(struct account *acct, int error, void *arg), void *arg);

/* Nothing is let in, and the account stays, until as many releases as holds. account_errand.c. */
void account_hold(struct account *acct);
void account_release(struct account *acct);

/*
 * Calls waiter->ready when the account is resident, at once if it is: 0, or a negative error when
 * it could not be loaded. The waiter belongs to the caller and stays until then.
 */
void account_when_ready(struct account *acct, struct account_waiter *waiter);

/* The login waits until the account is resident; then login_account_ready is called. */
void account_wait(struct account *acct, struct login *login);

/* A session came or went; an account without any leaves memory after a while. */
void account_add_session(struct account *acct, struct session *s);
void account_remove_session(struct account *acct, struct session *s);

/* The account was deleted or disabled: ends its sessions and sign-ins, who are told why. */
void account_end_all(struct account *acct, const char *why);

/* There is a new account: one of that name that is in memory but does not exist goes at once. */
void account_forget_absent(struct shard *shard, struct slice bare);

/* At the end of a shard: everything in memory goes. */
void account_destroy(struct account *acct);

/* As account_read, of a table of the core. */
void account_read_table(struct account *acct, enum store_kind kind, unsigned table,
	void (*got)(struct account *acct, const struct store_result *result));

/*
 * The message was delivered or is kept: says so at the point unread, unless a client that is there
 * and active has it. only: the session that got it; NULL: all that take messages. deliver.c.
 */
void account_tell_unread(struct account *acct, struct stanza *st, const struct session *only);

/* Delivers a message, presence or iq that has passed the hooks (RFC 6121, 8.5). deliver.c. */
void account_deliver(struct account *acct, struct stanza *st);

#endif
