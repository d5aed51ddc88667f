/*
 * One session of a scenario: connects, does TLS and SASL, binds, and keeps what came until a step
 * asks for it. All run on one loop, which the steps turn.
 */
#ifndef TOOLS_KITH_SCRIPT_CLIENT_H
#define TOOLS_KITH_SCRIPT_CLIENT_H

#include "io/tls.h"
#include "proto/sasl_client.h"
#include "proto/stream.h"

/* What all sessions share. */
struct world {
	struct loop *loop;
	struct names *names;
	struct tls_context *tls;
	struct sasl_context *sasl;
	const char *domain, *password;
	unsigned port;
};

enum client_state { CLIENT_SIGNING_IN, CLIENT_READY, CLIENT_ENDED };

struct client {
	const struct world *world;
	char *name, *user, *resource; /* resource "": the server's choice */
	unsigned allowed;             /* SASL_BIT()s; 0: all */
	bool stops_at_bind;
	struct conn *conn; /* NULL: ended */
	struct stream stream;
	struct xml_tokens tokens;
	struct arena arena, sasl_arena;
	struct sasl_client *sasl;
	enum client_state state;
	char *full; /* the address, when bound */
	char *why;  /* why it ended, or NULL */
	char **inbox;
	size_t inbox_count;
	char **ignored; /* patterns of what never counts */
	size_t ignored_count;
};

/* Begins to connect to the world's port. */
struct client *client_create(const struct world *world, struct slice name, struct slice user,
	struct slice resource, unsigned allowed, bool stops_at_bind);
/* Closes at once. Sets *client to NULL; NULL is fine. */
void client_destroy(struct client **client);

void client_send(struct client *client, struct slice bytes);
void client_ignore(struct client *client, struct slice pattern);
void client_drop(struct client *client, size_t number);
/* Ends the stream in order; the state is CLIENT_ENDED when the server has ended it too. */
void client_leave(struct client *client);

#endif
