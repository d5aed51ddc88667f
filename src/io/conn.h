/*
 * A connection: a byte stream, plain or TLS, that belongs to one loop at a time and moves
 * between loops when its owner says so. At rest it has no buffers. What is written in one turn
 * leaves in one piece at the turn's end.
 *
 * The owner hears of it by a handler. Handlers may write, close and change the handler; nothing
 * calls a handler back from within these.
 */
#ifndef IO_CONN_H
#define IO_CONN_H

#include "base/buffer.h"
#include "io/loop.h"

#include <netinet/in.h>

struct conn;
struct tls_context;

struct conn_handler {
	/*
	 * Bytes came. Returns how many of them are done with; the rest is kept and given again,
	 * in one piece with what comes next, or after conn_resume.
	 */
	size_t (*input)(struct conn *conn, struct slice bytes);
	/*
	 * The connection ended (why: 0 for an orderly end, or an errno). It is gone when this
	 * returns. Not called after conn_close and conn_abort.
	 */
	void (*closed)(struct conn *conn, int why);
	/* The output fell below the low mark after it was above the limit; may be NULL. */
	void (*drained)(struct conn *conn);
	/* The TLS handshake is done; may be NULL. */
	void (*secured)(struct conn *conn);
	/* Input may come as early data of TLS (io/tls.h); else that waits for the handshake. */
	bool takes_early;
};

/* Who is on the other side: an IPv6 address, or an IPv4 one mapped into it. */
struct peer {
	struct in6_addr address;
	uint16_t port;
};

enum { PEER_TEXT = 64 };
/* "192.0.2.1" or "2001:db8::1" and a NUL. */
void peer_write(const struct peer *peer, char out[PEER_TEXT]);

void *conn_owner(const struct conn *conn);
void conn_set_handler(struct conn *conn, const struct conn_handler *handler, void *owner);
struct loop *conn_loop(const struct conn *conn);
const struct peer *conn_peer(const struct conn *conn);

/*
 * The output: append to it. It is sent at the end of the turn. Its limit is that of
 * conn_set_limit; what passes it is refused and marked as overflowed.
 */
struct buffer *conn_output(struct conn *conn);
void conn_write(struct conn *conn, struct slice bytes);

/* Bytes that wait to be sent, and whether they are more than the full mark. */
size_t conn_pending(const struct conn *conn);
bool conn_is_full(const struct conn *conn);
/* full: from there on producers should pause; most: what is beyond is refused. */
void conn_set_limit(struct conn *conn, size_t full, size_t most);

/* Bytes that it holds beside what TLS does; input and output 0: at rest. */
struct conn_memory {
	size_t own, input, output;
};
void conn_memory(const struct conn *conn, struct conn_memory *out);

/* Stops reading; reads on, beginning with what was left. */
void conn_pause(struct conn *conn);
void conn_resume(struct conn *conn);

/* Gives what the owner left once more in this turn, for a handler that was just set. */
void conn_feed(struct conn *conn);

/*
 * Sends what is pending, then closes; at the latest after five seconds, and at once when a TLS
 * handshake is not over. The owner is let go.
 */
void conn_close(struct conn *conn);

/*
 * The same, but the other side closes first, if it does so in time: a socket that is closed while
 * it still sends would be reset, and what we said last may then be lost to it.
 */
void conn_close_after(struct conn *conn);

/* Closes at once. The owner is let go. */
void conn_abort(struct conn *conn);

/*
 * Takes the connection off its loop, with its TLS state and everything unread and unsent; then
 * conn_attach on the other loop's thread puts it there. conn_attach reads on by itself. Never
 * from within the connection's own input handler: post a task to its loop first.
 */
void conn_detach(struct conn *conn);
void conn_attach(struct conn *conn, struct loop *loop);

/*
 * Begins TLS. Server: right after the bytes that asked for it, which must have been the last.
 * What is pending is sent before in the clear. domain: for the choice of certificate when the
 * client names none (server), or the name to verify (client).
 */
void conn_start_tls(
	struct conn *conn, struct tls_context *context, bool is_server, const char *domain);
bool conn_is_tls(const struct conn *conn);
/* The same, and its handshake is done. */
bool conn_is_secured(const struct conn *conn);

/* Whether the kernel keeps the connection when nothing is acknowledged: TCP_USER_TIMEOUT. */
void conn_set_dead_after(struct conn *conn, unsigned ms);

/* Connects; the handler hears of the end, or of input. NULL and errno when it cannot begin. */
struct conn *conn_connect(struct loop *loop, const struct sockaddr *address, socklen_t size,
	const struct conn_handler *handler, void *owner);

#endif
