/* What the kernel knows about the processes that a measurement watches. */
#ifndef TOOLS_KITH_LOAD_PROC_H
#define TOOLS_KITH_LOAD_PROC_H

#include "base/base.h"

#include <sys/types.h>

enum { PROC_MAX = 16 };

struct proc_list {
	pid_t pids[PROC_MAX];
	size_t count;
};

/* One look at all processes of a list: sums. */
struct proc_sample {
	uint64_t cpu_ns;   /* user and system time of all threads, also ended ones */
	uint64_t rss_kib;  /* resident set */
	uint64_t anon_kib; /* the part of it that is no file: heap, stacks */
};

/* 0, or -ESRCH when one of them is gone or not readable. */
int proc_look(const struct proc_list *procs, struct proc_sample *sample_out);

/* Nanoseconds of CPU that this process used. */
uint64_t proc_own_cpu_ns(void);

#endif
