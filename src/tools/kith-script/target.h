/* The server that a scenario runs against, and may restart: a process, or part of this one. */
#ifndef TOOLS_KITH_SCRIPT_TARGET_H
#define TOOLS_KITH_SCRIPT_TARGET_H

#include "base/slice.h"

/* What the scenario wants of its server, from the statements that begin with its needs. */
struct needs {
	char **users; /* names or bare addresses; all have the world's password */
	size_t user_count;
	char **domains; /* besides the first */
	size_t domain_count;
	char **settings; /* "key=value" */
	size_t setting_count;
};

struct target {
	/* Starts it, with its data of before; port and ca are set then. 0, or -1. */
	int (*start)(struct target *target, const struct needs *needs, const char *password);
	/* Asks it to end and waits. 0 when it ended well, or has already. */
	int (*stop)(struct target *target);
	/* Ends it as a power switch would; NULL: only a process can be ended so. */
	void (*crash)(struct target *target);
	/* Lets time pass without anybody doing anything; NULL: its time is everyone's. */
	void (*pass)(struct target *target, uint64_t ms);
	unsigned port, tls_port;
	const char *ca;
};

#endif
