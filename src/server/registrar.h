/*
 * Accounts come, change their passwords and go: the one place for it, whoever asks (kithctl, a
 * command of an admin, the user). What was answered with 0 is on disk.
 */
#ifndef SERVER_REGISTRAR_H
#define SERVER_REGISTRAR_H

#include "proto/errors.h"
#include "proto/jid.h"
#include "store/store.h"

struct scram_credentials;
struct shard;

/*
 * On the shard that asked, later. 0; -EEXIST: there is such an account already; -ENOENT: there is
 * none; -ENOSPC: the disk is full, nothing was changed; else the store failed.
 */
typedef void registrar_done(void *arg, int error);

enum registrar_deed { REGISTRAR_CREATE, REGISTRAR_CHANGE };

/*
 * Makes an account, or changes its password; the keys are derived on a worker. jid: bare, of a
 * host of ours. typed: as it was typed; copied. 0: done will be called. -EINVAL: this can be no
 * password; -EAGAIN: too many wait for the workers; then it will not.
 */
int registrar_set_password(struct shard *shard, enum registrar_deed deed, const struct jid *jid,
	struct slice typed, registrar_done *done, void *arg);

/*
 * Makes an account of keys, or of a password if there is one (typed.p), with all that the
 * transaction has; it is sent, or destroyed, in any case. Returns as above. done may be called
 * before this returns.
 */
int registrar_import(struct shard *shard, const struct jid *jid, struct slice typed,
	const struct scram_credentials *keys, struct store_txn *txn, registrar_done *done,
	void *arg);

/*
 * Removes an account with everything that is stored of it, ends its sessions and sign-ins, and
 * cancels its subscriptions both ways (XEP-0077, 3.2). When the account's home is this shard, done
 * is called before its sessions hear of it.
 */
void registrar_remove(struct shard *shard, const struct jid *jid, registrar_done *done, void *arg);

/*
 * A disabled account keeps all that it has, but its sessions end and nobody signs in to it until
 * it is enabled again. As in removal for done.
 */
void registrar_disable(struct shard *shard, const struct jid *jid, registrar_done *done, void *arg);
void registrar_enable(struct shard *shard, const struct jid *jid, registrar_done *done, void *arg);

/* A page of addresses, in byte order; false: no more are wanted. The last one has more unset. */
typedef bool registrar_page(void *arg, int error, const struct store_result *page);

/* All accounts of all hosts, by pages. */
void registrar_list(struct shard *shard, registrar_page *got, void *arg);

/* The same from the first one on that begins so, or would come behind that. */
void registrar_list_from(
	struct shard *shard, struct slice beginning, registrar_page *got, void *arg);

/* Those that are disabled. */
void registrar_list_disabled(struct shard *shard, registrar_page *got, void *arg);

/* The error as an answer over XMPP (XEP-0133, 6). */
enum stanza_condition registrar_condition(int error);

/* What an error means to a person, as the end of a sentence. */
const char *registrar_why(int error);

#endif
