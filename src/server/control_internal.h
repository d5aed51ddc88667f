/* What the socket (control.c) and the commands on it (control_commands.c) share. */
#ifndef SERVER_CONTROL_INTERNAL_H
#define SERVER_CONTROL_INTERNAL_H

#include "base/list.h"
#include "io/conn.h"
#include "proto/jid.h"
#include "server/control.h"

struct shard;

enum { WORDS_MOST = 4 };

/* A request from its line to its answer. Commands end it by control_ok or control_error. */
struct control_request {
	struct list link;              /* in control_client.requests */
	struct control_client *client; /* NULL: the client is gone */
	struct shard *shard;
	struct arena arena;
	struct slice words[WORDS_MOST];
	size_t count;
	struct buffer answer;
	bool is_done;
	struct jid jid;
};

void control_ok(struct control_request *request);
void control_error(struct control_request *request, const char *text);

struct control_verb {
	const char *name;
	size_t words; /* with the verb itself */
	void (*run)(struct control_request *request);
};

extern const struct control_verb control_verbs[]; /* name NULL at the end */

#endif
