/* Randomness from the kernel. Alone in its file, so that a simulation can link another one. */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

void
random_bytes(void *out, size_t size)
{
	char *at = out;

	while (size > 0) {
		ssize_t got = getrandom(at, size, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			die("The kernel gives no random bytes (getrandom: %s).", strerror(errno));
		at += got;
		size -= (size_t)got;
	}
}
