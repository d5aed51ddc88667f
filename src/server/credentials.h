/*
 * The stored keys of accounts, and checking a password against them. A question goes to the
 * store's readers; the answer comes back to the shard that asked.
 */
#ifndef SERVER_CREDENTIALS_H
#define SERVER_CREDENTIALS_H

#include "proto/jid.h"
#include "proto/scram_keys.h"

struct credentials_query;
struct shard;

/* found NULL: there is no such account. The query is over when this is called. */
typedef void credentials_got(void *arg, const struct scram_credentials *found);

/* Asks the store for the keys of the account with that bare JID. Any shard. */
struct credentials_query *credentials_ask(
	struct shard *shard, const struct jid *jid, credentials_got *got, void *arg);

/* fits: whether that is the account's password. The query is over when this is called. */
typedef void credentials_checked(void *arg, bool exists, bool fits);

/*
 * Asks whether the password fits, deriving the key on a worker unless the shard has checked
 * the same password against the same keys before, so it should be the account's home. unknown: keys
 * that an unknown account is checked against, so that it takes as long; copied.
 */
struct credentials_query *credentials_check(struct shard *shard, const struct jid *jid,
	struct slice password, const struct scram_credentials *unknown,
	credentials_checked *checked, void *arg);

/* Nobody wants the answer any more. *query may be NULL and becomes so. */
void credentials_cancel(struct credentials_query **query);

/* Passwords that were right lately, under a keyed hash. */
struct password_cache *password_cache_create(void);
void password_cache_destroy(struct password_cache **cache);

#endif
