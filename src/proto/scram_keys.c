/* SCRAM keys: from a password by PBKDF2, to and from storage, and made up for nobody. */
#include "proto/scram_keys.h"

#include "base/random.h"
#include "proto/pbkdf2.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static const struct {
	const char *name;
	size_t bytes;
	const EVP_MD *(*digest)(void);
} hashes[SCRAM_HASHES] = {
	[SCRAM_SHA_1] = { "SCRAM-SHA-1", 20, EVP_sha1 },
	[SCRAM_SHA_256] = { "SCRAM-SHA-256", 32, EVP_sha256 },
	[SCRAM_SHA_512] = { "SCRAM-SHA-512", 64, EVP_sha512 },
};

size_t
scram_hash_bytes(enum scram_hash hash)
{
	return hashes[hash].bytes;
}

const char *
scram_hash_name(enum scram_hash hash)
{
	return hashes[hash].name;
}

static void
must(bool worked)
{
	if (!worked)
		die("OpenSSL cannot compute HMAC; see its configuration.");
}

static void
hmac(enum scram_hash hash, const unsigned char *key, struct slice data, unsigned char *out)
{
	must(HMAC(hashes[hash].digest(), key, (int)hashes[hash].bytes,
		     (const unsigned char *)data.p, data.len, out, NULL) != NULL);
}

/* StoredKey is H(ClientKey), which is wiped. */
static void
store_key(enum scram_hash hash, unsigned char *client_key, unsigned char *out)
{
	must(EVP_Digest(client_key, hashes[hash].bytes, out, NULL, hashes[hash].digest(), NULL) ==
		1);
	OPENSSL_cleanse(client_key, hashes[hash].bytes);
}

int
scram_client_keys_make(struct slice password, enum scram_hash hash, struct slice salt,
	uint32_t iterations, struct scram_client_keys *out)
{
	unsigned char salted[SCRAM_HASH_MAX];

	if (salt.len == 0 || salt.len > SCRAM_SALT_MAX || password.len > INT32_MAX ||
		iterations == 0 || iterations > SCRAM_ITERATIONS_MAX)
		return -EINVAL;
	*out = (struct scram_client_keys){
		.iterations = iterations,
		.hash = (uint8_t)hash,
		.salt_len = (uint8_t)salt.len,
	};
	memcpy(out->salt, salt.p, salt.len);
	/* SaltedPassword is Hi(password), which is PBKDF2. */
	pbkdf2(password, salt, iterations, hash, salted);
	hmac(hash, salted, SLICE("Client Key"), out->client_key);
	hmac(hash, salted, SLICE("Server Key"), out->server_key);
	OPENSSL_cleanse(salted, sizeof(salted));
	return 0;
}

int
scram_keys_make(struct slice password, enum scram_hash hash, struct slice salt, uint32_t iterations,
	struct scram_keys *out)
{
	struct scram_client_keys keys;
	int r = scram_client_keys_make(password, hash, salt, iterations, &keys);

	if (r < 0)
		return r;
	*out = (struct scram_keys){
		.iterations = iterations,
		.hash = keys.hash,
		.salt_len = keys.salt_len,
	};
	memcpy(out->salt, keys.salt, sizeof(keys.salt));
	memcpy(out->server_key, keys.server_key, sizeof(keys.server_key));
	store_key(hash, keys.client_key, out->stored_key);
	OPENSSL_cleanse(&keys, sizeof(keys));
	return 0;
}

void
scram_keys_of_salted(const unsigned char *salted, enum scram_hash hash, struct slice salt,
	uint32_t iterations, struct scram_keys *out)
{
	unsigned char client_key[SCRAM_HASH_MAX];

	*out = (struct scram_keys){
		.iterations = iterations,
		.hash = (uint8_t)hash,
		.salt_len = (uint8_t)salt.len,
	};
	memcpy(out->salt, salt.p, salt.len);
	hmac(hash, salted, SLICE("Client Key"), client_key);
	hmac(hash, salted, SLICE("Server Key"), out->server_key);
	store_key(hash, client_key, out->stored_key);
}

/* The keys of one hash for all. */
static void
make_many(const struct slice *passwords, size_t count, uint32_t iterations, enum scram_hash hash,
	struct scram_credentials *const *out)
{
	unsigned char salted[SCRAM_MANY][SCRAM_HASH_MAX];
	struct pbkdf2_input inputs[SCRAM_MANY] = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct scram_keys *keys = &out[i]->keys[hash];

		*keys = (struct scram_keys){
			.iterations = iterations,
			.hash = (uint8_t)hash,
			.salt_len = SCRAM_SALT_BYTES,
		};
		random_bytes(keys->salt, SCRAM_SALT_BYTES);
		inputs[i] = (struct pbkdf2_input){
			.password = passwords[i],
			.salt = slice_make((const char *)keys->salt, SCRAM_SALT_BYTES),
			.out = salted[i],
		};
	}
	pbkdf2_many(inputs, count, iterations, hash);
	for (size_t i = 0; i < count; i++) {
		unsigned char client_key[SCRAM_HASH_MAX];

		hmac(hash, salted[i], SLICE("Client Key"), client_key);
		hmac(hash, salted[i], SLICE("Server Key"), out[i]->keys[hash].server_key);
		store_key(hash, client_key, out[i]->keys[hash].stored_key);
	}
	OPENSSL_cleanse(salted, sizeof(salted));
}

int
scram_credentials_make_many(const struct slice *passwords, size_t count, uint32_t iterations,
	struct scram_credentials *const *out)
{
	if (count > SCRAM_MANY || iterations == 0 || iterations > SCRAM_ITERATIONS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		if (passwords[i].len > INT32_MAX)
			return -EINVAL;
	}
	for (size_t i = 0; i < SCRAM_HASHES; i++)
		make_many(passwords, count, iterations, (enum scram_hash)i, out);
	return 0;
}

int
scram_credentials_make(struct slice password, uint32_t iterations, struct scram_credentials *out)
{
	return scram_credentials_make_many(&password, 1, iterations, &out);
}

/* The keys to check a password against: SHA-256 is the quickest with a good name. */
static const struct scram_keys *
keys_to_check(const struct scram_credentials *credentials)
{
	static const enum scram_hash order[] = { SCRAM_SHA_256, SCRAM_SHA_1, SCRAM_SHA_512 };

	for (size_t i = 0; i < COUNT_OF(order); i++) {
		if (credentials->keys[order[i]].iterations > 0)
			return &credentials->keys[order[i]];
	}
	return NULL;
}

bool
scram_password_fits(const struct scram_credentials *credentials, struct slice password)
{
	const struct scram_keys *keys = keys_to_check(credentials);
	static const struct scram_keys nobody = {
		.iterations = SCRAM_ITERATIONS,
		.hash = SCRAM_SHA_256,
		.salt_len = SCRAM_SALT_BYTES,
	};
	struct scram_keys made;
	size_t bytes;
	bool fits;

	if (keys == NULL)
		keys = &nobody;
	if (scram_keys_make(password, (enum scram_hash)keys->hash,
		    slice_make((const char *)keys->salt, keys->salt_len), keys->iterations,
		    &made) < 0)
		return false;
	bytes = hashes[keys->hash].bytes;
	fits = slice_is_secret(slice_make((const char *)made.stored_key, bytes),
		slice_make((const char *)keys->stored_key, bytes));
	OPENSSL_cleanse(&made, sizeof(made));
	return fits && keys != &nobody;
}
