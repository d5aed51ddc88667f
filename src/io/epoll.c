/* The back end of real sockets: system calls and epoll. */
#include "io/conn_internal.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t
socket_receive(struct conn *conn, void *out, size_t size)
{
	return recv(conn->watch.fd, out, size, 0);
}

static ssize_t
socket_send(struct conn *conn, const void *bytes, size_t size)
{
	return send(conn->watch.fd, bytes, size, MSG_NOSIGNAL);
}

static uint32_t
events_of(const struct conn *conn)
{
	return (conn->paused ? 0u : (uint32_t)EPOLLIN) |
	       (conn->armed_output ? (uint32_t)EPOLLOUT : 0u);
}

static void
socket_arm(struct conn *conn, bool input, bool output)
{
	struct epoll_event event = { .data.ptr = &conn->watch };

	event.events = (input ? (uint32_t)EPOLLIN : 0u) | (output ? (uint32_t)EPOLLOUT : 0u);
	(void)epoll_ctl(conn->loop->epoll_fd, EPOLL_CTL_MOD, conn->watch.fd, &event);
}

static void
socket_ready(struct watch *watch, uint32_t events)
{
	struct conn *conn = container_of(watch, struct conn, watch);
	bool broken = (events & (EPOLLERR | EPOLLHUP)) != 0;

	/* A broken socket is read even when the owner paused: the read says what happened. */
	if (broken && conn->paused && !conn->is_dead) {
		conn_end(conn, ECONNRESET);
		return;
	}
	conn_ready(conn, broken || (events & EPOLLIN) != 0, (events & EPOLLOUT) != 0);
}

static int
socket_attach(struct conn *conn)
{
	conn->watch.ready = socket_ready;
	return loop_watch(conn->loop, &conn->watch, events_of(conn));
}

static void
socket_detach(struct conn *conn)
{
	loop_unwatch(conn->loop, &conn->watch);
}

static void
socket_close(struct conn *conn)
{
	(void)close(conn->watch.fd);
	conn->watch.fd = -1;
}

static void
socket_wake(struct loop *loop)
{
	uint64_t one = 1;

	(void)!write(loop->wake_fd, &one, sizeof(one));
}

const struct backend epoll_backend = {
	.receive = socket_receive,
	.send = socket_send,
	.arm = socket_arm,
	.attach = socket_attach,
	.detach = socket_detach,
	.close = socket_close,
	.wake = socket_wake,
};

struct conn *
conn_connect(struct loop *loop, const struct sockaddr *address, socklen_t size,
	const struct conn_handler *handler, void *owner)
{
	int one = 1, fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct conn *conn;

	if (fd < 0)
		return NULL;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, address, size) < 0 && errno != EINPROGRESS) {
		int why = errno;

		(void)close(fd);
		errno = why;
		return NULL;
	}
	conn = conn_create(loop, fd);
	conn->handler = handler;
	conn->owner = owner;
	conn->connecting = conn->armed_output = true;
	if (conn_join(conn) < 0) {
		loop->stats.conns++;
		conn_abort(conn);
		return NULL;
	}
	return conn;
}
