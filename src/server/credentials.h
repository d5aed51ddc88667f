/*
 * The stored keys of accounts, and checking a password against them. A question goes to the
 * store's readers; the answer comes back to the shard that asked. The keys by which someone signed
 * in stay with the account as long as that is in memory.
 */
#ifndef SERVER_CREDENTIALS_H
#define SERVER_CREDENTIALS_H

#include "proto/jid.h"
#include "proto/scram_keys.h"

struct account;
struct credentials_query;
struct map_memory;
struct shard;

/*
 * error: 0, or a negative error when nothing is known about the account. found NULL: there is
 * none. The query is over when this is called.
 */
typedef void credentials_got(void *arg, int error, const struct scram_credentials *found);

/* Asks the store for the keys of the account with that bare JID. Any shard. */
struct credentials_query *credentials_ask(
	struct shard *shard, const struct jid *jid, credentials_got *got, void *arg);

/* error: as above, -EAGAIN when too many wait. fits: whether that is the account's password. */
typedef void credentials_checked(void *arg, int error, bool exists, bool fits);

/*
 * Asks whether the password fits, deriving the key on a worker unless the shard has checked
 * the same password against the same keys before, so it should be the account's home. unknown: keys
 * that an unknown account is checked against, so that it takes as long; copied.
 */
struct credentials_query *credentials_check(struct shard *shard, const struct jid *jid,
	struct slice password, const struct scram_credentials *unknown,
	credentials_checked *checked, void *arg);

/*
 * The keys that are in memory, valid for this call, or NULL. The account's home only. An answer
 * from here is quicker than one from the store, which tells that the account is in use.
 */
const struct scram_keys *credentials_kept(
	struct shard *shard, const struct jid *jid, enum scram_hash hash);

/* Keeps a copy of keys that someone has just signed in by; forgets it. */
void credentials_keep(struct account *acct, const struct scram_keys *keys);
void credentials_drop(struct account *acct);

/*
 * At home, after the keys of that bare JID were changed in the store: what is in memory is
 * forgotten. Who asked for keys before must not keep them: shard.password_changes has grown.
 */
void credentials_changed(struct shard *home, struct slice bare);

/* Nobody wants the answer any more. *query may be NULL and becomes so. */
void credentials_cancel(struct credentials_query **query);

/* Passwords that were right lately, under a keyed hash. */
struct password_cache *password_cache_create(void);
void password_cache_destroy(struct password_cache **cache);
void password_cache_add_memory(const struct password_cache *cache, struct map_memory *sum);

#endif
