/*
 * What administrators do with accounts and with those who are signed in: the one place for it,
 * whether kithctl asks or a command. All of these may be called on any shard; done is called
 * there, later. Making and removing accounts is in registrar.h.
 */
#ifndef SERVER_ADMIN_H
#define SERVER_ADMIN_H

#include "server/host_keep.h"
#include "server/roster.h"
#include "store/store.h"

struct account;
struct module;
struct server;
struct shard;
struct text_list;

/* One session. */
struct admin_session {
	struct jid jid;           /* full */
	struct slice peer;        /* its IP address; empty while its connection is lost */
	const char *tls, *cipher; /* "TLSv1.3", "TLS_AES_256_GCM_SHA384"; "" when it is plain */
	int64_t since_ms,
		heard_ms; /* wall time: when it was bound, when its client last sent something */
	bool is_lost;     /* it has no connection, and waits for its client to resume it */
	bool is_available;
	int priority;
	struct slice show;  /* "away", ...; p NULL: none, or not available */
	size_t queue_bytes; /* that its client did not read yet */
	unsigned shard;
};

/* What was found; valid during the call. */
struct admin_sessions {
	const struct admin_session *v;
	size_t count;
	uint64_t users; /* that have a session, all of them */
};

typedef void admin_got_sessions(void *arg, const struct admin_sessions *found);

/*
 * The sessions of that domain's users (NO_SLICE: of all domains), those of each user together;
 * most: of how many users at most.
 */
void admin_list_sessions(struct shard *shard, struct slice domain, uint32_t most,
	admin_got_sessions *done, void *arg);

/* The sessions of one account. */
void admin_find_sessions(
	struct shard *shard, const struct jid *bare, admin_got_sessions *done, void *arg);

typedef void admin_counted(void *arg, uint64_t count);

/*
 * Ends the session, or all of the account when the address is bare; how many those were. why: a
 * sentence that they are told; copied.
 */
void admin_kick(struct shard *shard, const struct jid *jid, const char *why, admin_counted *done,
	void *arg);

/*
 * A headline from the domain to every session of its users (NO_SLICE: of all domains, each from
 * its own); how many those were. The text is copied.
 */
void admin_announce(struct shard *shard, struct slice domain, struct slice text,
	admin_counted *done, void *arg);

/*
 * Calls deed for each account of the domain that is in memory, on the account's shard, and adds up
 * what it returns.
 */
void admin_each_account(struct shard *shard, struct slice domain,
	unsigned (*deed)(struct account *acct), admin_counted *done, void *arg);

/* Whether server.admins names that bare address; and all whom it names. */
bool admin_is_configured(const struct server *server, struct slice bare);
const struct text_list *admin_configured(const struct server *server);

/* Puts the address on the host's admin list, or takes it off. */
void admin_change_list(struct shard *shard, const struct host *host, const struct jid *bare,
	bool is_admin, host_kept *done, void *arg);

/*
 * The account is gone: takes it off all hosts' admin lists, should somebody take the name again.
 * done: when no list has it any more, or the store failed; perhaps within this call.
 */
void admin_forget(struct shard *shard, const struct jid *bare, void (*done)(void *arg), void *arg);

/* What follows is in admin_account.c. */

/* error: 0, -ENOENT when there is no such account, else the store failed. */
typedef void admin_got_roster(void *arg, int error, const struct roster_item_list *items);

/* The stored roster of an account. */
void admin_read_roster(
	struct shard *shard, const struct jid *bare, admin_got_roster *done, void *arg);

/* result: when error is 0; what was read, as in store.h. */
typedef void admin_got_store(void *arg, int error, const struct store_result *result);

/* A module's stored value of an account; error as above. */
void admin_read_value(struct shard *shard, const struct jid *bare, const struct module *module,
	unsigned store, admin_got_store *done, void *arg);

/* The same by the names of module and store; error -ENOTSUP: this server has none such. */
void admin_read_named(struct shard *shard, const struct jid *bare, const char *module,
	const char *store, admin_got_store *done, void *arg);

/* What is stored of an account, in numbers. */
struct admin_facts {
	bool is_disabled;
	struct slice last_login; /* a stamp, right to some minutes; p NULL: never, or not known */
	struct slice last_left;  /* when its last session ended; likewise */
	uint64_t contacts;       /* in its roster */
	uint64_t requests;       /* for its presence that wait for an answer */
	uint64_t messages, message_bytes; /* kept while it is away */
};

/* account: when error is 0. */
typedef void admin_got_facts(void *arg, int error, const struct admin_facts *account);
void admin_read_facts(
	struct shard *shard, const struct jid *bare, admin_got_facts *done, void *arg);

/*
 * Lets the server stop after a while, or stop and begin anew; asked again, the new time counts, and
 * the new deed. False: it cannot.
 */
bool admin_stop(struct shard *shard, uint32_t delay_ms);
bool admin_restart(struct shard *shard, uint32_t delay_ms);

#endif
