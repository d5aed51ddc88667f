/*
 * What systemd is told of a service (sd_notify(3)): that it is ready, reloads, stops, lives.
 * Without systemd nothing happens.
 */
#ifndef KITHD_NOTIFY_H
#define KITHD_NOTIFY_H

#include "base/base.h"

#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un to;
	socklen_t to_len;
	uint64_t watchdog_ms; /* a sign of life is due that often; 0: never */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them from the environment. */
void notify_init(struct notify *notify);
void notify_finish(struct notify *notify);

/* Each sends one datagram and never waits. */
void notify_ready(const struct notify *notify);
void notify_reloading(const struct notify *notify);
void notify_stopping(const struct notify *notify);
void notify_alive(const struct notify *notify);

/* Descriptors for the next process; and those of before are not needed any more. */
void notify_store(const struct notify *notify, const int *fds, size_t count);
void notify_forget_stored(const struct notify *notify);

#endif
