/*
 * Of HMAC only two compressions are left for each round: the states behind the padded key are
 * made once, and a digest with its padding fits one block.
 */
/* The compression functions are deprecated in favour of whole hashes, which is what is slow. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "proto/pbkdf2.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

enum { BLOCK_MOST = 128 };

union state {
	SHA_CTX sha_1;
	SHA256_CTX sha_256;
	SHA512_CTX sha_512;
};

struct function {
	size_t bytes, block;
	const EVP_MD *(*digest)(void);
	/* The state at the beginning of a hash. */
	void (*begin)(union state *state);
	/* Compresses one block into the state. */
	void (*compress)(union state *state, const unsigned char *block);
	/* The state as digest. */
	void (*write)(const union state *state, unsigned char *out);
};

static void
write_u32(unsigned char *out, uint32_t word)
{
	word = __builtin_bswap32(word);
	memcpy(out, &word, sizeof(word));
}

static void
begin_sha_1(union state *state)
{
	(void)SHA1_Init(&state->sha_1);
}

static void
compress_sha_1(union state *state, const unsigned char *block)
{
	SHA1_Transform(&state->sha_1, block);
}

static void
write_sha_1(const union state *state, unsigned char *out)
{
	write_u32(out, state->sha_1.h0);
	write_u32(out + 4, state->sha_1.h1);
	write_u32(out + 8, state->sha_1.h2);
	write_u32(out + 12, state->sha_1.h3);
	write_u32(out + 16, state->sha_1.h4);
}

static void
begin_sha_256(union state *state)
{
	(void)SHA256_Init(&state->sha_256);
}

static void
compress_sha_256(union state *state, const unsigned char *block)
{
	SHA256_Transform(&state->sha_256, block);
}

static void
write_sha_256(const union state *state, unsigned char *out)
{
	for (size_t i = 0; i < 8; i++)
		write_u32(out + 4 * i, state->sha_256.h[i]);
}

static void
begin_sha_512(union state *state)
{
	(void)SHA512_Init(&state->sha_512);
}

static void
compress_sha_512(union state *state, const unsigned char *block)
{
	SHA512_Transform(&state->sha_512, block);
}

static void
write_sha_512(const union state *state, unsigned char *out)
{
	for (size_t i = 0; i < 8; i++) {
		uint64_t word = __builtin_bswap64(state->sha_512.h[i]);

		memcpy(out + 8 * i, &word, sizeof(word));
	}
}

static const struct function functions[SCRAM_HASHES] = {
	[SCRAM_SHA_1] = { 20, 64, EVP_sha1, begin_sha_1, compress_sha_1, write_sha_1 },
	[SCRAM_SHA_256] = { 32, 64, EVP_sha256, begin_sha_256, compress_sha_256, write_sha_256 },
	[SCRAM_SHA_512] = { 64, 128, EVP_sha512, begin_sha_512, compress_sha_512, write_sha_512 },
};

static void
must(bool worked)
{
	if (!worked)
		die("OpenSSL cannot compute HMAC; see its configuration.");
}

/* The state behind the key under one of HMAC's two pads. */
static void
begin_with_key(const struct function *f, struct slice key, unsigned char pad, union state *state)
{
	unsigned char block[BLOCK_MOST] = { 0 };

	memcpy(block, key.p, key.len);
	for (size_t i = 0; i < f->block; i++)
		block[i] ^= pad;
	f->begin(state);
	f->compress(state, block);
	OPENSSL_cleanse(block, sizeof(block));
}

/* A digest behind one block, with the padding that ends a hash. */
static void
pad_digest(const struct function *f, unsigned char *block)
{
	memset(block + f->bytes, 0, f->block - f->bytes);
	block[f->bytes] = 0x80;
	write_u32(block + f->block - 4, (uint32_t)(8 * (f->block + f->bytes)));
}

static void
run_rounds(const struct function *f, const union state *inner, const union state *outer,
	uint32_t rounds, unsigned char *block, unsigned char *out)
{
	while (rounds-- > 0) {
		union state state = *inner;

		f->compress(&state, block);
		f->write(&state, block);
		state = *outer;
		f->compress(&state, block);
		f->write(&state, block);
		for (size_t i = 0; i < f->bytes; i++)
			out[i] ^= block[i];
	}
}

void
pbkdf2(struct slice password, struct slice salt, uint32_t iterations, enum scram_hash hash,
	unsigned char *out)
{
	const struct function *f = &functions[hash];
	unsigned char block[BLOCK_MOST], key[SCRAM_HASH_MAX];
	char first[SCRAM_SALT_MAX + 4];
	union state inner, outer;

	/* RFC 2104, 2: a key longer than a block is hashed first. */
	if (password.len > f->block) {
		must(EVP_Digest(password.p, password.len, key, NULL, f->digest(), NULL) == 1);
		password = slice_make((const char *)key, f->bytes);
	}
	memcpy(first, salt.p, salt.len);
	memcpy(first + salt.len, "\0\0\0\1", 4);
	must(HMAC(f->digest(), password.len == 0 ? "" : password.p, (int)password.len,
		     (const unsigned char *)first, salt.len + 4, block, NULL) != NULL);
	memcpy(out, block, f->bytes);
	begin_with_key(f, password, 0x36, &inner);
	begin_with_key(f, password, 0x5c, &outer);
	pad_digest(f, block);
	run_rounds(f, &inner, &outer, iterations - 1, block, out);
	OPENSSL_cleanse(&inner, sizeof(inner));
	OPENSSL_cleanse(&outer, sizeof(outer));
	OPENSSL_cleanse(block, sizeof(block));
	OPENSSL_cleanse(key, sizeof(key));
}
