/*
 * Sockets in memory. They are entries of a table that only grows, so a number never means two of
 * them. What one side sends is in flight until the scheduler lets it arrive; the end of a stream
 * comes behind its bytes.
 */
#include "io/conn.h"
#include "io/sim_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum {
	FIRST_FD = 1 << 24, /* no descriptor of the kernel has such a number */
	WINDOW = 64 * 1024, /* bytes of one direction that are sent and not received */
};

struct sim_socket *
sim_socket_of(const struct sim *sim, int fd)
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

void
sim_socket_free(struct sim *sim, struct sim_socket *s)
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

uint32_t
sim_socket_events(const struct sim_socket *s)
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
bool
sim_socket_expects(const struct sim_socket *s)
{
	return s->flight.len > 0 || s->sent != s->seen;
}

void
sim_socket_arrive(struct sim *sim, struct sim_socket *s)
{
	size_t n = s->flight.len;

	if (n > 0 && sim->segment > 0 && n > sim->segment)
		n = sim->segment;
	/* Half of the time all, so that long streams come to an end; else a piece. */
	if (n > 1 && sim_choose(sim, 2) == 0)
		n = 1 + sim_choose(sim, n);
	(void)buffer_append(&s->inbox, slice_make(s->flight.data, n));
	buffer_consume(&s->flight, n);
	if (s->flight.len == 0)
		s->seen = s->sent;
}

int
sim_watch(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct sim_socket *s = sim_socket_of(loop->sim, watch->fd);

	s->loop = loop;
	s->watch = watch;
	s->events = events;
	return 0;
}

void
sim_rewatch(struct loop *loop, struct watch *watch, uint32_t events)
{
	sim_socket_of(loop->sim, watch->fd)->events = events;
}

void
sim_unwatch(struct loop *loop, struct watch *watch)
{
	sim_socket_of(loop->sim, watch->fd)->loop = NULL;
}

static uint16_t
port_of(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)address;

	return ntohs(address->sa_family == AF_INET6 ? v6->sin6_port : v4->sin_port);
}

int
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

uint16_t
sim_port(struct loop *loop, int fd)
{
	return sim_socket_of(loop->sim, fd)->port;
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
		if (sim_choose(sim, ++seen) == 0)
			picked = s;
	}
	return picked;
}

int
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

int
sim_accept(struct loop *loop, int fd, struct sockaddr *from, socklen_t *size)
{
	struct sim_socket *listener = sim_socket_of(loop->sim, fd);
	const struct sim_socket *s;

	(void)size;
	if (listener->waiting_count == 0) {
		errno = EAGAIN;
		return -1;
	}
	s = sim_socket_of(loop->sim, listener->waiting[0]);
	listener->waiting_count--;
	memmove(listener->waiting, listener->waiting + 1,
		listener->waiting_count * sizeof(*listener->waiting));
	write_address(from, s->family, s->peer_port);
	return s->fd;
}

ssize_t
sim_receive(struct loop *loop, int fd, void *out, size_t size, bool peek)
{
	struct sim_socket *s = sim_socket_of(loop->sim, fd);
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

ssize_t
sim_send(struct loop *loop, int fd, const void *bytes, size_t size)
{
	struct sim_socket *s = sim_socket_of(loop->sim, fd);
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
	sim_socket_free(sim, s);
}

void
sim_close(struct loop *loop, int fd)
{
	struct sim_socket *s = sim_socket_of(loop->sim, fd);

	for (size_t i = 0; i < s->waiting_count; i++)
		close_stream(loop->sim, sim_socket_of(loop->sim, s->waiting[i]));
	close_stream(loop->sim, s);
}

void
sim_set_dead_after(struct loop *loop, int fd, unsigned ms)
{
	(void)loop;
	(void)fd;
	(void)ms; /* nothing is lost on the way here */
}

int
sim_highest_fd(void)
{
	return INT_MAX;
}
