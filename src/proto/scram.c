/* The grammar of SCRAM's messages and the signatures over them (RFC 5802), for both roles. */
#include "proto/sasl_internal.h"

#include <errno.h>

void
scram_sign(struct sasl_context *context, enum scram_hash hash, const unsigned char *key,
	const struct scram_transcript *transcript, unsigned char *out)
{
	const struct slice parts[] = {
		transcript->client_first_bare,
		SLICE(","),
		transcript->server_first,
		SLICE(","),
		transcript->client_final,
	};

	sasl_hmac(context, hash, slice_make((const char *)key, scram_hash_bytes(hash)), parts,
		COUNT_OF(parts), out);
}

void
scram_mix(const unsigned char *a, const unsigned char *b, size_t len, unsigned char *out)
{
	for (size_t i = 0; i < len; i++)
		out[i] = a[i] ^ b[i];
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int
scram_take(struct slice *rest, char *name_out, struct slice *value_out)
{
	size_t end = slice_find(*rest, ',');

	/* A comma at the very end would be followed by an attribute that is not there. */
	if (end < 3 || !is_letter(rest->p[0]) || rest->p[1] != '=' || end + 1 == rest->len)
		return -EINVAL;
	*name_out = rest->p[0];
	*value_out = slice_make(rest->p + 2, end - 2);
	*rest = slice_from(*rest, end == rest->len ? end : end + 1);
	return 0;
}

bool
scram_is_nonce(struct slice nonce)
{
	for (size_t i = 0; i < nonce.len; i++) {
		if (nonce.p[i] < 0x21 || nonce.p[i] > 0x7e || nonce.p[i] == ',')
			return false;
	}
	return nonce.len > 0;
}

int
scram_name_decode(struct slice text, struct arena *arena, struct slice *name_out)
{
	char *name = arena_alloc(arena, size_add(text.len, 1));
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		struct slice rest = slice_from(text, i);

		name[len] = text.p[i];
		if (slice_starts(rest, SLICE("=2C")))
			name[len] = ',';
		else if (text.p[i] == '=' && !slice_starts(rest, SLICE("=3D")))
			return -EINVAL;
		if (text.p[i] == '=')
			i += 2;
		len++;
	}
	*name_out = slice_make(name, len);
	return len > 0 && sasl_is_text(*name_out) ? 0 : -EINVAL;
}

int
scram_name_append(struct slice name, struct buffer *out)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];
		struct slice text = c == ','   ? SLICE("=2C")
				    : c == '=' ? SLICE("=3D")
					       : slice_make(&name.p[i], 1);
		int r = buffer_append(out, text);

		if (r < 0)
			return r;
	}
	return 0;
}

void
scram_keys_fake(struct sasl_context *context, struct slice secret, struct slice user,
	enum scram_hash hash, uint32_t iterations, struct scram_keys *out)
{
	const struct slice parts[] = {
		slice_of(scram_hash_name(hash)),
		SLICE(" of nobody called "),
		user,
	};
	unsigned char seed[SCRAM_HASH_MAX];

	sasl_hmac(context, SCRAM_SHA_512, secret, parts, COUNT_OF(parts), seed);
	*out = (struct scram_keys){
		.iterations = iterations,
		.hash = (uint8_t)hash,
		.salt_len = SCRAM_SALT_BYTES,
	};
	memcpy(out->salt, seed, SCRAM_SALT_BYTES);
	/* A StoredKey is the hash of a ClientKey, and nobody knows one that has this hash. */
	memcpy(out->stored_key, seed, SCRAM_HASH_MAX);
	memcpy(out->server_key, seed, SCRAM_HASH_MAX);
}
