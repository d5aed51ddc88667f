/*
 * Listening sockets that this process was given by who started it: by systemd, or by itself before
 * it began anew (sd_listen_fds(3)). Clients that come while nobody accepts wait in their queues, so
 * no connection is refused.
 */
#ifndef IO_INHERITED_H
#define IO_INHERITED_H

#include "base/base.h"

#include <sys/socket.h>

struct inherited;

/*
 * Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES, and removes them from the environment. NULL:
 * there are none. Before there is any thread.
 */
struct inherited *inherited_create(void);

/* Closes those that nobody took. */
void inherited_destroy(struct inherited **inherited);

/*
 * One that listens at that address, which is the caller's now, non-blocking and closed by exec.
 * -1: there is none, or inherited is NULL.
 */
int inherited_take(struct inherited *inherited, const struct sockaddr *address);

#endif
