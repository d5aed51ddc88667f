/* Blocking reads and writes on a Unix socket. */
#include "tools/kithctl/control_client.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_LIMIT = 128 * 1024 * 1024, LINE_LIMIT = 32 * 1024 * 1024, CHUNK = 64 * 1024 };

static int
connect_to(struct control *control, const struct sockaddr_un *address, bool loud)
{
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (control->fd >= 0 &&
		connect(control->fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return 0;
	if (loud)
		(void)fprintf(stderr,
			"kithctl: no server answers at %s (%s); is kithd running with this "
			"directory, and may you write to its socket?\n",
			address->sun_path, strerror(errno));
	if (control->fd >= 0)
		(void)close(control->fd);
	return -1;
}

int
control_connect(struct control *control, const char *directory, bool loud)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/kithd.sock", directory);

	if (len < 0 || (size_t)len >= sizeof(address.sun_path)) {
		if (loud)
			(void)fprintf(stderr,
				"kithctl: %s: this path is too long for a socket; use a shorter "
				"directory\n",
				directory);
		return -1;
	}
	if (connect_to(control, &address, loud) < 0)
		return -1;
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

	buffer_init(&line, LINE_LIMIT);
	for (size_t i = 0; i < count; i++)
		control_put_word(&line, slice_of(words[i]), i == 0);
	(void)buffer_text(&line, "\n");
	if (line.overflowed)
		(void)fprintf(stderr, "kithctl: this is longer than a server reads (%d MiB)\n",
			LINE_LIMIT / 1024 / 1024);
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

static struct record
read_record(struct slice line, struct arena *arena)
{
	struct record record = { .fields = NULL };
	size_t most = 1;

	for (size_t i = 0; i < line.len; i++)
		most += line.p[i] == '\t';
	record.fields = arena_array(arena, most, struct control_field);
	while (line.p != NULL) {
		struct slice word = control_take_word(&line, arena);

		if (control_read_field(word, &record.fields[record.count]) == 0)
			record.count++;
	}
	return record;
}

static void
add_record(struct answer *answer, size_t *room, struct slice line)
{
	if (answer->count == *room) {
		*room = *room * 2 + 16;
		answer->records = xrealloc(
			answer->records, size_mul(*room, sizeof(*answer->records)));
	}
	answer->records[answer->count++] = read_record(line, &answer->arena);
}

int
control_answer(struct control *control, struct answer *answer)
{
	size_t room = 0;

	*answer = (struct answer){ .records = NULL };
	arena_init(&answer->arena, CHUNK);
	for (;;) {
		struct slice line = next_line(control);

		if (line.p == NULL) {
			(void)fprintf(stderr, "kithctl: the server ended before it answered; its "
					      "log says why\n");
			return -1;
		}
		if (slice_is_text(line, "ok"))
			return 0;
		if (slice_starts(line, SLICE("error "))) {
			line = slice_from(line, 6);
			answer->error = control_take_word(&line, &answer->arena).p;
			return 0;
		}
		if (slice_starts(line, SLICE("=")))
			add_record(answer, &room, slice_from(line, 1));
	}
}

void
answer_finish(struct answer *answer)
{
	free(answer->records);
	arena_finish(&answer->arena);
}

struct slice
record_value(const struct record *record, const char *name)
{
	for (size_t i = 0; i < record->count; i++) {
		if (slice_is_text(record->fields[i].name, name))
			return record->fields[i].value;
	}
	return NO_SLICE;
}
