/*
 * Input is read into a buffer of the loop and given to the owner there; only what the owner
 * leaves is copied. Output is gathered in a block and sent once at the end of the turn.
 */
#include "io/conn.h"

#include "base/clock.h"
#include "io/conn_internal.h"
#include "io/proxy_header.h"
#include "io/timer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEFAULT_LIMIT = 4 * 1024 * 1024, SENT_AT_ONCE = 256 * 1024 };

static const struct conn_handler nobody;

struct conn *
conn_create(struct loop *loop, int fd)
{
	struct conn *conn = xcalloc(1, sizeof(*conn));

	conn->watch.fd = fd;
	conn->loop = loop;
	conn->handler = &nobody;
	conn->full = DEFAULT_LIMIT / 2;
	buffer_init(&conn->in, SIZE_MAX / 2);
	buffer_init(&conn->out, DEFAULT_LIMIT);
	return conn;
}

void *
conn_owner(const struct conn *conn)
{
	return conn->owner;
}

void
conn_set_handler(struct conn *conn, const struct conn_handler *handler, void *owner)
{
	conn->handler = handler;
	conn->owner = owner;
}

struct loop *
conn_loop(const struct conn *conn)
{
	return conn->loop;
}

const struct peer *
conn_peer(const struct conn *conn)
{
	return &conn->peer;
}

void
peer_write(const struct peer *peer, char out[PEER_TEXT])
{
	const void *v4 = &peer->address.s6_addr[12];

	if (IN6_IS_ADDR_V4MAPPED(&peer->address))
		(void)inet_ntop(AF_INET, v4, out, PEER_TEXT);
	else
		(void)inet_ntop(AF_INET6, &peer->address, out, PEER_TEXT);
}

void
conn_take_block(struct loop *loop, struct buffer *b)
{
	if (b->data != NULL)
		return;
	b->cap = BLOCK_BYTES;
	if (loop->block_count == 0) {
		b->data = xmalloc(BLOCK_BYTES);
		return;
	}
	b->data = (char *)loop->blocks;
	loop->blocks = loop->blocks->next;
	loop->block_count--;
}

void
conn_release_block(struct loop *loop, struct buffer *b)
{
	if (b->data != NULL && b->cap == BLOCK_BYTES && loop->block_count < BLOCKS_KEPT) {
		struct block *block = (struct block *)(void *)b->data;

		block->next = loop->blocks;
		loop->blocks = block;
		loop->block_count++;
	} else {
		free(b->data);
	}
	buffer_init(b, b->limit);
}

void
conn_mark_dirty(struct conn *conn)
{
	if (!list_is_linked(&conn->dirty))
		list_append(&conn->loop->dirty, &conn->dirty);
}

struct buffer *
conn_output(struct conn *conn)
{
	conn_take_block(conn->loop, &conn->out);
	conn_mark_dirty(conn);
	return &conn->out;
}

void
conn_write(struct conn *conn, struct slice bytes)
{
	(void)buffer_append(conn_output(conn), bytes);
}

size_t
conn_pending(const struct conn *conn)
{
	return conn->out.len;
}

bool
conn_is_full(const struct conn *conn)
{
	return conn->out.len > conn->full;
}

void
conn_memory(const struct conn *conn, struct conn_memory *out)
{
	out->own = malloc_usable_size((void *)(uintptr_t)conn);
	out->input = conn->in.cap;
	out->output = conn->out.cap;
}

static uint32_t
clamp(size_t bytes)
{
	return (uint32_t)(bytes < UINT32_MAX ? bytes : UINT32_MAX);
}

void
conn_set_limit(struct conn *conn, size_t full, size_t most)
{
	conn->full = clamp(full);
	conn->out.limit = clamp(most);
}

bool
conn_is_tls(const struct conn *conn)
{
	return conn->tls != NULL;
}

/* Off its loop and on the list of those that are freed at the end of the turn. */
void
conn_free_dead(struct loop *loop)
{
	struct list *link;

	while ((link = list_pop(&loop->dead)) != NULL) {
		struct conn *conn = container_of(link, struct conn, dirty);

		tls_free(conn);
		buffer_finish(&conn->in);
		conn_release_block(loop, &conn->out);
		free(conn);
	}
}

void
conn_end(struct conn *conn, int why)
{
	const struct conn_handler *handler = conn->handler;

	if (conn->is_dead)
		return;
	if (handler->closed != NULL)
		handler->closed(conn, why);
	conn_bury(conn);
}

/* Asks the owner; what it leaves becomes conn->in. bytes is conn->in itself, or fresh. */
static void
ask_owner(struct conn *conn, struct slice bytes)
{
	size_t used = 0;

	conn->in_input = true;
	if (conn->handler->input != NULL)
		used = conn->handler->input(conn, bytes);
	else
		used = bytes.len;
	conn->in_input = false;
	if (conn->is_dead)
		return;
	if (bytes.p == conn->in.data && conn->in.data != NULL)
		buffer_consume(&conn->in, used);
	else
		(void)buffer_append(&conn->in, slice_from(bytes, used));
	if (conn->in.len == 0)
		buffer_finish(&conn->in);
	else if (conn->again && !conn->paused)
		list_append(&conn->loop->fed, &conn->fed);
	conn->again = false;
}

/* What came as early data waits for the handshake. */
static bool
is_held(const struct conn *conn)
{
	return conn->tls != NULL && !conn->handler->takes_early && tls_is_early(conn->tls);
}

void
conn_give(struct conn *conn, struct slice bytes)
{
	if (conn->in.len > 0) {
		(void)buffer_append(&conn->in, bytes);
		bytes = buffer_slice(&conn->in);
	}
	if (!conn->paused && !is_held(conn))
		ask_owner(conn, bytes);
	else if (bytes.p != conn->in.data)
		(void)buffer_append(&conn->in, bytes);
}

void
conn_feed_again(struct loop *loop)
{
	struct list now, *link;

	if (list_is_empty(&loop->fed))
		return;
	list_init(&now);
	list_move_all(&now, &loop->fed);
	while ((link = list_pop(&now)) != NULL) {
		struct conn *conn = container_of(link, struct conn, fed);

		if (!conn->is_dead && !conn->paused && !is_held(conn) && conn->in.len > 0)
			ask_owner(conn, buffer_slice(&conn->in));
	}
}

/* Reads what there is, up to one shared buffer. */
static void
read_input(struct conn *conn)
{
	struct loop *loop = conn->loop;
	char *into = conn->tls != NULL ? loop->cipher_in : loop->plain_in;
	ssize_t n = loop->backend->receive(loop, conn->watch.fd, into, SHARED_BYTES, false);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_end(conn, n < 0 ? errno : 0);
		return;
	}
	loop->stats.received_bytes += (uint64_t)n;
	if (conn->has_said_bye)
		return;
	if (conn->tls != NULL)
		tls_take(conn, slice_make(into, (size_t)n));
	else if (!conn->closing)
		conn_give(conn, slice_make(into, (size_t)n));
}

void
conn_ready(struct conn *conn, bool input, bool output)
{
	if (conn->is_dead)
		return;
	/* What was left comes first; else one that is paused and resumed in turns reads on and on.
	 */
	if (list_is_linked(&conn->fed))
		input = false;
	if (conn->expects_proxy && input) {
		int r = proxy_take(conn);

		if (r == -EAGAIN)
			return;
		if (r < 0) {
			conn_end(conn, EPROTO);
			return;
		}
		conn->expects_proxy = false;
	}
	if (input)
		read_input(conn);
	if (output && !conn->is_dead) {
		conn->armed_output = conn->connecting = false;
		conn_arm(conn);
		conn_mark_dirty(conn);
	}
}

ssize_t
conn_send_raw(struct conn *conn, const char *bytes, size_t size)
{
	ssize_t n;

	if (conn->armed_output)
		return -EAGAIN;
	do {
		n = conn->loop->backend->send(conn->loop, conn->watch.fd, bytes, size);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		return -errno;
	if (n < (ssize_t)size) {
		conn->armed_output = true;
		conn_arm(conn);
	}
	if (n < 0)
		return -EAGAIN;
	conn->loop->stats.sent_bytes += (uint64_t)n;
	return n;
}

static void
flush_plain(struct conn *conn)
{
	ssize_t n;

	if (conn->out.len == 0)
		return;
	n = conn_send_raw(conn, conn->out.data, conn->out.len);
	if (n == -EAGAIN)
		return;
	if (n < 0) {
		conn_end(conn, (int)-n);
		return;
	}
	buffer_consume(&conn->out, (size_t)n);
}

static void
tell_drained(struct conn *conn)
{
	if (!conn->was_full || conn_is_full(conn))
		return;
	conn->was_full = false;
	if (conn->handler->drained != NULL)
		conn->handler->drained(conn);
}

static void
flush(struct conn *conn)
{
	struct loop *loop = conn->loop;

	/* Before anything is sent: the owner may have seen it full and waits to be told. */
	if (conn_is_full(conn))
		conn->was_full = true;
	if (conn->tls != NULL)
		tls_flush(conn);
	else
		flush_plain(conn);
	if (conn->is_dead)
		return;
	conn_count_queue(conn, conn->out.len + (conn->tls == NULL ? 0 : tls_waiting(conn->tls)));
	tell_drained(conn);
	if (conn->out.len > 0 || (conn->tls != NULL && !tls_is_idle(conn->tls)))
		return;
	conn_release_block(loop, &conn->out);
	if (conn->closing)
		conn_say_bye(conn);
}

void
conn_flush_all(struct loop *loop)
{
	struct list now, *link;

	if (list_is_empty(&loop->dirty))
		return;
	list_init(&now);
	list_move_all(&now, &loop->dirty);
	while ((link = list_pop(&now)) != NULL)
		flush(container_of(link, struct conn, dirty));
}

void
conn_pause(struct conn *conn)
{
	if (conn->paused)
		return;
	conn->paused = true;
	conn_arm(conn);
}

void
conn_resume(struct conn *conn)
{
	if (!conn->paused)
		return;
	conn->paused = false;
	conn_arm(conn);
	conn_feed(conn);
}

void
conn_feed(struct conn *conn)
{
	if (conn->in_input)
		conn->again = true;
	else if (conn->in.len > 0 && !list_is_linked(&conn->fed))
		list_append(&conn->loop->fed, &conn->fed);
}

void
conn_detach(struct conn *conn)
{
	assert(!conn->in_input);
	flush(conn);
	if (conn->is_dead)
		return;
	list_remove(&conn->dirty);
	list_remove(&conn->fed);
	timer_stop(conn->loop, &conn->timer);
	conn_leave(conn);
	conn->loop = NULL;
}

void
conn_attach(struct conn *conn, struct loop *loop)
{
	conn->loop = loop;
	if (conn_join(conn) < 0) {
		conn_end(conn, errno);
		return;
	}
	tls_watch_early(conn);
	if (conn->in.len > 0)
		list_append(&loop->fed, &conn->fed);
	if (conn->out.len > 0)
		conn_mark_dirty(conn);
}
