/*
 * Sockets are entries of a table that only grows, so a number never means two of them. What one
 * side sends is in flight until the scheduler lets it arrive; the end of a stream comes behind its
 * bytes.
 */
#include "io/sim.h"

#include "base/buffer.h"
#include "io/conn.h"
#include "io/loop_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum {
	FIRST_FD = 1 << 24, /* no descriptor of the kernel has such a number */
	WINDOW = 64 * 1024, /* bytes of one direction that are sent and not received */
	FIRST_PORT = 1024,
	START_MS = 3600000, /* of the monotonic clock */
};

static const int64_t START_WALL_MS = 1767225600000; /* 2026-01-01T00:00:00Z */

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

/* SplitMix64: any seed is good. */
static uint64_t
draw(struct sim *sim)
{
	uint64_t z = sim->random += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* A number below most, which is not 0; it becomes part of the trace. */
static size_t
choose(struct sim *sim, size_t most)
{
	size_t chosen = (size_t)(draw(sim) % most);

	sim->trace = (sim->trace ^ chosen) * 0x100000001b3u;
	return chosen;
}

static struct sim_socket *
socket_of(const struct sim *sim, int fd)
{
	return sim->sockets[fd - FIRST_FD];
}

static struct sim_socket *
add_socket(struct sim *sim)
{
	struct sim_socket *s = xcalloc(1, sizeof(*s));

	if (sim->socket_count % 64 == 0)
		sim->sockets = xrealloc(
			sim->sockets, size_mul(sim->socket_count + 64, sizeof(*sim->sockets)));
	s->fd = FIRST_FD + (int)sim->socket_count;
	buffer_init(&s->flight, WINDOW);
	buffer_init(&s->inbox, WINDOW);
	sim->sockets[sim->socket_count++] = s;
	return s;
}

static void
free_socket(struct sim *sim, struct sim_socket *s)
{
	sim->sockets[s->fd - FIRST_FD] = NULL;
	buffer_finish(&s->flight);
	buffer_finish(&s->inbox);
	free(s->waiting);
	free(s);
}

static size_t
room_at(const struct sim_socket *s)
{
	return WINDOW - s->flight.len - s->inbox.len;
}

static uint32_t
ready_events(const struct sim_socket *s)
{
	uint32_t events = 0;

	if (s->loop == NULL)
		return 0;
	if (s->is_listener ? s->waiting_count > 0 : s->inbox.len > 0 || s->seen != OPEN)
		events |= EPOLLIN;
	if (!s->is_listener && (s->peer == NULL || room_at(s->peer) > 0))
		events |= EPOLLOUT;
	events &= s->events;
	return s->seen == RESET ? events | EPOLLERR | EPOLLHUP : events;
}

/* Whether something is on its way to the socket. */
static bool
is_expecting(const struct sim_socket *s)
{
	return s->flight.len > 0 || s->sent != s->seen;
}

static void
arrive(struct sim *sim, struct sim_socket *s)
{
	size_t n = s->flight.len;

	if (n > 0 && sim->segment > 0 && n > sim->segment)
		n = sim->segment;
	/* Half of the time all, so that long streams come to an end; else a piece. */
	if (n > 1 && choose(sim, 2) == 0)
		n = 1 + choose(sim, n);
	(void)buffer_append(&s->inbox, slice_make(s->flight.data, n));
	buffer_consume(&s->flight, n);
	if (s->flight.len == 0)
		s->seen = s->sent;
}

/* ---- Loops ---- */

/* It turns only when its owner asks for it. */
static bool
is_stopped(const struct loop *loop)
{
	return atomic_load(&loop->stopping);
}

static bool
is_loop_ready(const struct sim *sim, const struct loop *loop)
{
	if (is_stopped(loop))
		return false;
	if (loop->timers_due || loop_has_work(loop))
		return true;
	for (size_t i = 0; i < sim->socket_count; i++) {
		const struct sim_socket *s = sim->sockets[i];

		if (s != NULL && s->loop == loop && ready_events(s) != 0)
			return true;
	}
	return false;
}

/* The numbers of the loop's sockets that are ready, in a random order; freed by the caller. */
static int *
shuffle_ready(struct sim *sim, const struct loop *loop, size_t *count_out)
{
	int *fds = xmalloc(size_mul(sim->socket_count + 1, sizeof(*fds)));
	size_t count = 0;

	for (size_t i = 0; i < sim->socket_count; i++) {
		const struct sim_socket *s = sim->sockets[i];

		if (s != NULL && s->loop == loop && ready_events(s) != 0) {
			size_t at = choose(sim, count + 1);

			fds[count++] = fds[at];
			fds[at] = s->fd;
		}
	}
	*count_out = count;
	return fds;
}

static void
run_loop(struct sim *sim, struct loop *loop)
{
	size_t count, told;
	int *fds = shuffle_ready(sim, loop, &count);

	loop->now_ms = sim->now_ms;
	loop->timers_due = false;
	/* As with epoll, a turn need not see all that is ready. */
	told = count > 1 ? 1 + choose(sim, count) : count;
	for (size_t i = 0; i < told; i++) {
		struct sim_socket *s = socket_of(sim, fds[i]);
		uint32_t events = s == NULL || s->loop != loop ? 0 : ready_events(s);

		if (events != 0)
			s->watch->ready(s->watch, events);
	}
	free(fds);
	loop_work(loop);
}

/* Lets one thing happen. The loop that turned, if any, in *turned_out. false: nothing can. */
static bool
step(struct sim *sim, struct loop **turned_out)
{
	size_t count = 0, chosen;
	struct loop *loop;

	*turned_out = NULL;
	LIST_EACH (loop, &sim->loops, struct loop, sim_link)
		count += is_loop_ready(sim, loop);
	for (size_t i = 0; i < sim->socket_count; i++)
		count += sim->sockets[i] != NULL && is_expecting(sim->sockets[i]);
	if (count == 0)
		return false;
	chosen = choose(sim, count);
	LIST_EACH (loop, &sim->loops, struct loop, sim_link) {
		if (is_loop_ready(sim, loop) && chosen-- == 0) {
			*turned_out = loop;
			run_loop(sim, loop);
			return true;
		}
	}
	for (size_t i = 0; i < sim->socket_count; i++) {
		struct sim_socket *s = sim->sockets[i];

		if (s != NULL && is_expecting(s) && chosen-- == 0) {
			arrive(sim, s);
			return true;
		}
	}
	return true;
}

/*
 * The clock goes to where the next loop wants to look at its timers, but not beyond until. Loops
 * look now and then also when none is due, as far as their wheel reaches.
 */
static void
advance(struct sim *sim, uint64_t until_ms)
{
	uint64_t next = until_ms - sim->now_ms;
	struct loop *loop;

	LIST_EACH (loop, &sim->loops, struct loop, sim_link) {
		loop->now_ms = sim->now_ms;
		if (!is_stopped(loop) && loop_next_timer_ms(loop) < next)
			next = loop_next_timer_ms(loop);
	}
	LIST_EACH (loop, &sim->loops, struct loop, sim_link)
		loop->timers_due = loop_next_timer_ms(loop) <= next;
	sim->now_ms += next;
}

void
sim_pass(struct sim *sim, uint64_t ms)
{
	uint64_t until = sim->now_ms + ms;
	struct loop *turned;

	for (;;) {
		if (step(sim, &turned))
			continue;
		if (sim->now_ms >= until)
			return;
		advance(sim, until);
	}
}

static void
sim_turn(struct loop *loop, unsigned most_ms)
{
	struct sim *sim = loop->sim;
	uint64_t until = sim->now_ms + most_ms;
	struct loop *turned = NULL;

	while (turned != loop && !is_stopped(loop)) {
		if (step(sim, &turned))
			continue;
		if (sim->now_ms >= until)
			break;
		advance(sim, until);
	}
	if (turned != loop)
		run_loop(sim, loop);
}

static void
sim_wake(struct loop *loop)
{
	(void)loop; /* nobody sleeps */
}

static int64_t
sim_wall_ms(const struct loop *loop)
{
	return START_WALL_MS + (int64_t)(loop->sim->now_ms - START_MS);
}

static void
sim_finish(struct loop *loop)
{
	list_remove(&loop->sim_link);
}

/* ---- Sockets ---- */

static int
sim_watch(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct sim_socket *s = socket_of(loop->sim, watch->fd);

	s->loop = loop;
	s->watch = watch;
	s->events = events;
	return 0;
}

static void
sim_rewatch(struct loop *loop, struct watch *watch, uint32_t events)
{
	socket_of(loop->sim, watch->fd)->events = events;
}

static void
sim_unwatch(struct loop *loop, struct watch *watch)
{
	socket_of(loop->sim, watch->fd)->loop = NULL;
}

static uint16_t
port_of(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;

	return ntohs(address->sa_family == AF_INET6 ? v6->sin6_port : v4->sin_port);
}

static int
sim_listen(struct loop *loop, const struct sockaddr *address, socklen_t size)
{
	struct sim_socket *s;

	(void)size;
	if (address->sa_family != AF_INET && address->sa_family != AF_INET6) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	s = add_socket(loop->sim);
	s->is_listener = true;
	s->family = address->sa_family;
	s->port = port_of(address);
	if (s->port == 0)
		s->port = loop->sim->next_port++;
	return s->fd;
}

static uint16_t
sim_port(struct loop *loop, int fd)
{
	return socket_of(loop->sim, fd)->port;
}

/* One of those that listen there, as SO_REUSEPORT has it; NULL: nobody. */
static struct sim_socket *
pick_listener(struct sim *sim, sa_family_t family, uint16_t port)
{
	struct sim_socket *picked = NULL;
	size_t seen = 0;

	for (size_t i = 0; i < sim->socket_count; i++) {
		struct sim_socket *s = sim->sockets[i];

		if (s == NULL || !s->is_listener || s->family != family || s->port != port)
			continue;
		if (choose(sim, ++seen) == 0)
			picked = s;
	}
	return picked;
}

static int
sim_connect(struct loop *loop, const struct sockaddr *to, socklen_t size)
{
	struct sim *sim = loop->sim;
	struct sim_socket *listener = pick_listener(sim, to->sa_family, port_of(to));
	struct sim_socket *near, *far;

	(void)size;
	if (listener == NULL) {
		errno = ECONNREFUSED;
		return -1;
	}
	near = add_socket(sim);
	far = add_socket(sim);
	near->peer = far;
	far->peer = near;
	far->family = to->sa_family;
	far->peer_port = sim->next_port++;
	listener->waiting = xrealloc(listener->waiting,
		size_mul(listener->waiting_count + 1, sizeof(*listener->waiting)));
	listener->waiting[listener->waiting_count++] = far->fd;
	return near->fd;
}

static void
write_address(struct sockaddr *out, sa_family_t family, uint16_t port)
{
	if (family == AF_INET6)
		*(struct sockaddr_in6 *)(void *)out = (struct sockaddr_in6){
			.sin6_family = AF_INET6,
			.sin6_port = htons(port),
			.sin6_addr = IN6ADDR_LOOPBACK_INIT,
		};
	else
		*(struct sockaddr_in *)(void *)out = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_port = htons(port),
			.sin_addr = { htonl(INADDR_LOOPBACK) },
		};
}

static int
sim_accept(struct loop *loop, int fd, struct sockaddr *from, socklen_t *size)
{
	struct sim_socket *listener = socket_of(loop->sim, fd);
	const struct sim_socket *s;

	(void)size;
	if (listener->waiting_count == 0) {
		errno = EAGAIN;
		return -1;
	}
	s = socket_of(loop->sim, listener->waiting[0]);
	listener->waiting_count--;
	memmove(listener->waiting, listener->waiting + 1,
		listener->waiting_count * sizeof(*listener->waiting));
	write_address(from, s->family, s->peer_port);
	return s->fd;
}

static ssize_t
sim_receive(struct loop *loop, int fd, void *out, size_t size, bool peek)
{
	struct sim_socket *s = socket_of(loop->sim, fd);
	size_t n = s->inbox.len < size ? s->inbox.len : size;

	if (n == 0 && s->seen == ENDED)
		return 0;
	if (n == 0) {
		errno = s->seen == RESET ? ECONNRESET : EAGAIN;
		return -1;
	}
	memcpy(out, s->inbox.data, n);
	if (!peek)
		buffer_consume(&s->inbox, n);
	return (ssize_t)n;
}

static ssize_t
sim_send(struct loop *loop, int fd, const void *bytes, size_t size)
{
	struct sim_socket *s = socket_of(loop->sim, fd);
	size_t n;

	if (s->seen == RESET) {
		errno = EPIPE;
		return -1;
	}
	/* Nobody is there to take it; that is learnt later. */
	if (s->peer == NULL) {
		s->sent = RESET;
		return (ssize_t)size;
	}
	n = room_at(s->peer) < size ? room_at(s->peer) : size;
	if (n == 0) {
		errno = EAGAIN;
		return -1;
	}
	(void)buffer_append(&s->peer->flight, slice_make(bytes, n));
	return (ssize_t)n;
}

static void
close_stream(struct sim *sim, struct sim_socket *s)
{
	/* As with TCP, closing with something unread is a reset. */
	if (s->peer != NULL) {
		s->peer->sent = s->inbox.len > 0 || s->flight.len > 0 ? RESET : ENDED;
		s->peer->peer = NULL;
	}
	free_socket(sim, s);
}

static void
sim_close(struct loop *loop, int fd)
{
	struct sim_socket *s = socket_of(loop->sim, fd);

	for (size_t i = 0; i < s->waiting_count; i++)
		close_stream(loop->sim, socket_of(loop->sim, s->waiting[i]));
	close_stream(loop->sim, s);
}

static void
sim_set_dead_after(struct loop *loop, int fd, unsigned ms)
{
	(void)loop;
	(void)fd;
	(void)ms; /* nothing is lost on the way here */
}

static int
sim_highest_fd(void)
{
	return INT_MAX;
}

static const struct backend backend = {
	.turn = sim_turn,
	.wake = sim_wake,
	.wall_ms = sim_wall_ms,
	.finish = sim_finish,
	.watch = sim_watch,
	.rewatch = sim_rewatch,
	.unwatch = sim_unwatch,
	.listen = sim_listen,
	.port = sim_port,
	.accept = sim_accept,
	.connect = sim_connect,
	.receive = sim_receive,
	.send = sim_send,
	.close = sim_close,
	.set_dead_after = sim_set_dead_after,
	.highest_fd = sim_highest_fd,
};

/* ---- The machine ---- */

struct sim *
sim_create(uint64_t seed)
{
	struct sim *sim = xcalloc(1, sizeof(*sim));

	sim->random = seed;
	sim->now_ms = START_MS;
	sim->next_port = FIRST_PORT;
	list_init(&sim->loops);
	return sim;
}

void
sim_destroy(struct sim **sim_ptr)
{
	struct sim *sim = *sim_ptr;

	*sim_ptr = NULL;
	if (sim == NULL)
		return;
	for (size_t i = 0; i < sim->socket_count; i++) {
		if (sim->sockets[i] != NULL)
			free_socket(sim, sim->sockets[i]);
	}
	free(sim->sockets);
	free(sim);
}

struct loop *
sim_loop_create(struct sim *sim)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	loop->sim = sim;
	loop_init(loop, &backend);
	loop->now_ms = loop->swept_ms = sim->now_ms;
	list_append(&sim->loops, &loop->sim_link);
	return loop;
}

void
sim_set_segment(struct sim *sim, size_t most)
{
	sim->segment = most;
}

uint64_t
sim_trace(const struct sim *sim)
{
	return sim->trace;
}
