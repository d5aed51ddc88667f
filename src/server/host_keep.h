/*
 * What a host keeps: a few small things that an administrator sets while the server runs, and that
 * belong to a domain rather than to an account: a message of the day, a list of addresses. They are
 * rare to change and are looked at all the time, so each shard has a copy of its own, which needs
 * no lock.
 *
 * All are loaded before anything listens. A change goes to the home of the domain, which stores one
 * after the other, then to the copies of all shards in that order, then back to who asked: who is
 * told that it is done finds it done everywhere, and on disk. What a domain kept stays when a
 * reload takes the domain away, and is there when it comes back.
 */
#ifndef SERVER_HOST_KEEP_H
#define SERVER_HOST_KEEP_H

#include "proto/jid_set.h"

struct config_error;
struct host;
struct module;
struct server;
struct shard;
struct store_memory;
struct store_request;

enum kept_kind { KEPT_TEXT, KEPT_JIDS };

/* One of them; its full name is "module.name". */
struct kept_entry {
	const char *name; /* NULL ends a table */
	enum kept_kind kind;
};

/* What the core itself keeps, where a module is asked for: NULL. */
enum core_kept { CORE_KEPT_ADMINS };

/* entry: the place in the module's table. As long as nothing else runs on this shard. */
/* p NULL: there is none. */
struct slice host_kept_text(
	struct shard *shard, const struct host *host, const struct module *module, unsigned entry);
/* Never NULL. */
const struct jid_set *host_kept_jids(
	struct shard *shard, const struct host *host, const struct module *module, unsigned entry);

/* error: 0, or the store's, and then nothing changed. On the shard that asked, and later. */
typedef void host_kept(void *arg, int error);

/* text p NULL: there is none any more. What is given is copied; done may be NULL. */
void host_keep_text(struct shard *shard, const struct host *host, const struct module *module,
	unsigned entry, struct slice text, host_kept *done, void *arg);
void host_keep_jids(struct shard *shard, const struct host *host, const struct module *module,
	unsigned entry, const struct jid_list *jids, host_kept *done, void *arg);

/* ---- For the server that comes and goes ---- */

/* Gives what modules keep its numbers. Without a server's shards yet. */
void host_keep_settle(struct server *server);

/*
 * Reads all of it for all shards, none of which runs yet; memory: what a simulation's store may be
 * held by, or NULL. 0, or the store's error.
 */
int host_keep_load(struct server *server, struct store_memory *memory, struct config_error *error);

/* At the end of a shard. */
void host_keep_finish(struct shard *shard);

#endif
