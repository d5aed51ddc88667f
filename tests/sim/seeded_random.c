/*
 * Takes the place of base/random.c, whose file the linker then leaves out: what the server thinks
 * is randomness of the kernel follows a seed, also inside OpenSSL. Only in tests.
 */
#define OPENSSL_API_COMPAT 0x10100000L
#include "seeded_random.h"

#include "base/random.h"

#include <openssl/rand.h>

static uint64_t state;

void
random_bytes(void *out, size_t size)
{
	unsigned char *at = out;

	for (size_t i = 0; i < size; i++) {
		uint64_t z = state += 0x9e3779b97f4a7c15u;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		at[i] = (unsigned char)((z ^ (z >> 31)) >> 24);
	}
}

static int
openssl_bytes(unsigned char *out, int size)
{
	random_bytes(out, (size_t)size);
	return 1;
}

static int
openssl_status(void)
{
	return 1;
}

void
seeded_random(uint64_t seed)
{
	static const RAND_METHOD method = {
		.bytes = openssl_bytes,
		.pseudorand = openssl_bytes,
		.status = openssl_status,
	};

	state = seed;
	(void)RAND_set_rand_method(&method);
}
