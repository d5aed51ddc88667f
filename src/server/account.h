/*
 * An account is the home of a bare address: everything about it lives on one shard and is
 * touched by that shard's thread only. Accounts are actors (absent, loading, resident, waiting):
 * all that hooks need is loaded before the first stanza is let in, and while an operation waits
 * for storage the account is paused and its stanzas queue.
 */
#ifndef SERVER_ACCOUNT_H
#define SERVER_ACCOUNT_H

#include "proto/jid.h"
#include "store/store.h"

struct account;
struct host;
struct module;
struct session;
struct shard;
struct stanza;

const struct jid *account_jid(const struct account *acct);
/* XEP-0175: it goes with its only session. */
bool account_is_anonymous(const struct account *acct);
struct host *account_host(const struct account *acct);
/* Where it lives, for what is asked of a shard. */
struct shard *account_shard(const struct account *acct);

/* The account's sessions, the newest last: for (s = first; s != NULL; s = session_next(s)). */
struct session *account_sessions(const struct account *acct);
struct session *session_next(const struct session *s);

/*
 * At account_loading: asks for one of the module's stores. got is called with the completed
 * request (its results as in store.h) before the first stanza is let in.
 */
void account_read(struct account *acct, const struct module *module, unsigned store,
	void (*got)(struct account *acct, const struct store_result *result));

/* The same with no more than the newest entries of a log, these first. */
void account_read_newest(struct account *acct, const struct module *module, unsigned store,
	uint32_t most, void (*got)(struct account *acct, const struct store_result *result));

/*
 * Whether the server was killed a while ago, so that clients may send again what was stored already
 * (stanza.is_again).
 */
bool account_follows_crash(const struct account *acct);

/* The same when only the number of keys or entries matters. */
void account_read_count(struct account *acct, const struct module *module, unsigned store,
	void (*got)(struct account *acct, uint64_t count));

/* Whether the address may see the account's presence: itself, or a contact with "from". */
bool account_is_seen_by(struct account *acct, const struct jid *jid);

/* Whether the bare address is in the account's roster. */
bool account_is_contact(struct account *acct, const struct jid *jid);

/* False from the moment on at which the account is deleted, and if there never was one. */
bool account_exists(const struct account *acct);

/* Whether any of its sessions is available. */
bool account_is_available(const struct account *acct);

/* Reads a stanza that a log of the account has; it lives until the next one is read. */
bool account_thaw(struct account *acct, struct slice xml, struct stanza *st_out);

/* For what is needed until the stanza that is being handled is done. */
struct arena *account_scratch(struct account *acct);

/* The time on the account's shard, as people see it. */
int64_t account_wall_ms(const struct account *acct);

/* A transaction on this account. It must end in iq_commit or account_commit. */
struct store_txn *txn_begin(struct account *acct);

/* The number by which the store knows a module's store, for store_txn_… calls. */
unsigned account_table(const struct account *acct, const struct module *module, unsigned store);

/* The same of its clients' tokens (tokens.h): a map by the name of the installation. */
unsigned account_tokens_table(const struct account *acct);

/*
 * Commits without pausing the account; done gets 0 or a negative error and the argument, and may
 * be NULL. The account stays in memory until then.
 */
void account_commit(struct account *acct, struct store_txn *txn,
	void (*done)(struct account *acct, int error, void *arg), void *arg);

/* Reads of this account, to be asked for in it by store_read_…. It must end in a fetch. */
struct store_batch *batch_begin(struct account *acct);

/*
 * Reads the module's stores outside of loading: done gets the batch completed, or (with a negative
 * error) empty. The account is paused until then, so what follows sees the answer's effect in
 * order.
 */
void account_fetch(struct account *acct, struct store_batch *batch,
	void (*done)(struct account *acct, int error, struct store_batch *batch, void *arg),
	void *arg);

#endif
