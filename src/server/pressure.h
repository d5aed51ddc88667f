/*
 * Back-pressure: when a client's output queue, or the queue of an account that waits for storage,
 * is half full, those who write to it are not read from until it has drained. The producer waits;
 * nobody is ended for being slow for a moment.
 *
 * The full session remembers by address whom it holds back, and tells their homes by a task each
 * way, so a producer may sit on any shard. The producer knows who holds it, and goes on when nobody
 * does any more. A session that is full for c2s.full_timeout without a break, because its client
 * reads little or nothing, is ended, so that it cannot stop others for good.
 */
#ifndef SERVER_PRESSURE_H
#define SERVER_PRESSURE_H

#include "proto/jid.h"

struct holder;
struct holding;
struct session;
struct shard;

/*
 * Holds the session of that address back; an address without a session, as a host's, is not held.
 * Whom it holds is its owner's, and begins as NULL.
 */
void pressure_hold(struct shard *shard, struct holding **holding, const struct jid *from);

/* Those whom it holds may go on. */
void pressure_let_go(struct shard *shard, struct holding **holding);

/* The session ends: it does not matter any more who holds it. */
void pressure_forget(struct session *s);

/* Something from that address was just written to the session: hold its sender if s is full. */
void pressure_check(struct session *s, const struct jid *from);

/* The session has drained, or is gone: whom it held may go on. */
void pressure_release(struct session *s);

/* Whether the session may be read from now; arranges for its waking when not. */
bool pressure_may_read(struct session *s);

#endif
