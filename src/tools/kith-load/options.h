/* What the command line asked for. Read-only after options_parse. */
#ifndef TOOLS_KITH_LOAD_OPTIONS_H
#define TOOLS_KITH_LOAD_OPTIONS_H

#include "proto/sasl.h"
#include "tools/kith-load/proc.h"

#include <sys/socket.h>

enum tls_kind { TLS_NONE, TLS_STARTTLS, TLS_DIRECT };

/* How far a connection goes before it counts as ready. */
enum depth {
	DEPTH_SESSION,   /* signed in and bound */
	DEPTH_PAIRED,    /* bench/relay has joined it to its partner */
	DEPTH_CONNECTED, /* TCP, and TLS if asked for; the server closes it */
};

struct options {
	const char *mode;
	struct sockaddr_storage address;
	socklen_t address_len;
	const char *host, *domain, *user_prefix, *password;
	unsigned port;
	enum tls_kind tls;
	enum sasl_mechanism mechanism; /* PLAIN or SCRAM without channel binding */
	enum depth depth;
	const char *ca; /* NULL: the server's certificate is not checked */
	unsigned count, accounts, first_account, concurrency;
	unsigned body_bytes, rate, updates, messages;
	unsigned roster_items; /* of each account, if asks_roster */
	unsigned warmup_ms, duration_ms, timeout_ms;
	bool presence, asks_roster;
	struct proc_list procs;
	char **command; /* what follows "--", NULL-terminated */
};

/* Ends the process with a message and status 2 when the command line makes no sense. */
struct options options_parse(int argc, char **argv);

#endif
