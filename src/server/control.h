/*
 * The control socket: kithd.sock in the data directory, for kithctl. What goes over it is in
 * proto/control_line.h. Requests may be sent ahead; answers come in their order. It lives on shard
 * 0.
 */
#ifndef SERVER_CONTROL_H
#define SERVER_CONTROL_H

#include "server/config.h"

struct control;
struct server;

/* Listens. 0, or a negative error. Before the shards run. */
int control_start(struct server *server, struct config_error *error);

/* Closes the socket and its connections; on shard 0's thread. */
void control_stop(struct server *server);

void control_destroy(struct control **control);

#endif
