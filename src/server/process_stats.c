/* From getrusage and /proc/self. */
#include "server/process_stats.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t
micros(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

static void
read_memory(struct process_stats *out)
{
	unsigned long long pages = 0, resident = 0;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	FILE *file = fopen("/proc/self/statm", "re");

	if (file == NULL)
		return;
	if (fscanf(file, "%llu %llu", &pages, &resident) == 2) { /* NOLINT(cert-err34-c) */
		out->virtual_bytes = pages * page;
		out->resident_bytes = resident * page;
	}
	(void)fclose(file);
}

static uint64_t
count_fds(const char *path)
{
	uint64_t count = 0;
	DIR *dir = opendir(path);

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL) /* NOLINT(concurrency-mt-unsafe): the stream is our own */
		count++;
	(void)closedir(dir);
	/* Without ".", ".." and the directory that was open. */
	return count > 3 ? count - 3 : 0;
}

void
process_stats_read(struct process_stats *out)
{
	struct rusage usage;
	struct rlimit limit;
	struct stat st;

	*out = (struct process_stats){ 0 };
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		out->cpu_us = micros(usage.ru_utime) + micros(usage.ru_stime);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		out->most_fds = limit.rlim_cur;
	read_memory(out);
	/* Since Linux 6.2 the size of that directory is the number of descriptors. */
	if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
		out->open_fds = (uint64_t)st.st_size;
	else
		out->open_fds = count_fds("/proc/self/fd");
}
