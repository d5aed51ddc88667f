/* The simulation's sockets and its choices, as sim.c and sim_socket.c see them. */
#ifndef IO_SIM_INTERNAL_H
#define IO_SIM_INTERNAL_H

#include "base/buffer.h"
#include "io/loop_internal.h"
#include "io/sim.h"

enum ending { OPEN, ENDED, RESET };

struct sim_socket {
	int fd;
	struct loop *loop;   /* that waits for it; NULL: none */
	struct watch *watch; /* what it tells */
	uint32_t events;     /* EPOLLIN, EPOLLOUT */
	/* Of a stream. */
	struct sim_socket *peer; /* NULL: closed */
	struct buffer flight;    /* sent by the peer, on its way */
	struct buffer inbox;     /* arrived */
	enum ending sent, seen;  /* what comes after the bytes in flight; and after the inbox */
	uint16_t peer_port;
	/* Of a listener. */
	bool is_listener;
	sa_family_t family;
	uint16_t port;
	int *waiting; /* that connected, not accepted yet */
	size_t waiting_count;
};

struct sim {
	uint64_t random, trace;
	uint64_t now_ms;
	size_t segment;
	struct list loops; // loop.sim_link
	struct sim_socket **sockets;
	size_t socket_count;
	uint16_t next_port;
};

/* A number below most, which is not 0; it becomes part of the trace. */
size_t sim_choose(struct sim *sim, size_t most);

/* EPOLLIN and so on: what the socket's watch would be told now. */
uint32_t sim_socket_events(const struct sim_socket *socket);
/* Whether something is on its way to the socket; and lets it arrive, or a piece of it. */
bool sim_socket_expects(const struct sim_socket *socket);
void sim_socket_arrive(struct sim *sim, struct sim_socket *socket);
/* NULL: closed. */
struct sim_socket *sim_socket_of(const struct sim *sim, int fd);
void sim_socket_free(struct sim *sim, struct sim_socket *socket);

/* What a socket is asked by loops, listeners and connections. */
int sim_watch(struct loop *loop, struct watch *watch, uint32_t events);
void sim_rewatch(struct loop *loop, struct watch *watch, uint32_t events);
void sim_unwatch(struct loop *loop, struct watch *watch);
int sim_listen(struct loop *loop, const struct sockaddr *address, socklen_t size);
uint16_t sim_port(struct loop *loop, int fd);
int sim_accept(struct loop *loop, int fd, struct sockaddr *from, socklen_t *size);
int sim_connect(struct loop *loop, const struct sockaddr *to, socklen_t size);
ssize_t sim_receive(struct loop *loop, int fd, void *out, size_t size, bool peek);
ssize_t sim_send(struct loop *loop, int fd, const void *bytes, size_t size);
void sim_close(struct loop *loop, int fd);
void sim_set_dead_after(struct loop *loop, int fd, unsigned ms);
int sim_highest_fd(void);

#endif
