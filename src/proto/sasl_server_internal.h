/* The server's machine as its two files see it: mechanisms of one message, and SCRAM. */
#ifndef PROTO_SASL_SERVER_INTERNAL_H
#define PROTO_SASL_SERVER_INTERNAL_H

#include "proto/sasl_internal.h"
#include "proto/sasl_server.h"

enum server_state {
	SERVER_NEW,
	SERVER_WANTS_FIRST, /* an empty challenge went out, as there was no initial response */
	SERVER_WANTS_CREDENTIALS,
	SERVER_WANTS_FINAL, /* SCRAM's client-final-message */
	SERVER_WANTS_CHECK,
	SERVER_OVER,
};

struct sasl_server {
	struct arena *arena;
	struct sasl_context *context;
	struct sasl_server_config config;
	uint8_t state, mechanism;
	struct slice user, password; /* user: as the peer wrote it, then as the owner has it */

	/* SCRAM. The transcript grows with the messages. */
	struct scram_transcript transcript;
	struct slice nonce;         /* both halves */
	struct slice channel_input; /* what the client must repeat in base64: header and binding */
	struct scram_keys keys;
	bool known; /* the keys are real ones */
	uint8_t refusal;
};

/* The end. text may be NULL. */
struct sasl_server_step sasl_server_fail(
	struct sasl_server *server, enum sasl_condition condition, const char *text);

/* The other end: success, or the refusal that the owner wants told to people who signed in. */
struct sasl_server_step sasl_server_let_in(
	struct sasl_server *server, enum sasl_condition refusal, struct slice data);

/*
 * Whether the authzid names the user itself, as user or user@domain. Case of ASCII letters does
 * not count. It grants nothing: whom a session belongs to is decided by the user alone.
 */
bool sasl_server_is_self(const struct sasl_server *server, struct slice authzid, struct slice user);

/* RFC 5802: the three messages of the client's half. */
struct sasl_server_step scram_server_first(struct sasl_server *server, struct slice message);
struct sasl_server_step scram_server_challenge(
	struct sasl_server *server, const struct sasl_account *account);
struct sasl_server_step scram_server_final(struct sasl_server *server, struct slice message);

#endif
