/*
 * Level-triggered epoll with one read per event: a short read needs no second call to learn that
 * there is nothing more. OpenSSL reads ahead, so a record costs one read as well; what it has
 * already taken from the socket is drained before we go back to epoll.
 */
#include "tools/kith-load/conn.h"

#include "tools/kith-load/give_up.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <unistd.h>

enum { IN_LIMIT = 4 << 20, OUT_LIMIT = 1 << 20 };

static void
end(struct conn *c, bool clean, const char *why)
{
	if (!conn_is_open(c))
		return;
	conn_close(c);
	c->owner->ended(c, clean, why);
}

static void
want_writable(struct conn *c, bool wanted)
{
	if (c->writable_wanted == wanted)
		return;
	c->writable_wanted = wanted;
	struct epoll_event event = { .events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN,
		.data.ptr = c };
	(void)epoll_ctl(c->set->epoll, EPOLL_CTL_MOD, c->fd, &event);
}

int
conn_open(struct conn *c, struct conn_set *set, const struct conn_owner *owner,
	const struct sockaddr *address, socklen_t address_len, bool tls)
{
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;

	*c = (struct conn){ .set = set, .owner = owner, .fd = -1 };
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };
	if ((connect(fd, address, address_len) < 0 && errno != EINPROGRESS) ||
		epoll_ctl(set->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		int error = errno;
		(void)close(fd);
		return -error;
	}
	c->fd = fd;
	c->connecting = true;
	c->handshaking = tls;
	c->writable_wanted = true;
	buffer_init(&c->in, IN_LIMIT);
	buffer_init(&c->out, OUT_LIMIT);
	return 0;
}

void
conn_close(struct conn *c)
{
	if (!conn_is_open(c))
		return;
	if (c->ssl != NULL && !c->handshaking)
		(void)SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	ERR_clear_error();
	c->ssl = NULL;
	(void)close(c->fd);
	c->fd = -1;
	buffer_finish(&c->in);
	buffer_finish(&c->out);
}

/* What an OpenSSL call that returned r means: 0 to wait for the socket, or -1 after end(). */
static int
tls_wait(struct conn *c, int r)
{
	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_WANT_WRITE:
		want_writable(c, true);
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		end(c, true, "closed by the server");
		return -1;
	case SSL_ERROR_SYSCALL:
		end(c, false, "connection lost");
		return -1;
	default: {
		char text[256];
		ERR_error_string_n(ERR_peek_error(), text, sizeof(text));
		end(c, false, text);
		return -1;
	}
	}
}

static void
handshake(struct conn *c)
{
	if (c->ssl == NULL) {
		c->ssl = SSL_new(c->set->tls);
		if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
			SSL_set_tlsext_host_name(c->ssl, c->set->server_name) != 1)
			die("OpenSSL cannot make a connection");
		SSL_set_connect_state(c->ssl);
	}
	int r = SSL_do_handshake(c->ssl);
	if (r != 1) {
		(void)tls_wait(c, r);
		return;
	}
	c->handshaking = false;
	want_writable(c, c->out.len > 0);
	c->owner->opened(c);
}

void
conn_start_tls(struct conn *c)
{
	c->handshaking = true;
	handshake(c);
}

/* Bytes taken, 0 when it has to wait, -1 after end(). */
static ssize_t
write_some(struct conn *c, struct slice bytes)
{
	if (c->ssl == NULL) {
		ssize_t n = send(c->fd, bytes.p, bytes.len, MSG_NOSIGNAL);
		if (n >= 0)
			return n;
		if (errno == EAGAIN)
			return 0;
		end(c, false, "connection lost");
		return -1;
	}
	int n = SSL_write(c->ssl, bytes.p, (int)bytes.len);
	return n > 0 ? n : tls_wait(c, n);
}

static void
flush(struct conn *c)
{
	while (c->out.len > 0) {
		ssize_t n = write_some(c, buffer_slice(&c->out));
		if (n < 0)
			return;
		if (n == 0)
			break;
		buffer_consume(&c->out, (size_t)n);
	}
	want_writable(c, c->out.len > 0);
}

void
conn_send(struct conn *c, struct slice bytes)
{
	if (!conn_is_open(c))
		return;
	bool idle = c->out.len == 0;
	ssize_t n = 0;

	/* A failure must not call the owner back from inside its call: the next read will see it.
	 */
	if (idle && c->ssl == NULL && !c->connecting) {
		n = send(c->fd, bytes.p, bytes.len, MSG_NOSIGNAL);
	} else if (idle && c->ssl != NULL && !c->handshaking) {
		n = SSL_write(c->ssl, bytes.p, (int)bytes.len);
		ERR_clear_error();
	}
	struct slice rest = slice_from(bytes, n > 0 ? (size_t)n : 0);
	if (rest.len == 0)
		return;
	if (buffer_append(&c->out, rest) < 0)
		give_up("the server does not read what one session sends (%d bytes wait)",
			OUT_LIMIT);
	want_writable(c, true);
}

/* Hands up the whole pieces of bytes; the number of bytes they took, or -1 when closed by it. */
static ssize_t
hand_up(struct conn *c, struct slice bytes)
{
	size_t done = 0;
	struct slice piece;
	size_t used;
	enum cut kind;

	while ((kind = cut_next(slice_from(bytes, done), &piece, &used)) != CUT_MORE) {
		done += used;
		c->owner->piece(c, kind, piece);
		if (!conn_is_open(c))
			return -1;
	}
	return (ssize_t)done;
}

static void
take(struct conn *c, struct slice bytes)
{
	ssize_t n;

	if (c->in.len == 0) {
		n = hand_up(c, bytes);
		if (n >= 0 && (size_t)n < bytes.len)
			(void)buffer_append(&c->in, slice_from(bytes, (size_t)n));
		return;
	}
	if (buffer_append(&c->in, bytes) < 0) {
		end(c, false, "the server sent a stanza of more than 4 MiB");
		return;
	}
	n = hand_up(c, buffer_slice(&c->in));
	if (n >= 0)
		buffer_consume(&c->in, (size_t)n);
}

static void
read_plain(struct conn *c)
{
	ssize_t n = recv(c->fd, c->set->scratch, sizeof(c->set->scratch), 0);

	if (n > 0)
		take(c, slice_make(c->set->scratch, (size_t)n));
	else if (n == 0)
		end(c, true, "closed by the server");
	else if (errno != EAGAIN)
		end(c, false, "connection lost");
}

static void
read_tls(struct conn *c)
{
	do {
		int n = SSL_read(c->ssl, c->set->scratch, sizeof(c->set->scratch));
		if (n <= 0) {
			(void)tls_wait(c, n);
			return;
		}
		take(c, slice_make(c->set->scratch, (size_t)n));
	} while (conn_is_open(c) && c->ssl != NULL && SSL_has_pending(c->ssl) == 1);
}

static void
connected(struct conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		end(c, false, error == ECONNREFUSED ? "connection refused" : "cannot connect");
		return;
	}
	c->connecting = false;
	want_writable(c, false);
	if (c->handshaking)
		handshake(c);
	else
		c->owner->opened(c);
}

void
conn_handle(struct conn *c, uint32_t events)
{
	if (!conn_is_open(c))
		return;
	c->set->progress++;
	if (c->connecting) {
		connected(c);
		return;
	}
	if (c->handshaking) {
		handshake(c);
		return;
	}
	if ((events & EPOLLOUT) != 0)
		flush(c);
	if (!conn_is_open(c) || (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0)
		return;
	if (c->ssl != NULL)
		read_tls(c);
	else
		read_plain(c);
}
