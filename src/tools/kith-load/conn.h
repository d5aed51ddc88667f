/*
 * One connection of the load generator: a socket on an epoll set, plain or under TLS. Bytes that
 * arrive are cut into pieces (cut.h) and handed up whole; bytes to send are written at once, and
 * only what the kernel does not take is kept. One thread.
 */
#ifndef TOOLS_KITH_LOAD_CONN_H
#define TOOLS_KITH_LOAD_CONN_H

#include "base/buffer.h"
#include "tools/kith-load/cut.h"

#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

struct conn;

/* What the owner of a connection wants to hear. The conn may be closed inside of all of them. */
struct conn_owner {
	/* Connected, and under TLS when that was asked for; again after conn_start_tls. */
	void (*opened)(struct conn *c);
	void (*piece)(struct conn *c, enum cut kind, struct slice piece);
	/* The peer or the network ended it; clean: by FIN, under TLS after its close_notify. */
	void (*ended)(struct conn *c, bool clean, const char *why);
};

enum { CONN_READ_BYTES = 65536 };

/* What all connections of a process share. Owned by who runs the loop. */
struct conn_set {
	int epoll;
	SSL_CTX *tls; /* NULL when no connection ever uses TLS */
	const char *server_name;
	uint64_t progress; /* counts events, so that a stall is seen */
	char scratch[CONN_READ_BYTES];
};

struct conn {
	struct conn_set *set;
	const struct conn_owner *owner;
	int fd; /* -1: closed */
	bool connecting, handshaking, writable_wanted;
	SSL *ssl;
	struct buffer in, out;
};

/* Begins to connect. 0, or a negative error and the conn stays closed. */
int conn_open(struct conn *c, struct conn_set *set, const struct conn_owner *owner,
	const struct sockaddr *address, socklen_t address_len, bool tls);

/* Begins a TLS handshake on a plain connection that is open. */
void conn_start_tls(struct conn *c);

/* Sends, or keeps until the kernel takes it. A failure is reported by ended(), later. */
void conn_send(struct conn *c, struct slice bytes);

/* Says close_notify under TLS, closes and frees; no ended(). Closing twice is fine. */
void conn_close(struct conn *c);

static inline bool
conn_is_open(const struct conn *c)
{
	return c->fd >= 0;
}

/* Handles one event of epoll, whose data.ptr is the conn. */
void conn_handle(struct conn *c, uint32_t events);

#endif
