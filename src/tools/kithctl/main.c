/*
 * kithctl: administration from the shell, over the Unix socket of a running server. Each command
 * is one entry of a table: its words, its help, and the function that runs it.
 */
#include "tools/kithctl/control_client.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, ERROR_TEXT = 1024, IMPORT_WINDOW = 256 };

struct call {
	struct control control;
	char **args; /* what follows the command's words */
	int count;
	bool json;
};

struct verb {
	const char *words; /* as typed */
	const char *args, *about;
	int least, most;
	int (*run)(struct call *call);
};

/* Sends the words, prints the answer; the exit status. */
static int
ask(struct call *call, const char *const *words, size_t count)
{
	char error[ERROR_TEXT];
	int r;

	if (control_send(&call->control, words, count) < 0)
		return EXIT_FAILURE;
	r = control_answer(&call->control, stdout, error, sizeof(error));
	if (r == 1)
		(void)fprintf(stderr, "kithctl: %s\n", error);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Reads a password without showing it; from a pipe just the first line. NULL: none. */
static char *
read_password(const char *name)
{
	struct termios old, silent;
	bool terminal = tcgetattr(STDIN_FILENO, &old) == 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (terminal) {
		(void)fprintf(stderr, "Password for %s: ", name);
		silent = old;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	}
	n = getline(&line, &size, stdin);
	if (terminal) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		(void)fputc('\n', stderr);
	}
	if (n > 0 && line[n - 1] == '\n')
		line[--n] = '\0';
	if (n <= 0) {
		(void)fprintf(stderr, "kithctl: no password was given\n");
		free(line);
		return NULL;
	}
	return line;
}

static int
with_password(struct call *call, const char *verb)
{
	char *typed = call->count > 1 ? NULL : read_password(call->args[0]);
	const char *password = call->count > 1 ? call->args[1] : typed;
	int r = EXIT_FAILURE;

	if (password != NULL)
		r = ask(call, (const char *const[]){ verb, call->args[0], password }, 3);
	free(typed);
	return r;
}

static int
user_add(struct call *call)
{
	return with_password(call, "user-add");
}

static int
user_passwd(struct call *call)
{
	return with_password(call, "user-passwd");
}

static int
user_delete(struct call *call)
{
	return ask(call, (const char *const[]){ "user-delete", call->args[0] }, 2);
}

static int
user_list(struct call *call)
{
	return ask(call, (const char *const[]){ "user-list" }, 1);
}

struct import {
	unsigned long sent, answered, refused;
	unsigned long malformed; /* lines that were not sent */
};

static int
take_import_answer(struct call *call, struct import *import)
{
	char error[ERROR_TEXT];
	int r = control_answer(&call->control, NULL, error, sizeof(error));

	import->answered++;
	if (r == 1) {
		import->refused++;
		(void)fprintf(stderr, "kithctl: account %lu: %s\n", import->answered, error);
	}
	return r < 0 ? -1 : 0;
}

/* One "name:password" line; 0, or -1 when the connection broke. */
static int
import_line(struct call *call, struct import *import, char *line)
{
	char *colon = strchr(line, ':');

	line[strcspn(line, "\r\n")] = '\0';
	if (line[0] == '\0')
		return 0;
	if (colon == NULL) {
		import->malformed++;
		(void)fprintf(stderr, "kithctl: '%s' is no name:password line\n", line);
		return 0;
	}
	*colon = '\0';
	if (control_send(
		    &call->control, (const char *const[]){ "user-import", line, colon + 1 }, 3) < 0)
		return -1;
	import->sent++;
	if (import->sent - import->answered < IMPORT_WINDOW)
		return 0;
	return take_import_answer(call, import);
}

static int
user_import(struct call *call)
{
	bool standard = strcmp(call->args[0], "-") == 0;
	FILE *in = standard ? stdin : fopen(call->args[0], "re");
	struct import import = { 0 };
	char *line = NULL;
	size_t size = 0;
	int r = 0;

	if (in == NULL) {
		(void)fprintf(stderr, "kithctl: %s: %s\n", call->args[0], strerror(errno));
		return EXIT_FAILURE;
	}
	while (r == 0 && getline(&line, &size, in) > 0)
		r = import_line(call, &import, line);
	while (r == 0 && import.answered < import.sent)
		r = take_import_answer(call, &import);
	free(line);
	if (!standard)
		(void)fclose(in);
	unsigned long failed = import.sent - import.answered + import.refused + import.malformed;
	(void)printf(
		"%lu accounts imported, %lu failed\n", import.answered - import.refused, failed);
	return r == 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
stats(struct call *call)
{
	return ask(call, (const char *const[]){ "stats", call->json ? "json" : "text" }, 2);
}

static int
stop(struct call *call)
{
	return ask(call, (const char *const[]){ "stop" }, 1);
}

static const struct verb verbs[] = {
	{ "user add", "NAME [PASSWORD]", "adds an account", 1, 2, user_add },
	{ "user passwd", "NAME [PASSWORD]", "changes an account's password", 1, 2, user_passwd },
	{ "user delete", "NAME", "deletes an account and everything it keeps", 1, 1, user_delete },
	{ "user list", "", "lists the accounts", 0, 0, user_list },
	{ "user import", "FILE", "adds accounts from name:password lines; - for stdin", 1, 1,
		user_import },
	{ "stats", "", "prints counters and gauges", 0, 0, stats },
	{ "stop", "", "stops the server, after telling everyone", 0, 0, stop },
};

static int
usage(void)
{
	(void)fprintf(stderr, "usage: kithctl [--json] --dir DIR COMMAND\n\ncommands:\n");
	for (size_t i = 0; i < COUNT_OF(verbs); i++)
		(void)fprintf(stderr, "  %-12s %-16s %s\n", verbs[i].words, verbs[i].args,
			verbs[i].about);
	(void)fprintf(stderr, "\nNAME is an address as a@example.org, or only the name when the "
			      "server has one domain.\n");
	return EXIT_USAGE;
}

/* The verb that the arguments begin with, and how many of them it takes. */
static const struct verb *
find_verb(char **args, int count, int *used_out)
{
	char typed[64];

	for (int words = 2; words >= 1; words--) {
		if (count < words)
			continue;
		(void)snprintf(typed, sizeof(typed), words == 2 ? "%s %s" : "%s", args[0],
			words == 2 ? args[1] : "");
		for (size_t i = 0; i < COUNT_OF(verbs); i++) {
			if (strcmp(verbs[i].words, typed) == 0) {
				*used_out = words;
				return &verbs[i];
			}
		}
	}
	return NULL;
}

static int
run(struct call *call, const char *directory, char **args, int count)
{
	int used = 0, r;
	const struct verb *verb = find_verb(args, count, &used);

	if (verb == NULL || count - used < verb->least || count - used > verb->most)
		return usage();
	call->args = args + used;
	call->count = count - used;
	if (control_connect(&call->control, directory) < 0)
		return EXIT_FAILURE;
	r = verb->run(call);
	control_close(&call->control);
	return r;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ 0 },
	};
	struct call call = { 0 };
	const char *directory = "/var/lib/kith";
	int c;

	while ((c = getopt_long(argc, argv, "d:jh", longs, NULL)) != -1) {
		switch (c) {
		case 'd':
			directory = optarg;
			break;
		case 'j':
			call.json = true;
			break;
		case 'v':
			(void)printf("kithctl " KITH_VERSION "\n");
			return EXIT_SUCCESS;
		default:
			return c == 'h' ? (usage(), EXIT_SUCCESS) : EXIT_USAGE;
		}
	}
	return run(&call, directory, argv + optind, argc - optind);
}
