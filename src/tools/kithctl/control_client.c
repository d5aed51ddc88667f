/* Blocking reads and writes on a Unix socket. */
#include "tools/kithctl/control_client.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_LIMIT = 64 * 1024 * 1024, CHUNK = 64 * 1024 };

int
control_connect(struct control *control, const char *directory)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/kithd.sock", directory);

	if (len < 0 || (size_t)len >= sizeof(address.sun_path)) {
		(void)fprintf(stderr,
			"kithctl: %s: this path is too long for a socket; "
			"use a shorter directory\n",
			directory);
		return -1;
	}
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (control->fd < 0 ||
		connect(control->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		(void)fprintf(stderr,
			"kithctl: no server answers at %s (%s); is kithd running with "
			"this directory, and may you write to its socket?\n",
			address.sun_path, strerror(errno));
		if (control->fd >= 0)
			(void)close(control->fd);
		return -1;
	}
	buffer_init(&control->in, ANSWER_LIMIT);
	control->taken = 0;
	return 0;
}

void
control_close(struct control *control)
{
	(void)close(control->fd);
	buffer_finish(&control->in);
}

static int
write_all(int fd, const char *at, size_t left)
{
	while (left > 0) {
		ssize_t n = send(fd, at, left, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			(void)fprintf(stderr,
				"kithctl: the server closed the connection (%s); its "
				"log says why\n",
				strerror(errno));
			return -1;
		}
		at += n;
		left -= (size_t)n;
	}
	return 0;
}

int
control_send(struct control *control, const char *const *words, size_t count)
{
	struct buffer line;
	int r;

	buffer_init(&line, CHUNK);
	for (size_t i = 0; i < count; i++) {
		if (strpbrk(words[i], "\t\r\n") != NULL) {
			(void)fprintf(
				stderr, "kithctl: tabs and line ends are not possible here\n");
			buffer_finish(&line);
			return -1;
		}
		(void)buffer_text(&line, i == 0 ? "" : "\t");
		(void)buffer_text(&line, words[i]);
	}
	(void)buffer_text(&line, "\n");
	r = line.overflowed ? -1 : write_all(control->fd, line.data, line.len);
	buffer_finish(&line);
	return r;
}

/* The next line of the answer, without its end; p NULL when the connection broke. */
static struct slice
next_line(struct control *control)
{
	for (;;) {
		struct slice rest = slice_from(buffer_slice(&control->in), control->taken);
		size_t end = slice_find(rest, '\n');
		ssize_t n;

		if (end < rest.len) {
			control->taken += end + 1;
			return slice_make(rest.p, end);
		}
		buffer_consume(&control->in, control->taken);
		control->taken = 0;
		if (buffer_reserve(&control->in, CHUNK) < 0)
			return NO_SLICE;
		n = read(control->fd, control->in.data + control->in.len, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return NO_SLICE;
		control->in.len += (size_t)n;
	}
}

int
control_answer(struct control *control, FILE *out, char *error_out, size_t size)
{
	for (;;) {
		struct slice line = next_line(control);

		if (line.p == NULL) {
			(void)fprintf(stderr,
				"kithctl: the server ended before it answered; its log "
				"says why\n");
			return -1;
		}
		if (slice_is_text(line, "ok"))
			return 0;
		if (slice_starts(line, SLICE("error "))) {
			(void)snprintf(error_out, size, "%.*s", SLICE_ARG(slice_from(line, 6)));
			return 1;
		}
		if (out != NULL && line.len > 0)
			(void)fprintf(out, "%.*s\n", SLICE_ARG(slice_from(line, 1)));
	}
}
