/* What the kernel says of this process: the numbers that all monitoring expects. */
#ifndef SERVER_PROCESS_STATS_H
#define SERVER_PROCESS_STATS_H

#include "base/base.h"

struct process_stats {
	uint64_t cpu_us; /* of all threads, in the kernel, too */
	uint64_t resident_bytes, virtual_bytes;
	uint64_t open_fds, most_fds;
};

/* A few system calls; on kernels before 6.2 one more for every few hundred descriptors. */
void process_stats_read(struct process_stats *out);

#endif
