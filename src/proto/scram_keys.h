/*
 * What is kept of a password: SCRAM's StoredKey and ServerKey for each hash (RFC 5802, 3). Who
 * steals them can neither sign in with them nor read the password from them.
 *
 * Everything here is without state and for any thread. The functions marked "slow" run PBKDF2,
 * which takes milliseconds on purpose: they belong on a worker, never on a loop. A password is
 * always a prepared one (proto/password.h).
 */
#ifndef PROTO_SCRAM_KEYS_H
#define PROTO_SCRAM_KEYS_H

#include "base/buffer.h"

enum scram_hash { SCRAM_SHA_1, SCRAM_SHA_256, SCRAM_SHA_512, SCRAM_HASHES };

enum {
	SCRAM_HASH_MAX = 64,         /* bytes of the longest hash */
	SCRAM_SALT_BYTES = 16,       /* of the salts that we make (XEP-0438, 3.1) */
	SCRAM_SALT_MAX = 128,        /* of the salts that we take */
	SCRAM_ITERATIONS = 10000,    /* of the keys that we make, unless told otherwise */
	SCRAM_ITERATIONS_MIN = 4096, /* RFC 7677, 4 */
	SCRAM_ITERATIONS_MAX = 10000000,
	SCRAM_MANY = 16, /* passwords at once: as many as fill the widest vectors */
};

struct scram_keys {
	uint32_t iterations; /* 0: there are no keys for this hash */
	uint8_t hash;        /* enum scram_hash */
	uint8_t salt_len;
	unsigned char salt[SCRAM_SALT_MAX];
	unsigned char stored_key[SCRAM_HASH_MAX], server_key[SCRAM_HASH_MAX];
};

/* One account's, by enum scram_hash; each hash has a salt of its own. */
struct scram_credentials {
	struct scram_keys keys[SCRAM_HASHES];
};

/* The client's half, which it may keep instead of the password (RFC 5802, 3). */
struct scram_client_keys {
	uint32_t iterations; /* 0: nothing here yet */
	uint8_t hash;        /* enum scram_hash */
	uint8_t salt_len;
	unsigned char salt[SCRAM_SALT_MAX];
	unsigned char client_key[SCRAM_HASH_MAX], server_key[SCRAM_HASH_MAX];
};

/* Bytes of the hash: 20, 32, 64. */
size_t scram_hash_bytes(enum scram_hash hash);

/* "SCRAM-SHA-1" and so on: the mechanism without channel binding, also the scheme in storage. */
const char *scram_hash_name(enum scram_hash hash);

/*
 * Slow. salt: 1 to SCRAM_SALT_MAX bytes; iterations: 1 to SCRAM_ITERATIONS_MAX. 0, or -EINVAL
 * when they are not in these bounds.
 */
int scram_keys_make(struct slice password, enum scram_hash hash, struct slice salt,
	uint32_t iterations, struct scram_keys *out);
int scram_client_keys_make(struct slice password, enum scram_hash hash, struct slice salt,
	uint32_t iterations, struct scram_client_keys *out);

/*
 * From SaltedPassword, of which the hash's bytes are given: what is quick about scram_keys_make.
 * salt and iterations are within its bounds, and only kept.
 */
void scram_keys_of_salted(const unsigned char *salted, enum scram_hash hash, struct slice salt,
	uint32_t iterations, struct scram_keys *out);

/* Slow, three times: keys for all hashes, with new random salts. 0, or -EINVAL (iterations). */
int scram_credentials_make(
	struct slice password, uint32_t iterations, struct scram_credentials *out);

/*
 * The same for up to SCRAM_MANY passwords, which takes a fraction of the time where the processor
 * has vectors (proto/pbkdf2.h). -EINVAL also: too many; then nothing is made.
 */
int scram_credentials_make_many(const struct slice *passwords, size_t count, uint32_t iterations,
	struct scram_credentials *const *out);

/*
 * Slow. Whether this is the password. Uses SHA-256 where there are keys for it, otherwise what
 * there is; false, as slow as ever, if there are no keys at all. Takes the same time for a right
 * and a wrong password.
 */
bool scram_password_fits(const struct scram_credentials *credentials, struct slice password);

/*
 * The text for storage, one item per hash with a space between, each as RFC 5803 has it without
 * its braces: "SCRAM-SHA-256$10000:SALT$STOREDKEY:SERVERKEY". write appends, 0 or -ENOBUFS.
 * parse is strict and accepts items of each known hash once in any order. 0, or -EINVAL.
 */
int scram_credentials_write(const struct scram_credentials *credentials, struct buffer *out);
int scram_credentials_parse(struct slice text, struct scram_credentials *out);

#endif
