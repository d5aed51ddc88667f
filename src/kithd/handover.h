/*
 * Listening sockets stay open while the server ends and begins anew, so that nobody who connects
 * meanwhile is refused: this process keeps them over its exec, or systemd keeps them for the next
 * one (FileDescriptorStoreMax= in the unit).
 */
#ifndef KITHD_HANDOVER_H
#define KITHD_HANDOVER_H

#include "kithd/notify.h"

#include <stddef.h>

struct server;

enum {
	HANDOVER_MOST = 250, /* what one message can carry (unix(7)) */
	HANDOVER_PATH = 4096,
};

struct handover {
	char program[HANDOVER_PATH]; /* from where this process was started */
	int fds[HANDOVER_MOST];
	size_t count;
};

/* At the start of the process. */
void handover_init(struct handover *handover);

/* While the server runs: keeps its listening sockets beyond its end. */
void handover_collect(struct handover *handover, const struct server *server);

/*
 * Runs the program again, with the sockets: what lies now where this one was started from, which
 * may be a newer one. Returns only if that fails.
 */
void handover_exec(struct handover *handover, char **argv);

/* Gives the sockets to who watches this process, and ends with them. */
void handover_store(struct handover *handover, const struct notify *notify);

#endif
