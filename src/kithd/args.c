/* Reading the command line with getopt. */
#include "kithd/args.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2, PORT_BASE_MOST = 65000 };

static void
add(struct arena *arena, struct arg_list *list, const char *text)
{
	const char **longer = arena_array(arena, list->count + 1, const char *);

	if (list->count > 0)
		memcpy(longer, list->v, list->count * sizeof(*longer));
	longer[list->count++] = text;
	list->v = longer;
}

static int
usage(FILE *out)
{
	(void)fputs(
		"usage: kithd --try [OPTIONS]      a throwaway server on loopback\n"
		"       kithd --config FILE        a server as the file says\n"
		"\n"
		"  --domain D          --try: serve this domain (may repeat)\n"
		"  --dir DIR           --try: keep the data there; without it they are removed\n"
		"  --port-base N       --try: use the ports from N up; without it free ones\n"
		"  --user NAME:PASS    --try: add this account (may repeat)\n"
		"  --set KEY=VALUE     set any option (may repeat)\n"
		"  --check             read the configuration, say what is wrong, and end\n"
		"  --dump-defaults     print a configuration with all defaults\n"
		"  --dump-xeps         print the XEPs of this server, as docs/xeps.md\n"
		"  --dump-man-options  print the options for kithd.conf(5)\n"
		"  --explain pipeline  print the points that stanzas pass, and the modules there\n"
		"  --version\n",
		out);
	return out == stdout ? EXIT_SUCCESS : EXIT_USAGE;
}

int
args_usage(void)
{
	return usage(stderr);
}

enum { OPT_TRY = 256, OPT_DUMP, OPT_MAN, OPT_XEPS, OPT_CHECK, OPT_EXPLAIN, OPT_VERSION, OPT_HELP };

static const struct option longs[] = {
	{ "try", no_argument, NULL, OPT_TRY },
	{ "config", required_argument, NULL, 'c' },
	{ "domain", required_argument, NULL, 'd' },
	{ "dir", required_argument, NULL, 'D' },
	{ "port-base", required_argument, NULL, 'p' },
	{ "user", required_argument, NULL, 'u' },
	{ "set", required_argument, NULL, 's' },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "dump-defaults", no_argument, NULL, OPT_DUMP },
	{ "dump-man-options", no_argument, NULL, OPT_MAN },
	{ "dump-xeps", no_argument, NULL, OPT_XEPS },
	{ "explain", required_argument, NULL, OPT_EXPLAIN },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

static bool
take_port(struct args *args, const char *text)
{
	uint64_t port;

	if (slice_to_uint(slice_of(text), PORT_BASE_MOST, &port) < 0)
		return false;
	args->port_base = (unsigned)port;
	return true;
}

/* -1: go on; else the exit status. */
static int
take_option(struct args *args, struct arena *arena, int c)
{
	switch (c) {
	case OPT_TRY:
		args->is_try = true;
		return -1;
	case 'c':
		args->config_path = optarg;
		return -1;
	case 'd':
		add(arena, &args->domains, optarg);
		return -1;
	case 'D':
		args->directory = optarg;
		return -1;
	case 'p':
		return take_port(args, optarg) ? -1 : usage(stderr);
	case 'u':
		add(arena, &args->users, optarg);
		return -1;
	case 's':
		add(arena, &args->sets, optarg);
		return -1;
	case OPT_CHECK:
		args->mode = MODE_CHECK;
		return -1;
	case OPT_DUMP:
		args->mode = MODE_DUMP_DEFAULTS;
		return -1;
	case OPT_MAN:
		args->mode = MODE_DUMP_MANUAL;
		return -1;
	case OPT_XEPS:
		args->mode = MODE_DUMP_XEPS;
		return -1;
	case OPT_EXPLAIN:
		args->mode = MODE_EXPLAIN;
		return strcmp(optarg, "pipeline") == 0 ? -1 : usage(stderr);
	case OPT_VERSION:
		(void)printf("kithd " KITH_VERSION "\n");
		return EXIT_SUCCESS;
	case OPT_HELP:
		return usage(stdout);
	default:
		return usage(stderr);
	}
}

int
args_read(struct args *args, struct arena *arena, int argc, char **argv)
{
	int c, status = -1;

	while (status < 0 && (c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		status = take_option(args, arena, c);
	if (status < 0 && optind < argc)
		status = usage(stderr);
	return status;
}
