/* kithctl: administration from the shell, over the Unix socket of a running server. */
#include "tools/kithctl/verbs.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>

static void
print_help(FILE *out)
{
	(void)fprintf(
		out, "usage: kithctl [--json] [--dir DIR] COMMAND [ARGUMENT]...\n\ncommands:\n");
	for (const struct verb *verb = verbs; verb->words != NULL; verb++)
		(void)fprintf(out, "  %-15s %-20s %s\n", verb->words, verb->args, verb->about);
	(void)fprintf(out,
		"\nADDRESS is one as a@example.org, or only the name when the server has "
		"one domain.\nkithctl(1) tells more.\n");
}

/* The part of kithctl(1) that lists the commands, in scdoc's markup. */
static void
print_manual(FILE *out)
{
	for (const struct verb *verb = verbs; verb->words != NULL; verb++) {
		(void)fprintf(out, "*%s*%s", verb->words, verb->args[0] == '\0' ? "" : " ");
		for (const char *at = verb->args; *at != '\0'; at++)
			(void)fprintf(out, strchr("[]_*", *at) != NULL ? "\\%c" : "%c", *at);
		(void)fprintf(out, "\n\t%c%s.%s%s\n\n", toupper((unsigned char)verb->about[0]),
			verb->about + 1, verb->more == NULL ? "" : " ",
			verb->more == NULL ? "" : verb->more);
	}
}

static int
misused(const char *text, const char *what)
{
	(void)fprintf(stderr, "kithctl: %s%s%s; kithctl --help lists the commands\n", text,
		what == NULL ? "" : " ", what == NULL ? "" : what);
	return EXIT_USAGE;
}

/* How many of the arguments are the verb's words; 0: they are others. */
static int
matches(const struct verb *verb, char **args, int count)
{
	const char *at = verb->words;

	for (int used = 0; used < count; used++) {
		size_t len = strcspn(at, " ");

		if (strlen(args[used]) != len || memcmp(args[used], at, len) != 0)
			return 0;
		if (at[len] == '\0')
			return used + 1;
		at += len + 1;
	}
	return 0;
}

/* The verb that the arguments begin with, and how many of them are its words. */
static const struct verb *
find_verb(char **args, int count, int *used_out)
{
	for (const struct verb *verb = verbs; verb->words != NULL; verb++) {
		*used_out = matches(verb, args, count);
		if (*used_out > 0)
			return verb;
	}
	return NULL;
}

/* The request with the arguments as they are. */
static int
ask_as_typed(struct call *call)
{
	const char *words[ARGS_MOST + 2] = { call->verb->request };
	size_t count = 1;

	for (int i = 0; i < call->count; i++)
		words[count++] = call->args[i];
	if (call->host != NULL)
		words[count++] = call->host;
	return ask(call, words, count);
}

static int
run(struct call *call, char **args, int count)
{
	int used = 0, status;

	if (count == 0)
		return misused("which command?", NULL);
	call->verb = find_verb(args, count, &used);
	if (call->verb == NULL)
		return misused("there is no command", args[0]);
	call->args = args + used;
	call->count = count - used;
	if (call->count < call->verb->least || call->count > call->verb->most) {
		(void)fprintf(stderr, "usage: kithctl %s%s%s\n", call->verb->words,
			call->verb->args[0] == '\0' ? "" : " ", call->verb->args);
		return EXIT_USAGE;
	}
	if (call->host != NULL && !call->verb->takes_host)
		return misused("--host means nothing to", call->verb->words);
	if (call->verb->needs_no_server) {
		status = call->verb->run(call);
	} else {
		if (control_connect(&call->control, call->directory, true) < 0)
			return EXIT_FAILURE;
		status = call->verb->run == NULL ? ask_as_typed(call) : call->verb->run(call);
		control_close(&call->control);
	}
	if (fflush(stdout) != 0) {
		perror("kithctl: the answer could not be written");
		status = EXIT_FAILURE;
	}
	return status;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "host", required_argument, NULL, 'H' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ "dump-man-commands", no_argument, NULL, 'm' },
		{ "completion", required_argument, NULL, 's' },
		{ "complete", no_argument, NULL, 'c' },
		{ 0 },
	};
	struct call call = { .directory = "/var/lib/kith" };
	int c;

	while ((c = getopt_long(argc, argv, "d:jh", longs, NULL)) != -1) {
		switch (c) {
		case 'd':
			call.directory = optarg;
			break;
		case 'H':
			call.host = optarg;
			break;
		case 'j':
			call.json = true;
			break;
		case 'v':
			(void)printf("kithctl " KITH_VERSION "\n");
			return EXIT_SUCCESS;
		case 'h':
			print_help(stdout);
			return EXIT_SUCCESS;
		case 's':
			return print_completion(optarg);
		case 'c': /* behind "--" is somebody's half a command line */
			optind += optind < argc;
			return complete(call.directory, argv + optind, argc - optind);
		case 'm':
			print_manual(stdout);
			return EXIT_SUCCESS;
		default:
			return EXIT_USAGE;
		}
	}
	return run(&call, argv + optind, argc - optind);
}
