/* Accepting: a few at a time, so that those who are in are not kept waiting by those who come. */
#include "io/listener.h"

#include "io/conn_internal.h"
#include "io/inherited.h"
#include "io/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ACCEPTS_PER_TURN = 32, PAUSE_MS = 100 };

struct listener {
	struct watch watch;
	struct loop *loop;
	struct listener_config config;
	struct timer pause;
	uint16_t port;
	int highest_fd;  /* that a connection may have */
	int reserve_fd;  /* given up to refuse one connection when there are no descriptors */
	uint64_t second; /* the one whose accepts are counted */
	uint32_t accepted;
	bool is_paused, told;
};

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un path;
};

static int
make_address(const struct listener_config *config, union address *a, socklen_t *size_out)
{
	memset(a, 0, sizeof(*a));
	if (config->address[0] == '/') {
		a->path.sun_family = AF_UNIX;
		if (strlen(config->address) >= sizeof(a->path.sun_path))
			return -ENAMETOOLONG;
		(void)snprintf(a->path.sun_path, sizeof(a->path.sun_path), "%s", config->address);
		*size_out = sizeof(a->path);
	} else if (inet_pton(AF_INET, config->address, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(config->port);
		*size_out = sizeof(a->v4);
	} else if (inet_pton(AF_INET6, config->address, &a->v6.sin6_addr) == 1) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons(config->port);
		*size_out = sizeof(a->v6);
	} else {
		return -EINVAL;
	}
	return 0;
}

static int
open_socket(struct loop *loop, const struct listener_config *config)
{
	union address a;
	socklen_t size = 0;
	int fd, r = make_address(config, &a, &size);

	if (r < 0)
		return r;
	fd = inherited_take(config->inherited, &a.any);
	if (fd < 0)
		fd = loop->backend->listen(loop, &a.any, size);
	return fd < 0 ? -errno : fd;
}

static void
set_peer(struct peer *peer, const union address *a)
{
	if (a->any.sa_family == AF_INET) {
		memset(&peer->address, 0, sizeof(peer->address));
		peer->address.s6_addr[10] = peer->address.s6_addr[11] = 0xff;
		memcpy(&peer->address.s6_addr[12], &a->v4.sin_addr, 4);
		peer->port = ntohs(a->v4.sin_port);
	} else if (a->any.sa_family == AF_INET6) {
		peer->address = a->v6.sin6_addr;
		peer->port = ntohs(a->v6.sin6_port);
	} else {
		peer->address = in6addr_loopback;
	}
}

static bool
is_proxy(const struct listener *l, const struct peer *peer)
{
	char text[PEER_TEXT];
	const char *const *p = l->config.proxies;

	peer_write(peer, text);
	for (; p != NULL && *p != NULL; p++) {
		if (strcmp(*p, text) == 0)
			return true;
	}
	return false;
}

static void
begin(struct listener *l, int fd, const union address *from)
{
	struct conn *conn = conn_create(l->loop, fd);

	set_peer(&conn->peer, from);
	conn->expects_proxy = is_proxy(l, &conn->peer);
	if (conn_join(conn) < 0) {
		conn_abort(conn);
		return;
	}
	if (l->config.tls != NULL)
		conn_start_tls(conn, l->config.tls, true, NULL);
	l->config.accepted(l, conn, l->config.arg);
}

static void
resume(struct timer *timer)
{
	struct listener *l = container_of(timer, struct listener, pause);

	l->is_paused = false;
	(void)l->loop->backend->watch(l->loop, &l->watch, EPOLLIN);
}

static void
pause_accepting(struct listener *l, uint64_t ms)
{
	l->is_paused = true;
	l->loop->backend->unwatch(l->loop, &l->watch);
	l->pause.fire = resume;
	timer_start(l->loop, &l->pause, ms);
}

static void
rest(struct listener *l)
{
	if (!l->told && l->config.exhausted != NULL)
		l->config.exhausted(l, l->config.arg);
	l->told = true;
	pause_accepting(l, PAUSE_MS);
}

/* Row 96: without descriptors one is freed to refuse a client at once, then accepting rests. */
static void
refuse_one(struct listener *l)
{
	const struct backend *backend = l->loop->backend;
	union address from = { 0 };
	socklen_t size = sizeof(from);
	int fd;

	(void)close(l->reserve_fd);
	fd = backend->accept(l->loop, l->watch.fd, &from.any, &size);
	if (fd >= 0)
		backend->close(l->loop, fd);
	l->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	rest(l);
}

static bool
is_over_rate(struct listener *l)
{
	uint64_t second = loop_now_ms(l->loop) / 1000;

	if (second != l->second) {
		l->second = second;
		l->accepted = 0;
	}
	return l->config.accepts_per_second > 0 && l->accepted >= l->config.accepts_per_second;
}

static void
accept_some(struct watch *watch, uint32_t events)
{
	struct listener *l = container_of(watch, struct listener, watch);
	const struct backend *backend = l->loop->backend;

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		union address from = { 0 };
		socklen_t size = sizeof(from);
		int fd;

		if (is_over_rate(l)) {
			pause_accepting(l, 1000 - loop_now_ms(l->loop) % 1000);
			return;
		}
		fd = backend->accept(l->loop, watch->fd, &from.any, &size);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS)) {
			refuse_one(l);
			return;
		}
		if (fd < 0)
			return;
		if (fd > l->highest_fd) {
			backend->close(l->loop, fd);
			rest(l);
			return;
		}
		l->told = false;
		l->accepted++;
		begin(l, fd, &from);
	}
}

int
listener_create(
	struct loop *loop, const struct listener_config *config, struct listener **listener_out)
{
	struct listener *l;
	int fd = open_socket(loop, config), r;

	if (fd < 0)
		return fd;
	l = xcalloc(1, sizeof(*l));
	l->loop = loop;
	l->config = *config;
	l->watch = (struct watch){ fd, accept_some };
	l->port = loop->backend->port(loop, fd);
	l->highest_fd = config->address[0] == '/' ? INT_MAX : loop->backend->highest_fd();
	l->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	r = loop->backend->watch(loop, &l->watch, EPOLLIN);
	if (r < 0) {
		r = -errno;
		listener_destroy(&l);
		return r;
	}
	*listener_out = l;
	return 0;
}

void
listener_destroy(struct listener **listener)
{
	struct listener *l = *listener;

	*listener = NULL;
	if (l == NULL)
		return;
	timer_stop(l->loop, &l->pause);
	if (!l->is_paused)
		l->loop->backend->unwatch(l->loop, &l->watch);
	l->loop->backend->close(l->loop, l->watch.fd);
	(void)close(l->reserve_fd);
	free(l);
}

int
listener_fd(const struct listener *listener)
{
	return listener->watch.fd;
}

uint16_t
listener_port(const struct listener *listener)
{
	return listener->port;
}

void
listener_adjust(struct listener *listener, uint32_t accepts_per_second, const char *const *proxies)
{
	listener->config.accepts_per_second = accepts_per_second;
	listener->config.proxies = proxies;
}
