/* How a connection ends: when all was sent, when the other side has ended too, or at once. */
#include "io/conn_internal.h"

#include "io/loop_internal.h"
#include "io/timer.h"

enum { CLOSE_MS = 5000 };

static const struct conn_handler nobody;

void
conn_bury(struct conn *conn)
{
	if (conn->is_dead)
		return;
	conn->is_dead = true;
	conn->handler = &nobody;
	timer_stop(conn->loop, &conn->timer);
	list_remove(&conn->fed);
	list_remove(&conn->dirty);
	list_append(&conn->loop->dead, &conn->dirty);
	conn_leave(conn);
	conn->loop->backend->close(conn->loop, conn->watch.fd);
}

/* All was sent. */
void
conn_say_bye(struct conn *conn)
{
	const struct backend *backend = conn->loop->backend;

	if (conn->has_said_bye)
		return;
	tls_bye(conn);
	conn->has_said_bye = conn->waits && backend->end_output != NULL && !conn->is_dead;
	if (conn->has_said_bye)
		backend->end_output(conn->loop, conn->watch.fd);
	else
		conn_bury(conn);
}

static void
close_timed_out(struct timer *timer)
{
	conn_bury(container_of(timer, struct conn, timer));
}

void
conn_close(struct conn *conn)
{
	conn->handler = &nobody;
	conn->owner = NULL;
	if (conn->is_dead || conn->closing)
		return;
	if (conn->tls != NULL && !tls_is_secured(conn->tls)) {
		/* Nothing can be said to a peer that has not finished its handshake. */
		conn_bury(conn);
		return;
	}
	conn->closing = true;
	conn->paused = false;
	conn_arm(conn);
	conn->timer.fire = close_timed_out;
	timer_start(conn->loop, &conn->timer, CLOSE_MS);
	conn_mark_dirty(conn);
}

void
conn_close_after(struct conn *conn)
{
	conn->waits = true;
	conn_close(conn);
}

void
conn_abort(struct conn *conn)
{
	conn->handler = &nobody;
	conn->owner = NULL;
	conn_bury(conn);
}
