/*
 * The bare epoll relay: what any server must at least do to carry the traffic. A connection begins
 * with the line "pair N"; two with the same N are joined, each is told "<paired/>", and from then
 * on what one read brings from one of them is one write to the other. With "member ADDRESS" and
 * "hub ADDRESS" what one read brings from the hub, a <presence>, is written once to each member,
 * and to the hub, with the two addresses in its start tag, as a server has to write it. With
 * --handshake it only accepts TLS and closes. No queues, no parsing, nothing that a server would
 * need beside: `make bench` divides a server's CPU time by this program's.
 *
 * TLS is set up as kithd's: OpenSSL with released buffers, no tickets, no session cache, and with
 * read-ahead, so that a record costs one read and one write here and there.
 *
 * usage: relay [--cert FILE --key FILE] [--handshake]
 * Prints {"pid": N, "port": N} when it listens on a port of 127.0.0.1 that the kernel picks.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	EVENTS = 256,
	PEERS = 20000,
	PAIRS = PEERS / 2,
	READ_BYTES = 65536,
	BACKLOG = 1024,
	ADDRESS_BYTES = 128,
};

struct peer {
	int fd;
	SSL *ssl;
	bool ready; /* TLS is up */
	struct peer *partner;
	unsigned pair;               /* PAIRS: not told yet */
	struct peer *next;           /* in relay.members */
	char address[ADDRESS_BYTES]; /* of a member or the hub */
};

struct relay {
	int epoll, listener;
	SSL_CTX *tls;
	bool handshake_only;
	struct peer *waiting[PAIRS];
	struct peer *hub, *members; /* the hub is one of them */
	struct peer peers[PEERS];   /* by descriptor */
	char scratch[READ_BYTES];
	char copy[READ_BYTES];
};

static SSL_CTX *
server_tls(const char *cert, const char *key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
		SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		errx(1, "cannot use %s and %s", cert, key);
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_read_ahead(ctx, 1);
	return ctx;
}

static int
listen_on_loopback(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, BACKLOG) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		err(1, "cannot listen");
	(void)printf("{\"pid\": %d, \"port\": %d}\n", (int)getpid(), ntohs(address.sin_port));
	(void)fflush(stdout);
	return fd;
}

/* A group lasts until the first of it goes. */
static void
leave(struct relay *relay, struct peer *p)
{
	relay->hub = NULL;
	while (relay->members != NULL) {
		relay->members->address[0] = '\0';
		relay->members = relay->members->next;
	}
	p->address[0] = '\0';
}

static void
drop(struct relay *relay, struct peer *p)
{
	if (p->partner != NULL)
		p->partner->partner = NULL;
	else if (p->pair != PAIRS && relay->waiting[p->pair] == p)
		relay->waiting[p->pair] = NULL;
	else if (p->address[0] != '\0')
		leave(relay, p);
	if (p->ready)
		(void)SSL_shutdown(p->ssl);
	SSL_free(p->ssl);
	ERR_clear_error();
	(void)close(p->fd);
}

static void
accept_peers(struct relay *relay)
{
	const int on = 1;
	int fd;

	while ((fd = accept4(relay->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (fd >= PEERS)
			errx(1, "more than %d connections", PEERS);
		struct peer *p = &relay->peers[fd];
		*p = (struct peer){ .fd = fd, .pair = PAIRS };
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (relay->tls != NULL) {
			p->ssl = SSL_new(relay->tls);
			if (p->ssl == NULL || SSL_set_fd(p->ssl, fd) != 1)
				errx(1, "OpenSSL cannot make a connection");
			SSL_set_accept_state(p->ssl);
		}
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = p };
		if (epoll_ctl(relay->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
			err(1, "cannot watch a connection");
	}
}

/* Bytes, 0 for "nothing now", -1 for the end. */
static ssize_t
read_some(struct relay *relay, struct peer *p)
{
	if (p->ssl == NULL) {
		ssize_t n = recv(p->fd, relay->scratch, READ_BYTES, 0);
		return n > 0 ? n : n < 0 && errno == EAGAIN ? 0 : -1;
	}
	int n = SSL_read(p->ssl, relay->scratch, READ_BYTES);
	if (n > 0)
		return n;
	return SSL_get_error(p->ssl, n) == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* The traffic fits into a socket buffer; a peer that does not read is not worth a queue here. */
static void
write_all(struct peer *p, const char *bytes, size_t len)
{
	ssize_t n = p->ssl == NULL ? send(p->fd, bytes, len, MSG_NOSIGNAL)
				   : SSL_write(p->ssl, bytes, (int)len);

	if (n >= 0 && (size_t)n < len)
		errx(1, "a connection is full; the relay has no queues");
}

static const char paired[] = "<paired/>";

static bool
join_group(struct relay *relay, struct peer *p, const char *address)
{
	size_t len = strcspn(address, "\n");

	if (len == 0 || len >= ADDRESS_BYTES)
		return false;
	memcpy(p->address, address, len);
	p->address[len] = '\0';
	p->next = relay->members;
	relay->members = p;
	write_all(p, paired, sizeof(paired) - 1);
	return true;
}

/* What kithd writes for a change of presence, byte for byte. */
static void
fan_out(struct relay *relay, size_t len)
{
	static const char start[] = "<presence>";
	const char *rest = relay->scratch + sizeof(start) - 1;
	size_t rest_len = len - (sizeof(start) - 1);

	if (len < sizeof(start) || memcmp(relay->scratch, start, sizeof(start) - 1) != 0)
		errx(1, "the hub sent no <presence>, or not in one piece");
	for (struct peer *p = relay->members; p != NULL; p = p->next) {
		int n = snprintf(relay->copy, sizeof(relay->copy) - rest_len,
			"<presence from='%s' to='%s' xml:lang='en'>", relay->hub->address,
			p->address);
		memcpy(relay->copy + n, rest, rest_len);
		write_all(p, relay->copy, (size_t)n + rest_len);
	}
}

static bool
join_pair(struct relay *relay, struct peer *p, const char *number)
{
	unsigned long pair = strtoul(number, NULL, 10);
	if (pair >= PAIRS)
		return false;
	p->pair = (unsigned)pair;
	struct peer *other = relay->waiting[p->pair];
	if (other == NULL) {
		relay->waiting[p->pair] = p;
		return true;
	}
	relay->waiting[p->pair] = NULL;
	p->partner = other;
	other->partner = p;
	write_all(other, paired, sizeof(paired) - 1);
	write_all(p, paired, sizeof(paired) - 1);
	return true;
}

/* The first line of a connection; it arrives in one piece on loopback. */
static bool
join(struct relay *relay, struct peer *p, size_t len)
{
	char *line = relay->scratch;

	line[len < READ_BYTES ? len : READ_BYTES - 1] = '\0';
	if (strncmp(line, "pair ", 5) == 0)
		return join_pair(relay, p, line + 5);
	if (strncmp(line, "member ", 7) == 0)
		return join_group(relay, p, line + 7);
	if (strncmp(line, "hub ", 4) != 0 || relay->hub != NULL)
		return false;
	relay->hub = p;
	return join_group(relay, p, line + 4);
}

/* False when the connection is over. */
static bool
serve(struct relay *relay, struct peer *p)
{
	if (p->ssl != NULL && !p->ready) {
		int r = SSL_accept(p->ssl);
		if (r != 1)
			return SSL_get_error(p->ssl, r) == SSL_ERROR_WANT_READ;
		p->ready = true;
		if (relay->handshake_only)
			return false;
	}
	do {
		ssize_t n = read_some(relay, p);
		if (n <= 0)
			return n == 0;
		if (p->partner != NULL)
			write_all(p->partner, relay->scratch, (size_t)n);
		else if (p == relay->hub)
			fan_out(relay, (size_t)n);
		else if (p->pair != PAIRS || !join(relay, p, (size_t)n))
			return false;
	} while (p->ssl != NULL && SSL_has_pending(p->ssl) == 1);
	return true;
}

static void
run(struct relay *relay)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n = epoll_wait(relay->epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct peer *p = events[i].data.ptr;
			if (p == NULL)
				accept_peers(relay);
			else if (!serve(relay, p))
				drop(relay, p);
		}
	}
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "cert", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' },
		{ "handshake", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *cert = NULL;
	const char *key = NULL;
	struct relay *relay = calloc(1, sizeof(*relay));
	int option;

	if (relay == NULL)
		err(1, "no memory");
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			cert = optarg;
		else if (option == 'k')
			key = optarg;
		else if (option == 'h')
			relay->handshake_only = true;
		else
			errx(2, "usage: relay [--cert FILE --key FILE] [--handshake]");
	}
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (cert != NULL && key != NULL)
		relay->tls = server_tls(cert, key);
	relay->epoll = epoll_create1(EPOLL_CLOEXEC);
	relay->listener = listen_on_loopback();
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
	if (epoll_ctl(relay->epoll, EPOLL_CTL_ADD, relay->listener, &event) < 0)
		err(1, "cannot watch the listener");
	run(relay);
}
