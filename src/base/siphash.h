/*
 * SipHash-1-3: a keyed hash for tables whose keys a peer chooses. Who does not know the key
 * cannot make keys that collide.
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/slice.h"

struct hash_key {
	uint64_t k0, k1;
};

/* A key from the kernel's randomness. */
struct hash_key hash_key_random(void);

uint64_t siphash(const struct hash_key *key, struct slice data);

#endif
