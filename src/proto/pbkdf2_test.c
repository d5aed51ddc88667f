/* PBKDF2 beside OpenSSL's own, for all hashes, key lengths around a block, and round counts. */
#include "proto/pbkdf2.h"

#include "base/random.h"
#include "proto/pbkdf2_lanes.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
ours_equals_openssls(void **state)
{
	static const EVP_MD *(*const digests[])(void) = { EVP_sha1, EVP_sha256, EVP_sha512 };
	static const size_t lengths[] = { 0, 1, 20, 63, 64, 65, 127, 128, 129, 1023 };
	static const uint32_t rounds[] = { 1, 2, 3, 100 };
	char password[1023], salt[SCRAM_SALT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(password); i++)
		password[i] = (char)(i * 7);
	for (size_t i = 0; i < sizeof(salt); i++)
		salt[i] = (char)(i * 13);
	for (size_t i = 0; i < COUNT_OF(digests) * COUNT_OF(lengths) * COUNT_OF(rounds); i++) {
		enum scram_hash hash = (enum scram_hash)(i % COUNT_OF(digests));
		size_t length = lengths[i / COUNT_OF(digests) % COUNT_OF(lengths)];
		uint32_t n = rounds[i / COUNT_OF(digests) / COUNT_OF(lengths)];
		size_t salt_len = 1 + i % SCRAM_SALT_MAX;
		unsigned char ours[SCRAM_HASH_MAX], theirs[SCRAM_HASH_MAX];

		pbkdf2(slice_make(password, length), slice_make(salt, salt_len), n, hash, ours);
		assert_int_equal(PKCS5_PBKDF2_HMAC(password, (int)length,
					 (const unsigned char *)salt, (int)salt_len, (int)n,
					 digests[hash](), (int)scram_hash_bytes(hash), theirs),
			1);
		assert_memory_equal(ours, theirs, scram_hash_bytes(hash));
	}
}

enum { MANY = 37 };

static void
check_many(size_t width, size_t count, uint32_t rounds, enum scram_hash hash)
{
	static const EVP_MD *(*const digests[])(void) = { EVP_sha1, EVP_sha256, EVP_sha512 };
	struct pbkdf2_input inputs[MANY];
	unsigned char ours[MANY][SCRAM_HASH_MAX], theirs[SCRAM_HASH_MAX];
	char password[MANY][200], salt[MANY][SCRAM_SALT_MAX];

	random_bytes(password, sizeof(password));
	random_bytes(salt, sizeof(salt));
	for (size_t i = 0; i < count; i++)
		inputs[i] = (struct pbkdf2_input){
			.password = slice_make(password[i], (unsigned char)password[i][0] % 200),
			.salt = slice_make(salt[i], 1 + (unsigned char)salt[i][0] % SCRAM_SALT_MAX),
			.out = ours[i],
		};
	pbkdf2_many_with(width, inputs, count, rounds, hash);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(
			PKCS5_PBKDF2_HMAC(password[i], (int)inputs[i].password.len,
				(const unsigned char *)salt[i], (int)inputs[i].salt.len,
				(int)rounds, digests[hash](), (int)scram_hash_bytes(hash), theirs),
			1);
		assert_memory_equal(ours[i], theirs, scram_hash_bytes(hash));
	}
}

static void
many_at_once_equal_openssls(void **state)
{
	static const size_t widths[] = { 0, 32, 64 };
	static const size_t counts[] = { 0, 1, 2, 3, 4, 5, 8, 9, 16, 17, MANY };
	static const uint32_t rounds[] = { 1, 2, 50 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(widths) * COUNT_OF(counts) * COUNT_OF(rounds); i++) {
		size_t width = widths[i % COUNT_OF(widths)];

		for (unsigned h = 0; h < SCRAM_HASHES && width <= pbkdf2_lanes_width(); h++)
			check_many(width, counts[i / COUNT_OF(widths) % COUNT_OF(counts)],
				rounds[i / COUNT_OF(widths) / COUNT_OF(counts)],
				(enum scram_hash)h);
	}
}

/* RFC 6070, 2, and the same for SHA-256 and SHA-512: "password", "salt", 4096 rounds. */
static void
many_at_once_equal_the_vectors(void **state)
{
	static const char *const expected[SCRAM_HASHES] = {
		"\x4b\x00\x79\x01\xb7\x65\x48\x9a",
		"\xc5\xe4\x78\xd5\x92\x88\xc8\x41",
		"\xd1\x97\xb1\xb3\x3d\xb0\x14\x3e",
	};
	unsigned char out[16][SCRAM_HASH_MAX];
	struct pbkdf2_input inputs[16];

	(void)state;
	for (unsigned h = 0; h < SCRAM_HASHES; h++) {
		for (size_t i = 0; i < COUNT_OF(inputs); i++)
			inputs[i] = (struct pbkdf2_input){ SLICE("password"), SLICE("salt"),
				out[i] };
		pbkdf2_many(inputs, COUNT_OF(inputs), 4096, (enum scram_hash)h);
		for (size_t i = 0; i < COUNT_OF(inputs); i++)
			assert_memory_equal(out[i], expected[h], 8);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours_equals_openssls),
		cmocka_unit_test(many_at_once_equal_openssls),
		cmocka_unit_test(many_at_once_equal_the_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
