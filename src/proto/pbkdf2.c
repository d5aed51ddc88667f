/*
 * Of HMAC only two compressions are left for each round: the states behind the padded key are
 * made once, and a digest with its padding fits one block.
 */
/* The compression functions are deprecated in favour of whole hashes, which is what is slow. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "proto/pbkdf2.h"

#include "proto/pbkdf2_lanes.h"

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

/* A key on its way: after the first round. */
struct derivation {
	union state inner, outer;
	unsigned char block[BLOCK_MOST]; /* the last digest, padded */
};

static void
begin(struct derivation *d, const struct function *f, struct slice password, struct slice salt)
{
	unsigned char key[SCRAM_HASH_MAX];
	char first[SCRAM_SALT_MAX + 4];

	/* RFC 2104, 2: a key longer than a block is hashed first. */
	if (password.len > f->block) {
		must(EVP_Digest(password.p, password.len, key, NULL, f->digest(), NULL) == 1);
		password = slice_make((const char *)key, f->bytes);
	}
	memcpy(first, salt.p, salt.len);
	memcpy(first + salt.len, "\0\0\0\1", 4);
	must(HMAC(f->digest(), password.len == 0 ? "" : password.p, (int)password.len,
		     (const unsigned char *)first, salt.len + 4, d->block, NULL) != NULL);
	begin_with_key(f, password, 0x36, &d->inner);
	begin_with_key(f, password, 0x5c, &d->outer);
	pad_digest(f, d->block);
	OPENSSL_cleanse(key, sizeof(key));
}

static void
run_rounds(const struct function *f, struct derivation *d, uint32_t rounds, unsigned char *out)
{
	memcpy(out, d->block, f->bytes);
	while (rounds-- > 0) {
		union state state = d->inner;

		f->compress(&state, d->block);
		f->write(&state, d->block);
		state = d->outer;
		f->compress(&state, d->block);
		f->write(&state, d->block);
		for (size_t i = 0; i < f->bytes; i++)
			out[i] ^= d->block[i];
	}
}

void
pbkdf2(struct slice password, struct slice salt, uint32_t iterations, enum scram_hash hash,
	unsigned char *out)
{
	struct derivation d;

	begin(&d, &functions[hash], password, salt);
	run_rounds(&functions[hash], &d, iterations - 1, out);
	OPENSSL_cleanse(&d, sizeof(d));
}

/* ---- Several at once ---- */

static size_t
word_bytes(enum scram_hash hash)
{
	return hash == SCRAM_SHA_512 ? 8 : 4;
}

/* Where byte i of a lane's big-endian words is; vectors exist only on little-endian machines. */
static size_t
place(size_t i, size_t word, size_t width, size_t lane)
{
	return i / word * width + lane * word + (word - 1 - i % word);
}

static void
fill_lane(struct pbkdf2_lanes *lanes, size_t width, size_t lane, enum scram_hash hash,
	const struct derivation *d)
{
	const struct function *f = &functions[hash];
	size_t word = word_bytes(hash);
	unsigned char inner[SCRAM_HASH_MAX], outer[SCRAM_HASH_MAX];

	f->write(&d->inner, inner);
	f->write(&d->outer, outer);
	for (size_t i = 0; i < f->bytes; i++) {
		lanes->inner[place(i, word, width, lane)] = inner[i];
		lanes->outer[place(i, word, width, lane)] = outer[i];
	}
	for (size_t i = 0; i < f->block; i++)
		lanes->block[place(i, word, width, lane)] = d->block[i];
	OPENSSL_cleanse(inner, sizeof(inner));
	OPENSSL_cleanse(outer, sizeof(outer));
}

static void
run_lanes(const struct pbkdf2_input *inputs, size_t count, size_t width, uint32_t iterations,
	enum scram_hash hash)
{
	size_t word = word_bytes(hash);
	struct pbkdf2_lanes lanes = { 0 };
	struct derivation d;

	for (size_t lane = 0; lane < count; lane++) {
		begin(&d, &functions[hash], inputs[lane].password, inputs[lane].salt);
		fill_lane(&lanes, width, lane, hash, &d);
	}
	pbkdf2_lanes_run(&lanes, width, hash, iterations - 1);
	for (size_t lane = 0; lane < count; lane++) {
		for (size_t i = 0; i < functions[hash].bytes; i++)
			inputs[lane].out[i] = lanes.block[place(i, word, width, lane)];
	}
	OPENSSL_cleanse(&d, sizeof(d));
	OPENSSL_cleanse(&lanes, sizeof(lanes));
}

void
pbkdf2_many_with(size_t width, const struct pbkdf2_input *inputs, size_t count, uint32_t iterations,
	enum scram_hash hash)
{
	size_t lanes = width / word_bytes(hash);

	while (count > 0) {
		size_t n = count < lanes ? count : lanes;

		/* With a quarter of the lanes filled, one after the other is as quick. */
		if (n > lanes / 4) {
			run_lanes(inputs, n, width, iterations, hash);
		} else {
			n = 1;
			pbkdf2(inputs->password, inputs->salt, iterations, hash, inputs->out);
		}
		inputs += n;
		count -= n;
	}
}

void
pbkdf2_many(
	const struct pbkdf2_input *inputs, size_t count, uint32_t iterations, enum scram_hash hash)
{
	pbkdf2_many_with(pbkdf2_lanes_width(), inputs, count, iterations, hash);
}
