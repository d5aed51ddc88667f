/* Export and import as the core sees them, and those who ask for them. */
#ifndef SERVER_TRANSFER_INTERNAL_H
#define SERVER_TRANSFER_INTERNAL_H

#include "base/list.h"
#include "proto/scram_keys.h"
#include "server/roster.h"
#include "server/transfer.h"

struct config_error;
struct server;
struct shard;

#define NS_PIE "urn:xmpp:pie:0"

/* Something to tell about one element. */
struct transfer_note {
	struct list link;     /* in transfer.losses */
	size_t child, number; /* of <user/>, and of that; from 1, 0: the one above */
	struct slice element; /* its name and namespace, as a start tag */
	const char *text;
};

struct transfer {
	struct shard *shard;
	struct host *host;
	struct jid jid;
	struct arena arena;
	struct buffer *out; /* export */
	struct store_txn *txn;
	struct slice text; /* import: what is read */
	struct xml_tokens tokens;
	const struct xml_token *child; /* of <user/> that is being read */
	size_t child_number;
	struct slice password; /* p NULL: none */
	struct scram_credentials keys;
	bool has_keys;
	struct roster roster; /* so far, for its limits */
	bool has_failed;
	struct transfer_note mistake;
	struct list losses; // transfer_note.link
	void (*done)(struct transfer *transfer, int error);
	void (*element)(struct transfer *transfer, struct slice xml);
	void *arg;
};

/* An entry with its owner and its type, of the server's table. */
struct transfer_type {
	const struct transfer_entry *entry;
	const struct codec_type *type;
	const struct module *module; /* NULL: the core */
};

/* The core's own; transfer_core.c. */
extern const struct transfer_entry transfer_core[];

/*
 * ejabberd writes keys in the place of the password, as
 * "scram:[HASH,]STOREDKEY,SERVERKEY,SALT,COUNT". False: the password is none of this kind, and may
 * be what it is. transfer_core.c.
 */
bool transfer_take_keys(struct transfer *transfer, struct slice password);

/* Makes the server's table. -EINVAL: a module keeps what nobody would take along. */
int transfer_settle(struct server *server, struct config_error *error);

/*
 * Tells each element of the account in turn, then done with 0, -ENOENT or what the store says. All
 * are of one moment. On the shard that asks; transfer is gone after done.
 */
void transfer_export(struct shard *shard, const struct jid *jid,
	void (*element)(struct transfer *transfer, struct slice xml),
	void (*done)(struct transfer *transfer, int error), void *arg);

/*
 * Makes the account that <user/> describes, in one transaction. done gets 0; -EINVAL: see
 * transfer.mistake; -EEXIST: there is such an account; or what the store says. It may be called
 * before this returns; transfer is gone after it. user stays until then, and is wiped: it has
 * secrets.
 */
void transfer_import(struct shard *shard, struct host *host, struct slice user,
	void (*done)(struct transfer *transfer, int error), void *arg);

#endif
