/*
 * The client side of SCRAM-SHA-1 (RFC 5802) without channel binding, and of PLAIN (RFC 4616). The
 * salted password is the dear part; whoever signs in the same account again keeps the key.
 */
#ifndef TOOLS_KITH_LOAD_SCRAM_H
#define TOOLS_KITH_LOAD_SCRAM_H

#include "base/buffer.h"

enum { SCRAM_BYTES = 20, SCRAM_SALT_MAX = 64 };

/* PBKDF2's result for one account. iterations is 0 until it is known. */
struct scram_key {
	unsigned char salted[SCRAM_BYTES];
	unsigned char salt[SCRAM_SALT_MAX];
	size_t salt_len;
	unsigned iterations;
};

/* One exchange. Texts are in clear; base64 is the caller's, see below. */
struct scram {
	struct buffer auth_message; /* client-first-bare, grows into RFC 5802's AuthMessage */
	size_t nonce_at, nonce_len;
	unsigned char server_signature[SCRAM_BYTES];
};

/* Appends client-first-message to out. nonce is printable ASCII without ','. */
void scram_begin(struct scram *s, const char *user, const char *nonce, struct buffer *out);
void scram_finish(struct scram *s);

/* Reads server-first-message, appends client-final-message. 0, or -EINVAL. */
int scram_answer(struct scram *s, struct slice server_first, const char *password,
	struct scram_key *key, struct buffer *out);

/* Whether server-final-message proves that the server knows the account. */
bool scram_is_proved(const struct scram *s, struct slice server_final);

/* Base64 with padding; base64_decode returns 0, or -EINVAL. */
void base64_encode(struct slice in, struct buffer *out);
int base64_decode(struct slice in, struct buffer *out);

#endif
