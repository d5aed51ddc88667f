/* The words of SASL, and OpenSSL's hashes looked up once. */
#include "proto/sasl.h"

#include "proto/base64.h"
#include "proto/sasl_internal.h"
#include "xml/chars.h"

#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

/*
 * Looking an algorithm up costs more than using it. The keyed contexts keep their digest and get
 * a new key each time, so a login allocates nothing in OpenSSL.
 */
struct sasl_context {
	EVP_MD *digests[SCRAM_HASHES];
	EVP_MAC_CTX *hmacs[SCRAM_HASHES];
	EVP_MD_CTX *digest;
};

static const char *const mechanism_names[SASL_MECHANISMS] = {
	[SASL_ANONYMOUS] = "ANONYMOUS",
	[SASL_PLAIN] = "PLAIN",
	[SASL_SCRAM_SHA_1] = "SCRAM-SHA-1",
	[SASL_SCRAM_SHA_256] = "SCRAM-SHA-256",
	[SASL_SCRAM_SHA_512] = "SCRAM-SHA-512",
	[SASL_SCRAM_SHA_1_PLUS] = "SCRAM-SHA-1-PLUS",
	[SASL_SCRAM_SHA_256_PLUS] = "SCRAM-SHA-256-PLUS",
	[SASL_SCRAM_SHA_512_PLUS] = "SCRAM-SHA-512-PLUS",
	[SASL_EXTERNAL] = "EXTERNAL",
};

static const char *const binding_names[SASL_BINDINGS] = {
	[SASL_TLS_EXPORTER] = "tls-exporter",
	[SASL_TLS_SERVER_END_POINT] = "tls-server-end-point",
	[SASL_TLS_UNIQUE] = "tls-unique",
};

static const char *const condition_names[SASL_CONDITIONS] = {
	[SASL_ABORTED] = "aborted",
	[SASL_ACCOUNT_DISABLED] = "account-disabled",
	[SASL_CREDENTIALS_EXPIRED] = "credentials-expired",
	[SASL_ENCRYPTION_REQUIRED] = "encryption-required",
	[SASL_INCORRECT_ENCODING] = "incorrect-encoding",
	[SASL_INVALID_AUTHZID] = "invalid-authzid",
	[SASL_INVALID_MECHANISM] = "invalid-mechanism",
	[SASL_MALFORMED_REQUEST] = "malformed-request",
	[SASL_MECHANISM_TOO_WEAK] = "mechanism-too-weak",
	[SASL_NOT_AUTHORIZED] = "not-authorized",
	[SASL_TEMPORARY_AUTH_FAILURE] = "temporary-auth-failure",
};

/* The position of the name among names[first] to names[count - 1], or count. */
static unsigned
find_name(const char *const *names, unsigned first, unsigned count, struct slice name)
{
	for (unsigned i = first; i < count; i++) {
		if (slice_is_text(name, names[i]))
			return i;
	}
	return count;
}

const char *
sasl_mechanism_name(enum sasl_mechanism mechanism)
{
	return mechanism_names[mechanism];
}

enum sasl_mechanism
sasl_mechanism_find(struct slice name)
{
	unsigned at = find_name(mechanism_names, SASL_NO_MECHANISM + 1, SASL_MECHANISMS, name);

	return at == SASL_MECHANISMS ? SASL_NO_MECHANISM : (enum sasl_mechanism)at;
}

const char *
sasl_binding_name(enum sasl_binding binding)
{
	return binding_names[binding];
}

enum sasl_binding
sasl_binding_find(struct slice name)
{
	return (enum sasl_binding)find_name(binding_names, 0, SASL_BINDINGS, name);
}

const char *
sasl_condition_name(enum sasl_condition condition)
{
	return condition_names[condition];
}

enum sasl_condition
sasl_condition_find(struct slice name)
{
	unsigned at = find_name(condition_names, SASL_NO_CONDITION + 1, SASL_CONDITIONS, name);

	return at == SASL_CONDITIONS ? SASL_NO_CONDITION : (enum sasl_condition)at;
}

int
sasl_data_decode(struct slice text, struct arena *arena, struct slice *data_out)
{
	if (text.len == 0) {
		*data_out = NO_SLICE;
		return 0;
	}
	if (slice_is_text(text, "=")) {
		*data_out = SLICE("");
		return 0;
	}
	return base64_decode(text, arena, data_out);
}

struct slice
sasl_data_encode(struct slice data, struct arena *arena)
{
	if (data.p == NULL)
		return NO_SLICE;
	return data.len == 0 ? SLICE("=") : base64_encode(data, arena);
}

enum scram_hash
sasl_hash_of(enum sasl_mechanism mechanism)
{
	switch (mechanism) {
	case SASL_SCRAM_SHA_256:
	case SASL_SCRAM_SHA_256_PLUS:
		return SCRAM_SHA_256;
	case SASL_SCRAM_SHA_512:
	case SASL_SCRAM_SHA_512_PLUS:
		return SCRAM_SHA_512;
	default:
		return SCRAM_SHA_1;
	}
}

bool
sasl_is_plus(enum sasl_mechanism mechanism)
{
	return (SASL_BIT(mechanism) & SASL_PLUS_BITS) != 0;
}

bool
sasl_is_text(struct slice text)
{
	if (text.len == 0)
		return true;
	return slice_find(text, '\0') == text.len && utf8_is_valid(text);
}

/* OpenSSL fails here only when it has no memory or its providers are broken. */
static void
must(bool worked)
{
	if (!worked)
		die("OpenSSL cannot compute SHA-1, SHA-256, SHA-512 or HMAC; see its "
		    "configuration.");
}

static const char *const digest_names[SCRAM_HASHES] = { "SHA1", "SHA2-256", "SHA2-512" };

static EVP_MAC_CTX *
make_hmac(EVP_MAC *hmac, const char *digest)
{
	/* OpenSSL only reads the name, though it does not say so. */
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(
			OSSL_MAC_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac);

	must(context != NULL && EVP_MAC_CTX_set_params(context, params) == 1);
	return context;
}

struct sasl_context *
sasl_context_create(void)
{
	struct sasl_context *context = xcalloc(1, sizeof(*context));
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	must(hmac != NULL);
	for (size_t i = 0; i < SCRAM_HASHES; i++) {
		context->digests[i] = EVP_MD_fetch(NULL, digest_names[i], NULL);
		must(context->digests[i] != NULL);
		context->hmacs[i] = make_hmac(hmac, digest_names[i]);
	}
	context->digest = EVP_MD_CTX_new();
	must(context->digest != NULL);
	EVP_MAC_free(hmac);
	return context;
}

void
sasl_context_destroy(struct sasl_context **context)
{
	struct sasl_context *old = *context;

	if (old == NULL)
		return;
	for (size_t i = 0; i < SCRAM_HASHES; i++) {
		EVP_MAC_CTX_free(old->hmacs[i]);
		EVP_MD_free(old->digests[i]);
	}
	EVP_MD_CTX_free(old->digest);
	free(old);
	*context = NULL;
}

void
sasl_digest(
	struct sasl_context *context, enum scram_hash hash, struct slice data, unsigned char *out)
{
	EVP_MD_CTX *digest = context->digest;

	must(EVP_DigestInit_ex2(digest, context->digests[hash], NULL) == 1 &&
		EVP_DigestUpdate(digest, data.p, data.len) == 1 &&
		EVP_DigestFinal_ex(digest, out, NULL) == 1);
}

void
sasl_hmac(struct sasl_context *context, enum scram_hash hash, struct slice key,
	const struct slice *parts, size_t part_count, unsigned char *out)
{
	EVP_MAC_CTX *hmac = context->hmacs[hash];
	size_t len;

	must(EVP_MAC_init(hmac, (const unsigned char *)key.p, key.len, NULL) == 1);
	for (size_t i = 0; i < part_count; i++)
		must(EVP_MAC_update(hmac, (const unsigned char *)parts[i].p, parts[i].len) == 1);
	must(EVP_MAC_final(hmac, out, &len, SCRAM_HASH_MAX) == 1);
	assert(len == scram_hash_bytes(hash));
}
