/* A list of descriptors, each with the address at which it listens. */
#include "io/inherited.h"

#include "base/slice.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIRST_FD = 3, FDS_MOST = 1024 };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage most;
};

struct inherited {
	size_t count;
	struct {
		int fd; /* -1: taken */
		union address address;
	} v[];
};

static uint64_t
take_number(const char *name, uint64_t most)
{
	const char *text = getenv(name);
	uint64_t number;

	if (text == NULL || slice_to_uint(slice_of(text), most, &number) < 0)
		number = 0;
	(void)unsetenv(name);
	return number;
}

static bool
listens(int fd, union address *address_out)
{
	socklen_t size = sizeof(*address_out);
	int is_listening = 0;
	socklen_t flag_size = sizeof(is_listening);

	*address_out = (union address){ .any = { 0 } };
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &flag_size) == 0 &&
	       is_listening != 0 && getsockname(fd, &address_out->any, &size) == 0;
}

struct inherited *
inherited_create(void)
{
	uint64_t pid = take_number("LISTEN_PID", INT32_MAX);
	uint64_t count = take_number("LISTEN_FDS", FDS_MOST);
	struct inherited *inherited;

	(void)unsetenv("LISTEN_FDNAMES");
	if (pid != (uint64_t)getpid() || count == 0)
		return NULL;
	inherited = xcalloc(1, sizeof(*inherited) + count * sizeof(inherited->v[0]));
	for (int fd = FIRST_FD; fd < FIRST_FD + (int)count; fd++) {
		size_t i = inherited->count;

		if (!listens(fd, &inherited->v[i].address))
			continue;
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		(void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		inherited->v[i].fd = fd;
		inherited->count++;
	}
	return inherited;
}

void
inherited_destroy(struct inherited **inherited)
{
	for (size_t i = 0; *inherited != NULL && i < (*inherited)->count; i++) {
		if ((*inherited)->v[i].fd >= 0)
			(void)close((*inherited)->v[i].fd);
	}
	free(*inherited);
	*inherited = NULL;
}

static bool
is_same(const union address *a, const union address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_port == b->v4.sin_port &&
		       a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return a->any.sa_family == AF_INET6 && a->v6.sin6_port == b->v6.sin6_port &&
	       memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
}

int
inherited_take(struct inherited *inherited, const struct sockaddr *address)
{
	union address wanted = { .any = { 0 } };

	if (address->sa_family == AF_INET)
		memcpy(&wanted.v4, address, sizeof(wanted.v4));
	else if (address->sa_family == AF_INET6)
		memcpy(&wanted.v6, address, sizeof(wanted.v6));
	for (size_t i = 0; inherited != NULL && i < inherited->count; i++) {
		int fd = inherited->v[i].fd;

		if (fd < 0 || !is_same(&wanted, &inherited->v[i].address))
			continue;
		inherited->v[i].fd = -1;
		return fd;
	}
	return -1;
}
