/* kith-script: the command line, and what a scenario needs around it. */
#include "tools/kith-script/script.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { USERS_MOST = 16 };

struct choices {
	struct server server;
	char *users[USERS_MOST];
	size_t user_count;
	bool starts_server;
};

static const struct option longs[] = {
	{ "kithd", required_argument, NULL, 'k' },
	{ "dir", required_argument, NULL, 'D' },
	{ "set", required_argument, NULL, 's' },
	{ "port", required_argument, NULL, 'p' },
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
		"  --port N          a server that runs on this machine already\n"
		"  --domain D        its domain (localhost)\n"
		"  --ca FILE         whom to trust\n"
		"  --password P      of all users (secret)\n");
	return out == stdout ? 0 : 2;
}

static void
add(struct server *server, const char *option, const char *value)
{
	if (server->count + 3 > SERVER_ARGS_MOST)
		die("too many options for the server");
	server->args[server->count++] = option;
	server->args[server->count++] = value;
}

/* "users juliet, romeo": accounts of the server that is started. */
static void
add_users(struct choices *choices, const char *text, const char *password)
{
	char *copy = xstrndup(text, strlen(text)), *state = NULL;

	(void)strtok_r(copy, " ,\t\n", &state);
	for (char *user = strtok_r(NULL, " ,\t\n", &state);
		user != NULL && choices->user_count < USERS_MOST;
		user = strtok_r(NULL, " ,\t\n", &state)) {
		char **made = &choices->users[choices->user_count++];

		if (asprintf(made, "%s:%s", user, password) < 0)
			die("out of memory");
		add(&choices->server, "--user", *made);
	}
	free(copy);
}

static int
parse(int argc, char **argv, struct choices *choices, struct script *script)
{
	struct server *server = &choices->server;
	int c;

	server->args[1] = "--try";
	server->count = 2;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'k':
			server->args[0] = optarg;
			choices->starts_server = true;
			break;
		case 'D':
			add(server, "--dir", optarg);
			break;
		case 's':
			add(server, "--set", optarg);
			break;
		case 'p':
			script->world.port = (unsigned)strtoul(optarg, NULL, 10);
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

static int
run(struct choices *choices, struct script *script)
{
	struct statement *list;
	int count = script_read(script->path, &list);

	if (count < 0) {
		(void)fprintf(stderr, "%s: %s\n", script->path, strerror(errno));
		return 1;
	}
	choices->server.lasting = choices->server.count;
	for (int i = 0; i < count; i++) {
		if (strncmp(list[i].text, "users ", 6) == 0)
			add_users(choices, list[i].text, script->world.password);
	}
	script->server = choices->starts_server ? &choices->server : NULL;
	int r = script_meet_server(script);
	if (r == 0)
		r = script_run(script, list, (size_t)count);
	script_finish(script);
	script_free(list, (size_t)count);
	if (server_stop(&choices->server) < 0)
		r = script_fail(script, "the server did not end well");
	return r == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct choices choices = { 0 };
	struct script script = { .world = { .domain = "localhost", .password = "secret" } };
	int r = parse(argc, argv, &choices, &script);

	if (r >= 0)
		return r;
	(void)signal(SIGPIPE, SIG_IGN);
	script.path = argv[optind];
	script.world.loop = loop_create();
	if (script.world.loop == NULL)
		die("no event loop: %s", strerror(errno));
	script.world.names = names_create();
	script.world.sasl = sasl_context_create();
	r = run(&choices, &script);
	loop_destroy(&script.world.loop);
	names_destroy(&script.world.names);
	sasl_context_destroy(&script.world.sasl);
	for (size_t i = 0; i < choices.user_count; i++)
		free(choices.users[i]);
	return r;
}
