/*
 * What the server gives up before it listens: files beyond its own, other programs, and system
 * calls that a server of XMPP has no use for. Whoever finds a mistake in it gets no further than
 * its own data. It holds for all threads that begin later, and for good.
 */
#ifndef IO_SANDBOX_H
#define IO_SANDBOX_H

#include "base/base.h"

struct sandbox {
	const char *data;            /* the directory that may be written to */
	const char *const *readable; /* files and directories that may be read; NULL at the end */
	const char *socket;          /* a socket that is made and removed there; NULL: none */
	bool kills; /* a forbidden call ends the process instead of failing; for tests */
};

/* What is in force: an old kernel has less. */
enum sandbox_part {
	SANDBOX_FILES = 1, /* landlock(7) */
	SANDBOX_CALLS = 2, /* seccomp(2) */
	SANDBOX_ALL = SANDBOX_FILES | SANDBOX_CALLS,
};

/*
 * Before the first thread. The parts that are in force, as bits. Of a readable file its directory
 * becomes readable, too, and the one it really lies in, so that it can be replaced.
 */
unsigned sandbox_enter(const struct sandbox *sandbox);

#endif
