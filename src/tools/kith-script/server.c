/* kithd prints one line of JSON when it is ready; SIGTERM ends it. */
#include "tools/kith-script/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static noreturn void
run(const char *const *args, int out)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)dup2(out, STDOUT_FILENO);
	union {
		const char *const *in;
		char *const *out;
	} argv = { args };
	(void)execv(args[0], argv.out);
	_exit(127);
}

/* The JSON is our own server's: no escapes in what we look for. */
static int
read_ready(struct server *server, int fd)
{
	char line[4096] = "";
	FILE *in = fdopen(fd, "r");
	const char *port = NULL, *ca = NULL;

	if (in == NULL)
		return -1;
	if (fgets(line, sizeof(line), in) != NULL) {
		port = strstr(line, "\"c2s\":");
		ca = strstr(line, "\"ca\":\"");
	}
	(void)fclose(in);
	if (port == NULL || ca == NULL)
		return -1;
	server->port = (unsigned)strtoul(port + strlen("\"c2s\":"), NULL, 10);
	if (server->port == 0)
		return -1;
	return sscanf(ca, "\"ca\":\"%511[^\"]", server->ca) == 1 ? 0 : -1;
}

int
server_start(struct server *server)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	server->pid = fork();
	if (server->pid == 0)
		run(server->args, ends[1]);
	(void)close(ends[1]);
	if (server->pid < 0) {
		server->pid = 0;
		(void)close(ends[0]);
		return -1;
	}
	int r = read_ready(server, ends[0]);
	/* Who is there already is not made again. */
	server->args[server->lasting] = NULL;
	return r;
}

int
server_stop(struct server *server)
{
	int status = 0;

	if (server->pid == 0)
		return 0;
	(void)kill(server->pid, SIGTERM);
	while (waitpid(server->pid, &status, 0) < 0 && errno == EINTR)
		;
	server->pid = 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}
