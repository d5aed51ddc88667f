/*
 * One session of a scenario: connects, does TLS and SASL, binds, and keeps what came until a step
 * asks for it. All run on one loop, which the steps turn.
 */
#ifndef TOOLS_KITH_SCRIPT_CLIENT_H
#define TOOLS_KITH_SCRIPT_CLIENT_H

#include "io/tls.h"
#include "proto/sasl_client.h"
#include "proto/stream.h"

#include <sys/socket.h>

/* What all sessions share. */
struct world {
	struct loop *loop;
	struct names *names;
	struct tls_context *tls;
	struct sasl_context *sasl;
	const char *domain, *password;
	const char *host;                /* a name or an address; NULL: 127.0.0.1 */
	unsigned port, tls_port;         /* tls_port 0: not known */
	struct sockaddr_storage address; /* of host and port */
	socklen_t address_size;
};

/* How far a client goes by itself; from there on the scenario speaks and hears everything. */
enum client_goal { GOAL_CONNECTED, GOAL_OFFERED, GOAL_ENCRYPTED, GOAL_SIGNED_IN, GOAL_BOUND };

enum client_state {
	CLIENT_SIGNING_IN,
	CLIENT_READY,   /* at its goal */
	CLIENT_REFUSED, /* the server said no and is still there; its answer is in the inbox */
	CLIENT_ENDED,
};

/* What a client is to be; texts are copied. */
struct client_wish {
	struct slice name, user, password;
	struct slice domain;   /* empty: the world's */
	struct slice resource; /* empty: the server's choice */
	struct slice from;     /* the address that a PROXY header tells; empty: no header */
	unsigned allowed;      /* SASL_BIT()s; 0: all */
	bool direct_tls;       /* from the first byte, on the world's TLS port */
	enum client_goal goal;
};

struct client {
	const struct world *world;
	char *name, *user, *domain, *password, *resource;
	unsigned allowed;
	enum client_goal goal;
	struct conn *conn; /* NULL: ended */
	struct stream stream;
	struct xml_tokens tokens;
	struct arena arena, sasl_arena;
	struct sasl_client *sasl;
	enum client_state state;
	bool has_closing_tag; /* the server ended its stream in order */
	bool has_left;        /* the client did, and not by a text of the scenario */
	char *full;           /* the address, when bound */
	char *why;            /* why it ended or was refused, or NULL */
	char **inbox;
	size_t inbox_count;
	char **ignored; /* patterns of what never counts */
	size_t ignored_count;
};

/* Begins to connect to the world's port. */
struct client *client_create(const struct world *world, const struct client_wish *wish);
/* Closes at once. Sets *client to NULL; NULL is fine. */
void client_destroy(struct client **client);

void client_send(struct client *client, struct slice bytes);
void client_ignore(struct client *client, struct slice pattern);
void client_drop(struct client *client, size_t number);
/* What was sent is on its way, and the connection is gone without a word. */
void client_lose(struct client *client);
/* Ends the stream in order; the state is CLIENT_ENDED when the server has ended it too. */
void client_leave(struct client *client);

#endif
