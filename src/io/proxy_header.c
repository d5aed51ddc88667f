/* Strict: what is no complete header of either version is refused. */
#include "io/proxy_header.h"

#include "io/conn_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";

static void
map_v4(struct peer *peer, const void *v4)
{
	memset(&peer->address, 0, sizeof(peer->address));
	peer->address.s6_addr[10] = peer->address.s6_addr[11] = 0xff;
	memcpy(&peer->address.s6_addr[12], v4, 4);
}

static uint16_t
read_u16(const char *p)
{
	return (uint16_t)((unsigned char)p[0] << 8 | (unsigned char)p[1]);
}

static ssize_t
parse_v2(struct slice bytes, struct peer *peer_out)
{
	size_t len;
	unsigned char command, family;

	if (bytes.len < 16)
		return -EAGAIN;
	command = (unsigned char)bytes.p[12];
	family = (unsigned char)bytes.p[13];
	len = read_u16(bytes.p + 14);
	if ((command & 0xf0) != 0x20 || (command & 0x0f) > 1 || len + 16 > PROXY_MOST)
		return -EPROTO;
	if (bytes.len < 16 + len)
		return -EAGAIN;
	if ((command & 0x0f) == 0)
		return (ssize_t)(16 + len);
	if (family == 0x11 && len >= 12) {
		map_v4(peer_out, bytes.p + 16);
		peer_out->port = read_u16(bytes.p + 24);
	} else if (family == 0x21 && len >= 36) {
		memcpy(&peer_out->address, bytes.p + 16, 16);
		peer_out->port = read_u16(bytes.p + 48);
	} else {
		return -EPROTO;
	}
	return (ssize_t)(16 + len);
}

/* The next word up to a space; p NULL when there is none. */
static struct slice
next_word(struct slice *line)
{
	size_t n = slice_find(*line, ' ');
	struct slice word = slice_make(line->p, n);

	if (n == 0)
		return NO_SLICE;
	*line = slice_from(*line, n < line->len ? n + 1 : n);
	return word;
}

static int
read_address(struct slice word, bool is_v4, struct peer *peer)
{
	char text[INET6_ADDRSTRLEN];
	struct in_addr v4;

	if (word.p == NULL || word.len >= sizeof(text))
		return -EPROTO;
	memcpy(text, word.p, word.len);
	text[word.len] = '\0';
	if (!is_v4)
		return inet_pton(AF_INET6, text, &peer->address) == 1 ? 0 : -EPROTO;
	if (inet_pton(AF_INET, text, &v4) != 1)
		return -EPROTO;
	map_v4(peer, &v4);
	return 0;
}

/* "TCP4 source destination port port". */
static int
parse_v1_line(struct slice line, struct peer *peer_out)
{
	struct slice family = next_word(&line), source, destination, port, other;
	struct peer peer = { 0 }, ignored = { 0 };
	bool is_v4 = slice_is_text(family, "TCP4");
	uint64_t number, other_number;

	if (slice_is_text(family, "UNKNOWN"))
		return 0;
	if (!is_v4 && !slice_is_text(family, "TCP6"))
		return -EPROTO;
	source = next_word(&line);
	destination = next_word(&line);
	port = next_word(&line);
	other = next_word(&line);
	if (read_address(source, is_v4, &peer) < 0 ||
		read_address(destination, is_v4, &ignored) < 0 || line.len > 0 ||
		slice_to_uint(port, 65535, &number) < 0 ||
		slice_to_uint(other, 65535, &other_number) < 0)
		return -EPROTO;
	*peer_out = peer;
	peer_out->port = (uint16_t)number;
	return 0;
}

static ssize_t
parse_v1(struct slice bytes, struct peer *peer_out)
{
	enum { LONGEST = 107 }; /* with its CRLF */
	size_t end = slice_find(bytes, '\r');

	if (end == bytes.len || end + 1 == bytes.len)
		return bytes.len >= LONGEST ? -EPROTO : -EAGAIN;
	if (end + 2 > LONGEST || bytes.p[end + 1] != '\n')
		return -EPROTO;
	if (parse_v1_line(slice_make(bytes.p + 6, end - 6), peer_out) < 0)
		return -EPROTO;
	return (ssize_t)end + 2;
}

static bool
may_begin(struct slice bytes, const char *with, size_t len)
{
	return memcmp(bytes.p, with, bytes.len < len ? bytes.len : len) == 0;
}

ssize_t
proxy_parse(struct slice bytes, struct peer *peer_out)
{
	if (bytes.len == 0)
		return -EAGAIN;
	if (may_begin(bytes, signature, sizeof(signature)))
		return parse_v2(bytes, peer_out);
	if (!may_begin(bytes, "PROXY ", 6))
		return -EPROTO;
	return bytes.len <= 6 ? -EAGAIN : parse_v1(bytes, peer_out);
}

int
proxy_take(struct conn *conn)
{
	char bytes[PROXY_MOST];
	struct loop *loop = conn->loop;
	int fd = conn->watch.fd;
	ssize_t n = loop->backend->receive(loop, fd, bytes, sizeof(bytes), true), len;

	if (n < 0)
		return -errno;
	if (n == 0)
		return -EPROTO;
	len = proxy_parse(slice_make(bytes, (size_t)n), &conn->peer);
	if (len < 0)
		return (int)len;
	n = loop->backend->receive(loop, fd, bytes, (size_t)len, false);
	return n == len ? 0 : -EPROTO;
}
