/*
 * SASL for one session: what goes into <auth/> and <response/>, by the client machine of proto.
 * PBKDF2 is the dear part of it, so keys are kept, found again by their salt.
 */
#ifndef TOOLS_KITH_LOAD_SIGN_IN_H
#define TOOLS_KITH_LOAD_SIGN_IN_H

#include "base/buffer.h"
#include "proto/sasl_client.h"

enum { SIGN_IN_KEYS = 16384 };

/* Keys that were made for one password; zeroed at first. */
struct sign_in_keys {
	struct scram_client_keys by_salt[SIGN_IN_KEYS];
};

struct sign_in_config {
	struct sasl_context *context;
	enum sasl_mechanism mechanism;
	struct slice user, password;
	struct sign_in_keys *keys;
};

struct sign_in;

/*
 * Appends <auth/> to out. NULL when it cannot begin, with a reason in *why_out. The config and the
 * user are copied; the context, the password and the keys must outlive the sign-in.
 */
struct sign_in *sign_in_begin(
	const struct sign_in_config *config, struct buffer *out, const char **why_out);

/* Sets *sign_in to NULL; NULL is fine. */
void sign_in_end(struct sign_in **sign_in);

/* Reads <challenge/>, appends <response/>. NULL, or what is wrong with it. */
const char *sign_in_challenge(struct sign_in *sign_in, struct slice stanza, struct buffer *out);

/* Reads <success/>. NULL, or why it is not to be believed. */
const char *sign_in_success(struct sign_in *sign_in, struct slice stanza);

#endif
