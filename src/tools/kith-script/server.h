/* A throwaway server that a scenario starts, and may restart: kithd --try in a given folder. */
#ifndef TOOLS_KITH_SCRIPT_SERVER_H
#define TOOLS_KITH_SCRIPT_SERVER_H

#include "base/base.h"

#include <sys/types.h>

enum { SERVER_ARGS_MOST = 64 };

struct server {
	const char *args[SERVER_ARGS_MOST]; /* the command; NULL at the end */
	size_t count, lasting;              /* the first so many are also given at a restart */
	pid_t pid;                          /* 0: not running */
	unsigned port;
	char ca[512];
};

/* 0, or -1 when it ends or does not say its port. */
int server_start(struct server *server);

/* Asks it to end, waits. 0 when it ended with status 0. */
int server_stop(struct server *server);

#endif
