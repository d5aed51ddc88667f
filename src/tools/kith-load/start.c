/*
 * A connection is tried every 200 us; a refused one costs the kernel a few microseconds, so the
 * trying does not slow the server down, and the figure is exact to that.
 */
#include "tools/kith-load/start.h"

#include "tools/kith-load/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct timespec between_tries = { 0, 200000 };
static const struct timespec after_start = { 0, 500000000 };

/*
 * The child's process id, or -1. Its output goes nowhere, its complaints to our stderr, and it does
 * not outlive us.
 */
static pid_t
spawn(char **command)
{
	pid_t pid = fork();

	if (pid < 0)
		(void)fprintf(stderr, "kith-load: cannot fork: %s\n", strerror(errno));
	if (pid != 0)
		return pid;
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (nowhere >= 0)
		(void)dup2(nowhere, STDOUT_FILENO);
	(void)execvp(command[0], command);
	(void)fprintf(stderr, "kith-load: cannot run %s: %s\n", command[0], strerror(errno));
	_exit(127);
}

/* Whether the whole of the stream features arrives on this connection. */
static bool
features_arrive(int fd, const struct options *o)
{
	char header[512];
	char answer[16384];
	size_t have = 0;
	int len = snprintf(header, sizeof(header),
		"<?xml version='1.0'?><stream:stream to='%s' version='1.0' "
		"xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
		o->domain);

	if (send(fd, header, (size_t)len, MSG_NOSIGNAL) < 0)
		return false;
	while (have < sizeof(answer)) {
		ssize_t n = recv(fd, answer + have, sizeof(answer) - have, 0);
		if (n <= 0)
			return false;
		have += (size_t)n;
		if (memmem(answer, have, "</stream:features>", 18) != NULL)
			return true;
	}
	return false;
}

static bool
try_once(const struct options *o)
{
	int fd = socket(o->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval limit = { 5, 0 };

	if (fd < 0)
		return false;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	bool good = connect(fd, (const struct sockaddr *)&o->address, o->address_len) == 0 &&
		    features_arrive(fd, o);
	(void)close(fd);
	return good;
}

/* Tries until features are there, the child has ended, or time is up. */
static bool
wait_for_features(const struct options *o, pid_t pid, uint64_t began_ns)
{
	uint64_t limit = (uint64_t)o->timeout_ms * 1000000;
	siginfo_t info = { 0 };

	while (!try_once(o)) {
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
			info.si_pid == pid) {
			(void)fprintf(
				stderr, "kith-load: %s ended before it answered\n", o->command[0]);
			return false;
		}
		if (crew_now_ns() - began_ns > limit) {
			(void)fprintf(stderr, "kith-load: no stream features from %s port %u\n",
				o->host, o->port);
			return false;
		}
		(void)nanosleep(&between_tries, NULL);
	}
	return true;
}

/* Whether the child ends with status 0 after SIGTERM; it is killed after the time-out. */
static bool
stop(const struct options *o, pid_t pid)
{
	uint64_t limit = crew_now_ns() + (uint64_t)o->timeout_ms * 1000000;
	int status = 0;

	(void)kill(pid, SIGTERM);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (crew_now_ns() > limit) {
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			break;
		}
		(void)nanosleep(&between_tries, NULL);
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int
start_run(const struct options *o, struct report *report)
{
	if (try_once(o)) {
		(void)fprintf(stderr, "kith-load: something answers on port %u already\n", o->port);
		return -1;
	}
	uint64_t began = crew_now_ns();
	pid_t pid = spawn(o->command);
	if (pid < 0)
		return -1;
	struct proc_list list = { { pid }, 1 };
	struct proc_sample at_once = { 0 }, later = { 0 };
	bool good = wait_for_features(o, pid, began);
	uint64_t ready = crew_now_ns();

	if (good) {
		good = proc_look(&list, &at_once) == 0;
		(void)nanosleep(&after_start, NULL);
		good = good && proc_look(&list, &later) == 0;
	}
	bool ended_well = stop(o, pid);
	if (good && !ended_well)
		(void)fprintf(
			stderr, "kith-load: %s did not end well after SIGTERM\n", o->command[0]);
	if (!good || !ended_well)
		return -1;
	report_text(report, "mode", o->mode);
	report_real(report, "features_ms", (double)(ready - began) / 1e6);
	report_real(report, "cpu_ms", (double)at_once.cpu_ns / 1e6);
	report_uint(report, "rss_at_once_kib", at_once.rss_kib);
	report_uint(report, "rss_kib", later.rss_kib);
	report_uint(report, "anon_kib", later.anon_kib);
	return 0;
}
