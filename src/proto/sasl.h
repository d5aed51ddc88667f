/*
 * SASL (RFC 4422) as XMPP uses it (RFC 6120, 6), for both roles and without I/O or XML: what a
 * mechanism says goes in and out as bytes, the stream wraps them. Here stand the words that the
 * roles share; the machines are in proto/sasl_server.h and proto/sasl_client.h.
 */
#ifndef PROTO_SASL_H
#define PROTO_SASL_H

#include "base/arena.h"
#include "proto/scram_keys.h"

/* From weak to strong; a client prefers the last one that both sides have. */
enum sasl_mechanism {
	SASL_NO_MECHANISM,
	SASL_ANONYMOUS,        /* RFC 4505 */
	SASL_PLAIN,            /* RFC 4616 */
	SASL_SCRAM_SHA_1,      /* RFC 5802 */
	SASL_SCRAM_SHA_256,    /* RFC 7677 */
	SASL_SCRAM_SHA_512,    /* draft-melnikov-scram-sha-512 */
	SASL_SCRAM_SHA_1_PLUS, /* the same with channel binding */
	SASL_SCRAM_SHA_256_PLUS,
	SASL_SCRAM_SHA_512_PLUS,
	SASL_EXTERNAL, /* RFC 4422, appendix A; XEP-0178 */
	SASL_MECHANISMS,
};

/* Sets of mechanisms. */
#define SASL_BIT(mechanism) (1u << (mechanism))
#define SASL_PLUS_BITS \
	(SASL_BIT(SASL_SCRAM_SHA_1_PLUS) | SASL_BIT(SASL_SCRAM_SHA_256_PLUS) | \
		SASL_BIT(SASL_SCRAM_SHA_512_PLUS))
#define SASL_SCRAM_BITS \
	(SASL_BIT(SASL_SCRAM_SHA_1) | SASL_BIT(SASL_SCRAM_SHA_256) | \
		SASL_BIT(SASL_SCRAM_SHA_512) | SASL_PLUS_BITS)

/* "SCRAM-SHA-1-PLUS"; NULL for SASL_NO_MECHANISM. */
const char *sasl_mechanism_name(enum sasl_mechanism mechanism);

/* By its exact name; SASL_NO_MECHANISM if we do not have it. */
enum sasl_mechanism sasl_mechanism_find(struct slice name);

/* Kinds of channel binding, the better one first. */
enum sasl_binding {
	SASL_TLS_EXPORTER,         /* RFC 9266; on TLS 1.2 only with extended master secret */
	SASL_TLS_SERVER_END_POINT, /* RFC 5929, 4: the hash of the server's certificate */
	/*
	 * RFC 5929, 3: the client's Finished. Not announced: it is here for clients that know
	 * nothing else and refuse to go on without binding when -PLUS is offered, as Debian 12's
	 * slixmpp does. Its weakness in TLS 1.2 (triple handshake) needs no extended master
	 * secret, so it is given only with that, or in TLS 1.3.
	 */
	SASL_TLS_UNIQUE,
	SASL_BINDINGS,
};

/* "tls-exporter" */
const char *sasl_binding_name(enum sasl_binding binding);
/* SASL_BINDINGS if we do not have it. */
enum sasl_binding sasl_binding_find(struct slice name);

/* What the TLS connection gives for each kind; p NULL: this kind cannot be had. */
struct sasl_bindings {
	struct slice data[SASL_BINDINGS];
};

/* What a server offers. */
struct sasl_offer {
	const struct slice *mechanisms; /* names; unknown ones do no harm */
	size_t mechanism_count;
	const struct slice *bindings; /* XEP-0440, names */
	size_t binding_count;         /* 0: it did not say */
	bool is_partial;              /* a client's: there was more, of which we were not told */
};

/* The text of an offer that is hashed to protect it (XEP-0474, 5.1), in the arena. */
struct slice sasl_offer_text(const struct sasl_offer *offer, struct arena *arena);

/* RFC 6120, 6.5 */
enum sasl_condition {
	SASL_NO_CONDITION,
	SASL_ABORTED,
	SASL_ACCOUNT_DISABLED,
	SASL_CREDENTIALS_EXPIRED,
	SASL_ENCRYPTION_REQUIRED,
	SASL_INCORRECT_ENCODING,
	SASL_INVALID_AUTHZID,
	SASL_INVALID_MECHANISM,
	SASL_MALFORMED_REQUEST,
	SASL_MECHANISM_TOO_WEAK,
	SASL_NOT_AUTHORIZED,
	SASL_TEMPORARY_AUTH_FAILURE,
	SASL_CONDITIONS,
};

/* "not-authorized"; NULL for SASL_NO_CONDITION. */
const char *sasl_condition_name(enum sasl_condition condition);
/* SASL_NO_CONDITION if RFC 6120 does not have it. */
enum sasl_condition sasl_condition_find(struct slice name);

/*
 * The text of <auth/>, <challenge/>, <response/> and <success/>: base64, and "=" says "empty"
 * where an empty element says "nothing" (RFC 6120, 6.4.2 and 6.4.6). An absent or empty text
 * decodes to NO_SLICE. 0, or -EINVAL: the answer is incorrect-encoding.
 */
int sasl_data_decode(struct slice text, struct arena *arena, struct slice *data_out);

/* The other way: NO_SLICE stays NO_SLICE, empty data becomes "=". */
struct slice sasl_data_encode(struct slice data, struct arena *arena);

/*
 * The keyed hashes and digests of OpenSSL, looked up once. One for each thread that signs people
 * in: it is used by one thread at a time and must outlive the machines that use it.
 */
struct sasl_context;
struct sasl_context *sasl_context_create(void);
/* Sets *context to NULL; NULL is fine. */
void sasl_context_destroy(struct sasl_context **context);

/* Bytes of the longest message from a peer that a machine looks at. */
enum { SASL_MESSAGE_MAX = 4096 };

#endif
