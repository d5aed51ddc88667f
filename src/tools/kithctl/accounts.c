/* The verbs that send passwords: one that is typed, or a file of them. */
#include "tools/kithctl/verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { IMPORT_WINDOW = 256 };

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
with_password(struct call *call)
{
	char *typed = call->count > 1 ? NULL : read_password(call->args[0]);
	const char *password = call->count > 1 ? call->args[1] : typed;
	int r = EXIT_FAILURE;

	if (password != NULL)
		r = ask(call, (const char *const[]){ call->verb->request, call->args[0], password },
			3);
	free(typed);
	return r;
}

int
user_add(struct call *call)
{
	return with_password(call);
}

int
user_passwd(struct call *call)
{
	return with_password(call);
}

struct import {
	unsigned long sent, answered, refused;
	unsigned long malformed; /* lines that were not sent */
};

static int
take_import_answer(struct call *call, struct import *import)
{
	struct answer answer;
	int r = control_answer(&call->control, &answer);

	if (r == 0)
		import->answered++;
	if (r == 0 && answer.error != NULL) {
		import->refused++;
		(void)fprintf(stderr, "kithctl: account %lu: %s\n", import->answered, answer.error);
	}
	answer_finish(&answer);
	return r;
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

/* How many failed. */
static unsigned long
report(const struct call *call, const struct import *import)
{
	unsigned long failed = import->sent - import->answered + import->refused +
			       import->malformed;

	(void)printf(call->json ? "{\"imported\":%lu,\"failed\":%lu}\n"
				: "%lu accounts imported, %lu failed\n",
		import->answered - import->refused, failed);
	return failed;
}

int
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
	return report(call, &import) == 0 && r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
