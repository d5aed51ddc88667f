/*
 * What an account that is removed still has to tell its contacts: that its subscriptions and theirs
 * have ended (XEP-0077, 3.2). It is stored with the removal and forgotten when everyone has it on
 * disk, so a crash in between leaves nobody waiting for somebody who is no more, or open to whoever
 * takes that name later.
 */
#ifndef SERVER_FAREWELL_H
#define SERVER_FAREWELL_H

#include "base/buffer.h"

struct account;
struct jid;
struct server;
struct shard;

/* What is to be told, as it is stored; the buffer is made here and the caller's to finish. */
void farewell_collect(struct account *acct, struct buffer *text_out);

/* Tells it, in the name of that bare address, which is gone; both are copied. */
void farewell_begin(struct shard *shard, const struct jid *who, struct slice text);

/* At start, before anyone can sign in: tells again what was interrupted. */
void farewell_resume(struct server *server);

#endif
