/* RFC 5802, section 3, by OpenSSL's HMAC and PBKDF2. */
#include "tools/kith-load/scram.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { TEXT_LIMIT = 4096, ITERATIONS_MAX = 1000000 };

void
base64_encode(struct slice in, struct buffer *out)
{
	if (buffer_reserve(out, in.len / 3 * 4 + 8) < 0)
		return;
	out->len += (size_t)EVP_EncodeBlock(
		(unsigned char *)out->data + out->len, (const unsigned char *)in.p, (int)in.len);
}

int
base64_decode(struct slice in, struct buffer *out)
{
	if (in.len % 4 != 0 || buffer_reserve(out, in.len / 4 * 3 + 4) < 0)
		return -EINVAL;
	int n = EVP_DecodeBlock(
		(unsigned char *)out->data + out->len, (const unsigned char *)in.p, (int)in.len);
	if (n < 0)
		return -EINVAL;
	for (size_t i = in.len; i > 0 && in.p[i - 1] == '='; i--)
		n--;
	out->len += (size_t)n;
	return 0;
}

static void
hmac(const unsigned char *key, struct slice text, unsigned char out[SCRAM_BYTES])
{
	unsigned len = SCRAM_BYTES;

	if (HMAC(EVP_sha1(), key, SCRAM_BYTES, (const unsigned char *)text.p, text.len, out,
		    &len) == NULL)
		die("OpenSSL cannot compute HMAC-SHA-1");
}

void
scram_begin(struct scram *s, const char *user, const char *nonce, struct buffer *out)
{
	buffer_init(&s->auth_message, TEXT_LIMIT);
	(void)buffer_printf(&s->auth_message, "n=%s,r=", user);
	s->nonce_at = s->auth_message.len;
	s->nonce_len = strlen(nonce);
	(void)buffer_text(&s->auth_message, nonce);
	(void)buffer_text(out, "n,,");
	(void)buffer_append(out, buffer_slice(&s->auth_message));
}

void
scram_finish(struct scram *s)
{
	buffer_finish(&s->auth_message);
}

/* Takes "x=value" off the front of *rest, with the ',' after it. */
static struct slice
take_field(struct slice *rest, char name)
{
	if (rest->len < 2 || rest->p[0] != name || rest->p[1] != '=')
		return NO_SLICE;
	size_t end = slice_find(*rest, ',');
	struct slice value = slice_make(rest->p + 2, end - 2);

	*rest = slice_from(*rest, end < rest->len ? end + 1 : end);
	return value;
}

static int
derive(struct scram_key *key, const char *password, struct slice salt, unsigned iterations)
{
	if (salt.len > SCRAM_SALT_MAX)
		return -EINVAL;
	if (key->iterations == iterations && key->salt_len == salt.len &&
		memcmp(key->salt, salt.p, salt.len) == 0)
		return 0;
	memcpy(key->salt, salt.p, salt.len);
	key->salt_len = salt.len;
	key->iterations = iterations;
	if (PKCS5_PBKDF2_HMAC(password, (int)strlen(password), key->salt, (int)salt.len,
		    (int)iterations, EVP_sha1(), SCRAM_BYTES, key->salted) != 1)
		die("OpenSSL cannot compute PBKDF2");
	return 0;
}

/* ClientProof, and the signature that the server will have to show. */
static void
prove(struct scram *s, const struct scram_key *key, unsigned char proof[SCRAM_BYTES])
{
	unsigned char client_key[SCRAM_BYTES], stored_key[SCRAM_BYTES], server_key[SCRAM_BYTES];

	hmac(key->salted, SLICE("Client Key"), client_key);
	hmac(key->salted, SLICE("Server Key"), server_key);
	if (EVP_Digest(client_key, SCRAM_BYTES, stored_key, NULL, EVP_sha1(), NULL) != 1)
		die("OpenSSL cannot compute SHA-1");
	hmac(stored_key, buffer_slice(&s->auth_message), proof);
	hmac(server_key, buffer_slice(&s->auth_message), s->server_signature);
	for (size_t i = 0; i < SCRAM_BYTES; i++)
		proof[i] ^= client_key[i];
}

int
scram_answer(struct scram *s, struct slice server_first, const char *password,
	struct scram_key *key, struct buffer *out)
{
	struct slice rest = server_first;
	struct slice nonce = take_field(&rest, 'r');
	struct slice salt64 = take_field(&rest, 's');
	struct slice count = take_field(&rest, 'i');
	struct slice ours = slice_make(s->auth_message.data + s->nonce_at, s->nonce_len);
	uint64_t iterations;

	if (!slice_starts(nonce, ours) || salt64.p == NULL ||
		slice_to_uint(count, ITERATIONS_MAX, &iterations) < 0 || iterations == 0)
		return -EINVAL;
	struct buffer salt;
	buffer_init(&salt, TEXT_LIMIT);
	int r = base64_decode(salt64, &salt);
	if (r == 0)
		r = derive(key, password, buffer_slice(&salt), (unsigned)iterations);
	buffer_finish(&salt);
	if (r < 0)
		return r;

	size_t start = out->len;
	unsigned char proof[SCRAM_BYTES];
	(void)buffer_printf(out, "c=biws,r=%.*s", SLICE_ARG(nonce));
	(void)buffer_printf(&s->auth_message, ",%.*s,%.*s", SLICE_ARG(server_first),
		(int)(out->len - start), out->data + start);
	prove(s, key, proof);
	(void)buffer_text(out, ",p=");
	base64_encode(slice_make((const char *)proof, SCRAM_BYTES), out);
	return s->auth_message.overflowed || out->overflowed ? -EINVAL : 0;
}

bool
scram_is_proved(const struct scram *s, struct slice server_final)
{
	struct slice rest = server_final;
	struct slice value = take_field(&rest, 'v');
	struct buffer told;

	buffer_init(&told, TEXT_LIMIT);
	bool same = value.p != NULL && base64_decode(value, &told) == 0 &&
		    slice_is_secret(buffer_slice(&told),
			    slice_make((const char *)s->server_signature, SCRAM_BYTES));
	buffer_finish(&told);
	return same;
}
