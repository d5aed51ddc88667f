/* A target that is a process: kithd --try in a given folder. */
#ifndef TOOLS_KITH_SCRIPT_KITHD_H
#define TOOLS_KITH_SCRIPT_KITHD_H

#include "tools/kith-script/target.h"

#include <sys/types.h>

enum { KITHD_ARGS_MOST = 32 };

struct kithd {
	struct target target;
	const char *path;
	const char *args[KITHD_ARGS_MOST]; /* of each start */
	size_t arg_count;
	bool was_started; /* the users are there */
	pid_t pid;        /* 0: not running */
	char ca[512];
};

void kithd_init(struct kithd *kithd, const char *path);

/* An option and its value; ends the program when there are too many. */
void kithd_add(struct kithd *kithd, const char *option, const char *value);

#endif
