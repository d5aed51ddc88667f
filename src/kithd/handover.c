/* Copies of the descriptors, moved to where the next process looks for them. */
#include "kithd/handover.h"

#include "server/server.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIRST_FD = 3 };

void
handover_init(struct handover *handover)
{
	ssize_t len = readlink("/proc/self/exe", handover->program, sizeof(handover->program) - 1);

	handover->program[len < 0 ? 0 : len] = '\0';
	handover->count = 0;
}

void
handover_collect(struct handover *handover, const struct server *server)
{
	handover->count = server_listening(server, handover->fds, HANDOVER_MOST);
}

static void
close_all(struct handover *handover)
{
	for (size_t i = 0; i < handover->count; i++)
		(void)close(handover->fds[i]);
	handover->count = 0;
}

static void
set_number(const char *name, unsigned long number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lu", number);
	(void)setenv(name, text, 1);
}

/* First out of the way of each other, then one by one to the numbers from 3 on. */
static void
line_up(struct handover *handover)
{
	int free_fd = FIRST_FD + (int)handover->count;

	for (size_t i = 0; i < handover->count; i++) {
		int fd = fcntl(handover->fds[i], F_DUPFD_CLOEXEC, free_fd);

		(void)close(handover->fds[i]);
		handover->fds[i] = fd;
	}
	for (size_t i = 0; i < handover->count; i++) {
		(void)dup2(handover->fds[i], FIRST_FD + (int)i);
		(void)close(handover->fds[i]);
		handover->fds[i] = FIRST_FD + (int)i;
	}
}

void
handover_exec(struct handover *handover, char **argv)
{
	if (handover->count > 0) {
		line_up(handover);
		set_number("LISTEN_PID", (unsigned long)getpid());
		set_number("LISTEN_FDS", handover->count);
	}
	(void)execv(handover->program, argv);
	(void)execv("/proc/self/exe", argv);
	close_all(handover);
}

void
handover_store(struct handover *handover, const struct notify *notify)
{
	notify_store(notify, handover->fds, handover->count);
	close_all(handover);
}
