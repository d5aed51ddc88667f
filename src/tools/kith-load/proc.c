/*
 * CPU time comes from the process's CPU clock, which counts nanoseconds and every thread, not from
 * /proc/PID/stat, which counts ticks of 10 ms.
 */
#include "tools/kith-load/proc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t
clock_ns(clockid_t id)
{
	struct timespec t;

	return clock_gettime(id, &t) == 0 ? (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec
					  : 0;
}

static int
add_memory(pid_t pid, struct proc_sample *sample)
{
	char path[64];
	char line[256];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return -ESRCH;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "VmRSS:", 6) == 0)
			sample->rss_kib += strtoul(line + 6, NULL, 10);
		else if (strncmp(line, "RssAnon:", 8) == 0)
			sample->anon_kib += strtoul(line + 8, NULL, 10);
	}
	(void)fclose(file);
	return 0;
}

int
proc_look(const struct proc_list *procs, struct proc_sample *sample_out)
{
	struct proc_sample sample = { 0 };

	for (size_t i = 0; i < procs->count; i++) {
		clockid_t id;

		if (clock_getcpuclockid(procs->pids[i], &id) != 0)
			return -ESRCH;
		sample.cpu_ns += clock_ns(id);
		int r = add_memory(procs->pids[i], &sample);
		if (r < 0)
			return r;
	}
	*sample_out = sample;
	return 0;
}

uint64_t
proc_own_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}
