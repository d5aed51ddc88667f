/*
 * Sessions that outlive the server. Which accounts have any is read when it starts; each is in its
 * account from the moment on at which that is in memory, so that nobody sees a difference. Those
 * accounts come into memory bit by bit even if nobody asks for them, as their sessions have only a
 * while to be resumed.
 */
#ifndef SERVER_REVIVAL_H
#define SERVER_REVIVAL_H

#include "base/slice.h"

struct account;
struct config_error;
struct server;
struct shard;
struct store_memory;

/* As host_keep_load: before any shard runs. 0, or the store's error. */
int revival_load(struct server *server, struct store_memory *memory, struct config_error *error);

/* Begins to bring the accounts into memory; ends it; and at the end of a shard. */
void revival_begin(struct shard *shard);
void revival_stop(struct shard *shard);
void revival_finish(struct shard *shard);

/* Whether there are sessions of that bare address which are not in memory yet. */
bool revival_awaits(const struct shard *shard, struct slice bare);

/* At account_loading: asks for the account's sessions, if it has any. */
void revival_read(struct account *acct);

#endif
