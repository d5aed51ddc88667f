/*
 * A client's way from connect to bound and available, and out again. As a state machine over a
 * conn; what happens afterwards is the job's business (crew.h).
 */
#ifndef TOOLS_KITH_LOAD_SESSION_H
#define TOOLS_KITH_LOAD_SESSION_H

#include "tools/kith-load/conn.h"

struct crew;
struct sign_in;

enum phase {
	PHASE_NEW,
	PHASE_CONNECT,
	PHASE_PAIR,     /* waits for bench/relay to find the partner */
	PHASE_FEATURES, /* stream header sent */
	PHASE_STARTTLS,
	PHASE_SASL,
	PHASE_BIND,
	PHASE_ROSTER, /* asked for, if at all */
	PHASE_READY,
	PHASE_LEAVING,
	PHASE_LEFT,
};

struct session {
	struct conn conn;
	struct crew *crew;
	unsigned number; /* position in the crew */
	enum phase phase;
	bool signed_in;
	struct sign_in *sign_in; /* only during SASL */
	char *jid;               /* full JID once bound; our own */
	uint64_t began_ns;       /* when it began to connect */
	uint64_t mark;           /* the job's */
};

/* Begins to sign in. The crew hears of the end by session_ready() or crew_fail(). */
void session_begin(struct session *s, struct crew *crew, unsigned number);

/* Ends the stream and waits for the server to do so as well. */
void session_leave(struct session *s);

/* Sends XML, or whatever the relay should carry. */
static inline void
session_send(struct session *s, struct slice bytes)
{
	conn_send(&s->conn, bytes);
}

/* Closes without a word and frees; for every session at the end. */
void session_drop(struct session *s);

/* For messages: what the session waits for. */
const char *phase_name(enum phase phase);

#endif
