/*
 * A listening socket of one loop. Loops listen on one port together (SO_REUSEPORT) and the
 * kernel spreads the connections. Accepting has a budget per turn and per second; without file
 * descriptors it pauses instead of spinning.
 */
#ifndef IO_LISTENER_H
#define IO_LISTENER_H

#include "io/conn.h"

struct inherited;
struct listener;

struct listener_config {
	const char *address; /* "::", "0.0.0.0", "127.0.0.1"; a path when it begins with '/' */
	uint16_t port;       /* 0: the kernel picks one */
	struct inherited *inherited; /* sockets that may be there already; NULL: none are */
	uint32_t accepts_per_second; /* 0: no limit */
	struct tls_context *tls;     /* not NULL: TLS from the first byte */
	const char *const
		*proxies; /* addresses that send a PROXY header; NULL at the end, or NULL */
	/* A connection came; sets its handler, or aborts it. */
	void (*accepted)(struct listener *listener, struct conn *conn, void *arg);
	/* Accepting is paused because there are no file descriptors; once per pause; may be NULL.
	 */
	void (*exhausted)(struct listener *listener, void *arg);
	void *arg;
};

/* 0, or a negative errno. The config is copied; what it points to must outlive the listener. */
int listener_create(
	struct loop *loop, const struct listener_config *config, struct listener **listener_out);
void listener_destroy(struct listener **listener);

/* Its socket, which stays its own. */
int listener_fd(const struct listener *listener);

/* The port that was picked. */
uint16_t listener_port(const struct listener *listener);

/* For connections from now on; see listener_config. */
void listener_adjust(
	struct listener *listener, uint32_t accepts_per_second, const char *const *proxies);

#endif
