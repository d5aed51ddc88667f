/* Whether the server's threads still turn their loops, for a watchdog. */
#ifndef SERVER_PULSE_H
#define SERVER_PULSE_H

#include "base/base.h"

struct server;
struct pulse;

/* Of a server that runs; must outlive it, since its questions lie in the loops' mailboxes. */
struct pulse *pulse_create(struct server *server);
void pulse_destroy(struct pulse **pulse);

/*
 * Asks every shard for an answer. Whether all have given the one that was asked for last time;
 * true the first time. One thread.
 */
bool pulse_take(struct pulse *pulse);

#endif
