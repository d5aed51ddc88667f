/*
 * SCRAM keys as text for storage and export, in the form that LDAP servers and PostgreSQL use
 * (RFC 5803).
 */
#include "proto/base64.h"
#include "proto/scram_keys.h"

#include <errno.h>
#include <openssl/crypto.h>

static void
keys_append(const struct scram_keys *keys, struct buffer *out)
{
	size_t bytes = scram_hash_bytes((enum scram_hash)keys->hash);

	(void)buffer_printf(
		out, "%s$%u:", scram_hash_name((enum scram_hash)keys->hash), keys->iterations);
	(void)base64_append(slice_make((const char *)keys->salt, keys->salt_len), out);
	(void)buffer_text(out, "$");
	(void)base64_append(slice_make((const char *)keys->stored_key, bytes), out);
	(void)buffer_text(out, ":");
	(void)base64_append(slice_make((const char *)keys->server_key, bytes), out);
}

int
scram_credentials_write(const struct scram_credentials *credentials, struct buffer *out)
{
	struct buffer text;
	int r;

	buffer_init(&text, 4096);
	for (size_t i = 0; i < SCRAM_HASHES; i++) {
		if (credentials->keys[i].iterations == 0)
			continue;
		if (text.len > 0)
			(void)buffer_text(&text, " ");
		keys_append(&credentials->keys[i], &text);
	}
	r = text.overflowed ? -ENOBUFS : buffer_append(out, buffer_slice(&text));
	if (text.data != NULL)
		OPENSSL_cleanse(text.data, text.len);
	buffer_finish(&text);
	return r;
}

/* Takes what stands before the mark, and the mark, from the front. False if it is not there. */
static bool
take_until(struct slice *rest, char mark, struct slice *out)
{
	size_t at = slice_find(*rest, mark);

	if (at == rest->len)
		return false;
	*out = slice_make(rest->p, at);
	*rest = slice_from(*rest, at + 1);
	return true;
}

static bool
read_key(struct slice text, size_t bytes, unsigned char *out)
{
	size_t len;

	return base64_decode_to(text, out, bytes, &len) == 0 && len == bytes;
}

static bool
read_salt(struct slice text, struct scram_keys *out)
{
	size_t len;

	if (base64_decode_to(text, out->salt, SCRAM_SALT_MAX, &len) < 0)
		return false;
	out->salt_len = (uint8_t)len;
	return len > 0;
}

static bool
read_iterations(struct slice text, struct scram_keys *out)
{
	uint64_t n;

	if (slice_to_uint(text, SCRAM_ITERATIONS_MAX, &n) < 0)
		return false;
	out->iterations = (uint32_t)n;
	return n > 0;
}

static int
find_hash(struct slice name)
{
	for (int i = 0; i < SCRAM_HASHES; i++) {
		if (slice_is_text(name, scram_hash_name((enum scram_hash)i)))
			return i;
	}
	return -EINVAL;
}

/* One item; its hash must not have been there yet. */
static int
keys_parse(struct slice item, struct scram_credentials *into)
{
	struct slice name, iterations, salt, stored_key;
	struct scram_keys *keys;
	size_t bytes;
	int hash;

	if (!take_until(&item, '$', &name) || !take_until(&item, ':', &iterations) ||
		!take_until(&item, '$', &salt) || !take_until(&item, ':', &stored_key))
		return -EINVAL;
	hash = find_hash(name);
	if (hash < 0 || into->keys[hash].iterations > 0)
		return -EINVAL;
	keys = &into->keys[hash];
	keys->hash = (uint8_t)hash;
	bytes = scram_hash_bytes((enum scram_hash)hash);
	if (!read_iterations(iterations, keys) || !read_salt(salt, keys) ||
		!read_key(stored_key, bytes, keys->stored_key) ||
		!read_key(item, bytes, keys->server_key))
		return -EINVAL;
	return 0;
}

int
scram_credentials_parse(struct slice text, struct scram_credentials *out)
{
	struct scram_credentials read = { 0 };
	bool more = true;
	int r = 0;

	while (more && r == 0) {
		struct slice item = text;

		more = take_until(&text, ' ', &item);
		r = keys_parse(item, &read);
	}
	if (r == 0)
		*out = read;
	OPENSSL_cleanse(&read, sizeof(read));
	return r;
}
