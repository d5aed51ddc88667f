/* The back end of real sockets: system calls, and epoll to wait with. */
#include "base/clock.h"
#include "io/loop_internal.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	EVENTS = 16, /* of a turn: what they cause is sent at its end, and waits for few */
	BACKLOG = 4096,
	RESERVED_FDS = 32, /* that no client gets: for administrators, the store and the log */
};

static int
epoll_add(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event);
}

static void
epoll_modify(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

static void
epoll_remove(struct loop *loop, struct watch *watch)
{
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
}

static int
wait_ms(struct loop *loop, unsigned most)
{
	uint64_t next;

	if (loop_has_work(loop) || atomic_load(&loop->stopping))
		return 0;
	next = loop_next_timer_ms(loop);
	return (int)(next < most ? next : most);
}

static void
epoll_turn(struct loop *loop, unsigned most_ms)
{
	struct epoll_event events[EVENTS];
	uint64_t began;
	int n;

	/* Told before the mailbox is looked at: who posts after that look sees it and wakes us. */
	atomic_store(&loop->sleeping, true);
	n = epoll_wait(loop->epoll_fd, events, EVENTS, wait_ms(loop, most_ms));
	atomic_store_explicit(&loop->sleeping, false, memory_order_relaxed);
	began = clock_monotonic_us();
	loop->now_ms = began / 1000;
	for (int i = 0; i < n; i++) {
		struct watch *watch = events[i].data.ptr;

		watch->ready(watch, events[i].events);
	}
	loop_work(loop);
	began = clock_monotonic_us() - began;
	histogram_add(&loop->stats.turn_us, LOOP_TURN_SHIFT, began);
	loop->stats.lag_us = began > loop->stats.lag_us ? began : loop->stats.lag_us * 99 / 100;
}

static void
epoll_wake(struct loop *loop)
{
	uint64_t one = 1;

	(void)!write(loop->wake_fd, &one, sizeof(one));
}

static int64_t
epoll_wall_ms(const struct loop *loop)
{
	(void)loop;
	return clock_wall_ms();
}

static void
epoll_finish(struct loop *loop)
{
	(void)close(loop->epoll_fd);
	(void)close(loop->wake_fd);
}

static void
set_nodelay(int fd)
{
	int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static int
close_failed(int fd)
{
	int why = errno;

	(void)close(fd);
	errno = why;
	return -1;
}

static int
socket_listen(struct loop *loop, const struct sockaddr *address, socklen_t size)
{
	int one = 1;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)loop;
	if (fd < 0)
		return -1;
	if (address->sa_family != AF_UNIX) {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	}
	if (address->sa_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, address, size) < 0 || listen(fd, BACKLOG) < 0)
		return close_failed(fd);
	return fd;
}

static uint16_t
socket_port(struct loop *loop, int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_storage most;
	} a = { .any = { 0 } };
	socklen_t size = sizeof(a);

	(void)loop;
	if (getsockname(fd, &a.any, &size) < 0)
		return 0;
	if (a.any.sa_family == AF_INET)
		return ntohs(a.v4.sin_port);
	return a.any.sa_family == AF_INET6 ? ntohs(a.v6.sin6_port) : 0;
}

static int
socket_accept(struct loop *loop, int fd, struct sockaddr *from, socklen_t *size)
{
	int accepted = accept4(fd, from, size, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)loop;
	if (accepted >= 0 && from->sa_family != AF_UNIX)
		set_nodelay(accepted);
	return accepted;
}

static int
socket_connect(struct loop *loop, const struct sockaddr *to, socklen_t size)
{
	int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)loop;
	if (fd < 0)
		return -1;
	set_nodelay(fd);
	if (connect(fd, to, size) < 0 && errno != EINPROGRESS)
		return close_failed(fd);
	return fd;
}

static ssize_t
socket_receive(struct loop *loop, int fd, void *out, size_t size, bool peek)
{
	(void)loop;
	return recv(fd, out, size, peek ? MSG_PEEK : 0);
}

static ssize_t
socket_send(struct loop *loop, int fd, const void *bytes, size_t size)
{
	(void)loop;
	return send(fd, bytes, size, MSG_NOSIGNAL);
}

static void
socket_end_output(struct loop *loop, int fd)
{
	(void)loop;
	(void)shutdown(fd, SHUT_WR);
}

static void
socket_close(struct loop *loop, int fd)
{
	(void)loop;
	(void)close(fd);
}

static void
socket_set_dead_after(struct loop *loop, int fd, unsigned ms)
{
	(void)loop;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
}

/* Descriptors are given out from the lowest, so a high one tells that few are left. */
static int
socket_highest(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= 2 * RESERVED_FDS ||
		limit.rlim_cur > INT_MAX)
		return INT_MAX;
	return (int)limit.rlim_cur - RESERVED_FDS;
}

static const struct backend backend = {
	.turn = epoll_turn,
	.wake = epoll_wake,
	.wall_ms = epoll_wall_ms,
	.finish = epoll_finish,
	.watch = epoll_add,
	.rewatch = epoll_modify,
	.unwatch = epoll_remove,
	.listen = socket_listen,
	.port = socket_port,
	.accept = socket_accept,
	.connect = socket_connect,
	.receive = socket_receive,
	.send = socket_send,
	.close = socket_close,
	.end_output = socket_end_output,
	.set_dead_after = socket_set_dead_after,
	.highest_fd = socket_highest,
};

static void
clear_wake(struct watch *watch, uint32_t events)
{
	uint64_t count;

	(void)events;
	(void)!read(watch->fd, &count, sizeof(count));
}

struct loop *
loop_create(void)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->wake_watch = (struct watch){ loop->wake_fd, clear_wake };
	if (loop->epoll_fd < 0 || loop->wake_fd < 0 ||
		epoll_add(loop, &loop->wake_watch, EPOLLIN) < 0) {
		epoll_finish(loop);
		free(loop);
		return NULL;
	}
	loop_init(loop, &backend);
	loop->now_ms = loop->swept_ms = clock_monotonic_ms();
	return loop;
}
