/* Runs the steps of one scenario file; see kith-script(1) for the language. */
#ifndef TOOLS_KITH_SCRIPT_SCRIPT_H
#define TOOLS_KITH_SCRIPT_SCRIPT_H

#include "tools/kith-script/client.h"
#include "tools/kith-script/match.h"
#include "tools/kith-script/server.h"

enum { CLIENTS_MOST = 32 };

struct script {
	const char *path;
	const char *ca;        /* NULL: the system's */
	struct server *server; /* NULL: one that runs already */
	struct world world;
	struct client *clients[CLIENTS_MOST];
	size_t client_count;
	struct variables vars;
	unsigned line; /* of the step that runs */
	unsigned barriers;
};

/* One statement: its first line's number, and its lines in one. Owned by the list. */
struct statement {
	unsigned line;
	char *text;
};

/* Reads the file. The number of statements, or -1 and errno. */
int script_read(const char *path, struct statement **list_out);
void script_free(struct statement *list, size_t count);

/* Connects to the world's port anew. 0, or -1 and the reason was printed. */
int script_meet_server(struct script *script);

/* 0, or -1 and the reason was printed. */
int script_run(struct script *script, const struct statement *list, size_t count);

void script_finish(struct script *script);

/* For steps: prints file:line and the message. Returns -1. */
int script_fail(const struct script *script, const char *format, ...) PRINTF_LIKE(2, 3);

/* Turns the loop until done(client) or five seconds have passed. */
bool script_wait(struct script *script, bool (*done)(struct client *), struct client *client);

/* The waits and comparisons of the verbs: 0 or -1. */
int step_receive(struct script *script, struct client *client, struct slice expected);
int step_receive_nothing(struct script *script, struct client *client);

#endif
