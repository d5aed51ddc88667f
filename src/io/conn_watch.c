/* A connection as something that its loop waits for; and how one to somebody else begins. */
#include "io/conn_internal.h"

#include <errno.h>
#include <sys/epoll.h>

static uint32_t
events_of(const struct conn *conn)
{
	return (conn->paused ? 0u : (uint32_t)EPOLLIN) |
	       (conn->armed_output ? (uint32_t)EPOLLOUT : 0u);
}

void
conn_arm(struct conn *conn)
{
	if (conn->loop != NULL && !conn->is_dead)
		conn->loop->backend->rewatch(conn->loop, &conn->watch, events_of(conn));
}

static void
ready(struct watch *watch, uint32_t events)
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

int
conn_join(struct conn *conn)
{
	conn->watch.ready = ready;
	conn->loop->stats.conns++;
	return conn->loop->backend->watch(conn->loop, &conn->watch, events_of(conn));
}

void
conn_count_queue(struct conn *conn, size_t bytes)
{
	struct loop_stats *stats = &conn->loop->stats;
	uint32_t now = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;

	stats->queued_bytes = stats->queued_bytes - conn->counted + now;
	conn->counted = now;
	if (stats->queued_bytes > stats->queued_most)
		stats->queued_most = stats->queued_bytes;
}

void
conn_leave(struct conn *conn)
{
	conn_count_queue(conn, 0);
	conn->loop->backend->unwatch(conn->loop, &conn->watch);
	conn->loop->stats.conns--;
}

void
conn_set_dead_after(struct conn *conn, unsigned ms)
{
	if (conn->loop != NULL)
		conn->loop->backend->set_dead_after(conn->loop, conn->watch.fd, ms);
}

struct conn *
conn_connect(struct loop *loop, const struct sockaddr *address, socklen_t size,
	const struct conn_handler *handler, void *owner)
{
	int fd = loop->backend->connect(loop, address, size);
	struct conn *conn;

	if (fd < 0)
		return NULL;
	conn = conn_create(loop, fd);
	conn->handler = handler;
	conn->owner = owner;
	conn->connecting = conn->armed_output = true;
	if (conn_join(conn) < 0) {
		conn_abort(conn);
		return NULL;
	}
	return conn;
}
