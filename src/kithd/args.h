/* The command line of kithd. */
#ifndef KITHD_ARGS_H
#define KITHD_ARGS_H

#include "base/arena.h"

enum mode {
	MODE_RUN,
	MODE_CHECK,
	MODE_DUMP_DEFAULTS,
	MODE_DUMP_MANUAL,
	MODE_DUMP_XEPS,
	MODE_EXPLAIN
};

struct arg_list {
	const char **v;
	size_t count;
};

struct args {
	enum mode mode;
	bool is_try;
	const char *config_path, *directory; /* NULL: not given */
	unsigned port_base;
	struct arg_list domains, users, sets;
};

/* Fills args from the arena. -1: go on; else the exit status, with everything said. */
int args_read(struct args *args, struct arena *arena, int argc, char **argv);

/* Prints the usage as an error; the exit status. */
int args_usage(void);

#endif
