/*
 * Back-pressure: when a client's output queue, or the queue of an account that waits for storage,
 * is half full, those who write to it are not read from until it has drained. The producer waits;
 * nobody is ended for being slow for a moment.
 *
 * The full session remembers by address whom it holds back, and tells their homes by a task each
 * way, so a producer may sit on any shard.
 */
#ifndef SERVER_PRESSURE_H
#define SERVER_PRESSURE_H

#include "proto/jid.h"

struct held;
struct session;
struct shard;

/*
 * Holds the session of that address back, once for each list; an address without a session, as
 * a host's, is not held. The list is its owner's, and begins as NULL.
 */
void pressure_hold(struct shard *shard, struct held **list, const struct jid *from);

/* Whom the list holds may go on. */
void pressure_let_go(struct shard *shard, struct held **list);

/* Something from that address was just written to the session: hold its sender if s is full. */
void pressure_check(struct session *s, const struct jid *from);

/* The session has drained, or is gone: whom it held may go on. */
void pressure_release(struct session *s);

/* Whether the session may be read from now; arranges for its waking when not. */
bool pressure_may_read(struct session *s);

#endif
