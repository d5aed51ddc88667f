/*
 * Back-pressure: when a client's output queue is half full, those who write to it are not read
 * from until it has drained. The producer waits; nobody is ended for being slow for a moment.
 *
 * The full session remembers by address whom it holds back, and tells their homes by a task each
 * way, so a producer may sit on any shard.
 */
#ifndef SERVER_PRESSURE_H
#define SERVER_PRESSURE_H

#include "proto/jid.h"

struct held_list;
struct session;
struct shard;

/* Something from that address was just written to the session: hold its sender if s is full. */
void pressure_check(struct session *s, const struct jid *from);

/* The session has drained, or is gone: whom it held may go on. */
void pressure_release(struct session *s);

/* Whether the session may be read from now; arranges for its waking when not. */
bool pressure_may_read(struct session *s);

#endif
