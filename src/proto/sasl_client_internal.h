/* The client's machine as its two files see it: the choice of a mechanism, and SCRAM. */
#ifndef PROTO_SASL_CLIENT_INTERNAL_H
#define PROTO_SASL_CLIENT_INTERNAL_H

#include "proto/sasl_client.h"
#include "proto/sasl_internal.h"

enum client_state {
	CLIENT_NEW,
	CLIENT_WANTS_FIRST,   /* SCRAM: server-first-message */
	CLIENT_WANTS_KEYS,    /* SCRAM: from the owner */
	CLIENT_WANTS_FINAL,   /* SCRAM: server-final-message, as a challenge or with success */
	CLIENT_WANTS_SUCCESS, /* nothing more to say */
	CLIENT_OVER,
};

struct sasl_client {
	struct arena *arena;
	struct sasl_context *context;
	struct sasl_client_config config;
	uint8_t state, mechanism;
	struct slice offer;    /* that came, as text (XEP-0474); p NULL: not all of it */
	bool wants_offer_back; /* it is odd, and has to be protected */

	/* SCRAM */
	char flag;                  /* 'n', 'y', 'p' (RFC 5802, 6) */
	uint8_t binding;            /* with 'p' */
	struct slice header, nonce; /* gs2-header; our half of the nonce, then both */
	struct scram_transcript transcript;
	struct slice salt;
	uint32_t iterations;
	unsigned char server_signature[SCRAM_HASH_MAX]; /* what the server has to show */
};

struct sasl_client_step sasl_client_fail(struct sasl_client *client, const char *text);

/* Our messages and the server's, in their order. */
struct sasl_client_step scram_client_first(struct sasl_client *client);
struct sasl_client_step scram_client_challenge(struct sasl_client *client, struct slice message);
struct sasl_client_step scram_client_final(
	struct sasl_client *client, const struct scram_client_keys *keys);
/* NULL: the server has proved that it knows the keys; or what was wrong. */
const char *scram_client_check(struct sasl_client *client, struct slice server_final);

#endif
