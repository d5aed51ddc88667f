/* PBKDF2 beside OpenSSL's own, for all hashes, key lengths around a block, and round counts. */
#include "proto/pbkdf2.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ours_equals_openssls) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
