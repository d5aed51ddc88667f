/*
 * Fields are NAME=value and a newline; a value with a newline in it goes as its name, a newline,
 * its length in 8 bytes (little endian), its bytes and a newline. What is too large for a
 * datagram goes as a sealed memory file.
 */
#include "base/journal.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { NAME_MOST = 64 };

struct journal {
	int fd;
	struct sockaddr_un to; /* not connected, so that a new journal at the same place is found */
};

struct journal *
journal_open(const char *path)
{
	struct journal *journal = xcalloc(1, sizeof(*journal));
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	journal->to.sun_family = AF_UNIX;
	(void)snprintf(journal->to.sun_path, sizeof(journal->to.sun_path), "%s",
		path == NULL ? "/run/systemd/journal/socket" : path);
	journal->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Connected for a moment, to see whether somebody listens. */
	if (journal->fd < 0 || connect(journal->fd, (const struct sockaddr *)&journal->to,
				       sizeof(journal->to)) < 0)
		journal_close(&journal);
	else
		(void)connect(journal->fd, &nobody, sizeof(nobody));
	return journal;
}

void
journal_close(struct journal **journal)
{
	if (*journal != NULL && (*journal)->fd >= 0)
		(void)close((*journal)->fd);
	free(*journal);
	*journal = NULL;
}

/* Upper case, and an underscore for what is no letter and no digit. */
static struct slice
field_name(const char *name, char out[NAME_MOST])
{
	size_t n = 0;

	for (; n < NAME_MOST && name[n] != '\0'; n++)
		out[n] = isalnum((unsigned char)name[n]) ? (char)toupper((unsigned char)name[n])
							 : '_';
	return slice_make(out, n);
}

int
journal_add(struct buffer *entry, const char *name, struct slice value)
{
	char upper[NAME_MOST];
	struct slice field = field_name(name, upper);
	uint64_t length = htole64(value.len);
	bool binary = slice_find(value, '\n') < value.len;

	if (buffer_reserve(entry, field.len + value.len + sizeof(length) + 2) < 0)
		return -ENOBUFS;
	(void)buffer_append(entry, field);
	(void)buffer_text(entry, binary ? "\n" : "=");
	if (binary)
		(void)buffer_append(entry, slice_make((const char *)&length, sizeof(length)));
	(void)buffer_append(entry, value);
	(void)buffer_text(entry, "\n");
	return 0;
}

static int
send_message(struct journal *journal, const struct msghdr *message)
{
	ssize_t n;

	do {
		n = sendmsg(journal->fd, message, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int
send_descriptor(struct journal *journal, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct msghdr message = {
		.msg_name = &journal->to,
		.msg_namelen = sizeof(journal->to),
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return send_message(journal, &message);
}

/* The journal takes a memory file only when nobody can change it any more. */
static int
send_as_file(struct journal *journal, struct slice entry)
{
	int fd = memfd_create("kith-log", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, entry.p, entry.len) != (ssize_t)entry.len ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) <
			0)
		r = errno == 0 ? -EIO : -errno;
	if (r == 0)
		r = send_descriptor(journal, fd);
	(void)close(fd);
	return r;
}

int
journal_send(struct journal *journal, struct slice entry)
{
	struct iovec bytes = { .iov_base = NULL, .iov_len = entry.len };
	struct msghdr message = {
		.msg_name = &journal->to,
		.msg_namelen = sizeof(journal->to),
		.msg_iov = &bytes,
		.msg_iovlen = 1,
	};
	int r;

	memcpy(&bytes.iov_base, &entry.p, sizeof(entry.p)); /* only read, but not declared so */
	r = send_message(journal, &message);
	return r == -EMSGSIZE || r == -ENOBUFS ? send_as_file(journal, entry) : r;
}
