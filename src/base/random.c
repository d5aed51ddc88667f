/* Randomness from the kernel, and unguessable tokens made of it. */
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

void
random_token(char out[TOKEN_CHARS + 1])
{
	static const char
		alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned char bytes[TOKEN_CHARS];

	random_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < TOKEN_CHARS; i++)
		out[i] = alphabet[bytes[i] & 63];
	out[TOKEN_CHARS] = '\0';
}
