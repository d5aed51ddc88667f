/* An HMAC for each direction. */
#include "proto/sasl_ht.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { BINDING_MOST = 64, WORD = 9 };

static const char *const names[HT_KINDS] = {
	[HT_EXPR] = "HT-SHA-256-EXPR",
	[HT_ENDP] = "HT-SHA-256-ENDP",
	[HT_NONE] = "HT-SHA-256-NONE",
};

const char *
ht_name(enum ht_kind kind)
{
	return names[kind];
}

enum ht_kind
ht_find(struct slice name)
{
	enum ht_kind kind = 0;

	while (kind < HT_KINDS && !slice_is_text(name, names[kind]))
		kind++;
	return kind;
}

int
ht_parse(struct slice message, struct slice *user_out, struct slice *proof_out)
{
	size_t end = slice_find(message, '\0');

	if (end == 0 || message.len != end + 1 + HT_PROOF)
		return -EINVAL;
	*user_out = slice_make(message.p, end);
	*proof_out = slice_from(message, end + 1);
	return 0;
}

static void
prove(struct slice token, const char word[WORD + 1], struct slice binding,
	unsigned char out[EVP_MAX_MD_SIZE])
{
	unsigned char text[WORD + BINDING_MOST];
	size_t len = binding.len < BINDING_MOST ? binding.len : BINDING_MOST;

	memcpy(text, word, WORD);
	if (len > 0)
		memcpy(text + WORD, binding.p, len);
	if (HMAC(EVP_sha256(), token.p, (int)token.len, text, WORD + len, out, NULL) == NULL)
		die("OpenSSL cannot make an HMAC.");
}

bool
ht_fits(struct slice token, struct slice binding, struct slice proof)
{
	unsigned char right[EVP_MAX_MD_SIZE];

	prove(token, "Initiator", binding, right);
	return proof.len == HT_PROOF && CRYPTO_memcmp(right, proof.p, HT_PROOF) == 0;
}

struct slice
ht_answer(struct slice token, struct slice binding, struct arena *arena)
{
	unsigned char right[EVP_MAX_MD_SIZE];

	prove(token, "Responder", binding, right);
	return arena_copy(arena, slice_make((const char *)right, HT_PROOF));
}
