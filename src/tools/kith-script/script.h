/* Runs the steps of one scenario file; see kith-script(1) for the language. */
#ifndef TOOLS_KITH_SCRIPT_SCRIPT_H
#define TOOLS_KITH_SCRIPT_SCRIPT_H

#include "tools/kith-script/client.h"
#include "tools/kith-script/match.h"
#include "tools/kith-script/target.h"

enum { CLIENTS_MOST = 32 };

struct script {
	const char *path;
	const char *ca;        /* NULL: the system's */
	struct target *target; /* NULL: one that runs already */
	struct needs needs;
	struct world world;
	struct client *clients[CLIENTS_MOST];
	size_t client_count;
	struct variables vars;
	unsigned line; /* of the step that runs */
	unsigned barriers;
};

/*
 * Starts the target, runs the file's steps, stops the target. 0, or -1 and the reason was printed.
 * The script can be used again.
 */
int script_run_file(struct script *script, const char *path);

/* For steps: prints file:line and the message. Returns -1. */
int script_fail(const struct script *script, const char *format, ...) PRINTF_LIKE(2, 3);

/* Turns the loop until done(client) or five seconds have passed. */
bool script_wait(struct script *script, bool (*done)(struct client *), struct client *client);

/* The waits and comparisons of the verbs: 0 or -1. */
int step_receive(struct script *script, struct client *client, struct slice expected);
int step_receive_nothing(struct script *script, struct client *client);

#endif
