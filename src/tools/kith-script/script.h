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

/* A session in place of an older one of its name; it begins to connect. NULL: too many, printed. */
struct client *script_add_client(struct script *script, const struct client_wish *wish);

/* Looks the world's host up. 0, or -1 and the reason was printed. */
int script_find_host(struct script *script);

/* Prints what the session received and nobody has taken. */
void script_print_inbox(const struct client *client);

/* Turns the loop until done(client) or five seconds have passed. */
bool script_wait(struct script *script, bool (*done)(struct client *), struct client *client);

/* The verbs that wait: 0 or -1. */
int step_connect(struct script *script, struct slice name, struct slice rest);
int step_fail_to_connect(struct script *script, struct slice name, struct slice rest);
int step_receive(struct script *script, struct client *client, struct slice expected);
int step_receive_next(struct script *script, struct client *client, struct slice expected);
int step_receive_nothing(struct script *script, struct client *client);
int step_receive_end(struct script *script, struct client *client);
/* All that the server had for the session, because of what it sent, is in its inbox. */
int step_settle(struct script *script, struct client *client);

#endif
