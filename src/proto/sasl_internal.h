/* What the machines of both roles share: names, hashes and the grammar of SCRAM's messages. */
#ifndef PROTO_SASL_INTERNAL_H
#define PROTO_SASL_INTERNAL_H

#include "proto/sasl.h"

/* The hash of a SCRAM mechanism, and whether it is one with channel binding. */
enum scram_hash sasl_hash_of(enum sasl_mechanism mechanism);
bool sasl_is_plus(enum sasl_mechanism mechanism);

/* UTF-8 without NUL. */
bool sasl_is_text(struct slice text);

/* scram_hash_bytes(hash) bytes to out. */
void sasl_digest(
	struct sasl_context *context, enum scram_hash hash, struct slice data, unsigned char *out);
void sasl_hmac(struct sasl_context *context, enum scram_hash hash, struct slice key,
	const struct slice *parts, size_t part_count, unsigned char *out);

/* In base64, as SCRAM carries it (XEP-0474, 5.1). text: by sasl_offer_text. In the arena. */
struct slice sasl_offer_hash(
	struct sasl_context *context, enum scram_hash hash, struct slice text, struct arena *arena);

/*
 * RFC 5802, 3: AuthMessage is client-first-bare, server-first and client-final-without-proof,
 * with commas between.
 */
struct scram_transcript {
	struct slice client_first_bare, server_first, client_final;
};

/* ClientSignature under StoredKey, ServerSignature under ServerKey. */
void scram_sign(struct sasl_context *context, enum scram_hash hash, const unsigned char *key,
	const struct scram_transcript *transcript, unsigned char *out);

/* ClientKey XOR ClientSignature is ClientProof, and the other way round. */
void scram_mix(const unsigned char *a, const unsigned char *b, size_t len, unsigned char *out);

/*
 * Takes "x=value" and the comma behind it from the front of *rest. 0, or -EINVAL: not of that
 * form, the value is empty, or nothing is left (*rest is not changed).
 */
int scram_take(struct slice *rest, char *name_out, struct slice *value_out);

/* RFC 5802, 5.1: printable ASCII without comma */
bool scram_is_nonce(struct slice nonce);

/* saslname (RFC 5802, 7): "=2C" and "=3D" stand for "," and "=". 0, or -EINVAL. */
int scram_name_decode(struct slice text, struct arena *arena, struct slice *name_out);
int scram_name_append(struct slice name, struct buffer *out);

/*
 * Keys for a user that is not there: made of the name under a secret of this server, so that
 * nobody can tell them from real ones. No password fits. user: normalised.
 */
void scram_keys_fake(struct sasl_context *context, struct slice secret, struct slice user,
	enum scram_hash hash, uint32_t iterations, struct scram_keys *out);

#endif
