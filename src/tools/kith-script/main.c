/* kith-script: the command line, and what a scenario needs around it. */
#include "tools/kith-script/kithd.h"
#include "tools/kith-script/script.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct choices {
	struct kithd kithd;
	bool starts_server;
};

static const struct option longs[] = {
	{ "kithd", required_argument, NULL, 'k' },
	{ "dir", required_argument, NULL, 'D' },
	{ "set", required_argument, NULL, 's' },
	{ "host", required_argument, NULL, 'H' },
	{ "port", required_argument, NULL, 'p' },
	{ "tls-port", required_argument, NULL, 't' },
	{ "domain", required_argument, NULL, 'd' },
	{ "ca", required_argument, NULL, 'c' },
	{ "password", required_argument, NULL, 'w' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int
usage(FILE *out)
{
	(void)fprintf(out,
		"usage: kith-script [OPTIONS] FILE\n\n"
		"  --kithd PATH      start this kithd --try, with the users of the file\n"
		"  --dir DIR         its folder\n"
		"  --set KEY=VALUE   an option for it (may repeat)\n"
		"  --port N          a server that runs already\n"
		"  --tls-port N      its port for TLS from the first byte\n"
		"  --host HOST       where it runs, a name or an address (127.0.0.1)\n"
		"  --domain D        its domain (localhost)\n"
		"  --ca FILE         whom to trust\n"
		"  --password P      of all users (secret)\n");
	return out == stdout ? 0 : 2;
}

static int
parse(int argc, char **argv, struct choices *choices, struct script *script)
{
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'k':
			choices->kithd.path = optarg;
			choices->starts_server = true;
			break;
		case 'D':
			kithd_add(&choices->kithd, "--dir", optarg);
			break;
		case 's':
			kithd_add(&choices->kithd, "--set", optarg);
			break;
		case 'H':
			script->world.host = optarg;
			break;
		case 'p':
			script->world.port = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 't':
			script->world.tls_port = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'd':
			script->world.domain = optarg;
			break;
		case 'c':
			script->ca = optarg;
			break;
		case 'w':
			script->world.password = optarg;
			break;
		case 'h':
			return usage(stdout);
		default:
			return usage(stderr);
		}
	}
	return optind + 1 == argc ? -1 : usage(stderr);
}

int
main(int argc, char **argv)
{
	struct choices choices = { 0 };
	struct script script = { .world = { .domain = "localhost", .password = "secret" } };
	int r;

	kithd_init(&choices.kithd, NULL);
	r = parse(argc, argv, &choices, &script);
	if (r >= 0)
		return r;
	if (choices.starts_server)
		script.target = &choices.kithd.target;
	(void)signal(SIGPIPE, SIG_IGN);
	script.world.loop = loop_create();
	if (script.world.loop == NULL)
		die("no event loop: %s", strerror(errno));
	script.world.names = names_create();
	script.world.sasl = sasl_context_create();
	r = script_run_file(&script, argv[optind]) == 0 ? 0 : 1;
	loop_destroy(&script.world.loop);
	names_destroy(&script.world.names);
	sasl_context_destroy(&script.world.sasl);
	return r;
}
