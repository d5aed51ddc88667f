/*
 * The client's side of a sign-in. It picks a mechanism from what the server offers, never goes
 * below what its owner allows, and believes in success only when the server has proved that it
 * knows the account (SCRAM).
 *
 *	r = sasl_client_choose(sasl, &offer)
 *	step = sasl_client_start(sasl)   SASL_SEND with the initial response, or SASL_FAILED
 *	step = sasl_client_step(sasl, challenge)
 *	SASL_SEND       send step.data
 *	SASL_NEED_KEYS  make or find the keys for step.hash, salt and iterations, then
 *	                sasl_client_keys
 *	SASL_FAILED     send <abort/>, tell step.text
 *	step = sasl_client_success(sasl, additional data)   SASL_DONE or SASL_FAILED
 *
 * The password is not needed for SCRAM: the owner derives the keys on a thread that may take
 * its time, or has kept them from the last time (the same salt and iterations).
 */
#ifndef PROTO_SASL_CLIENT_H
#define PROTO_SASL_CLIENT_H

#include "proto/sasl.h"

struct sasl_client_config {
	struct slice user;     /* the localpart, normalised; p NULL: only ANONYMOUS, EXTERNAL */
	struct slice password; /* prepared; p NULL: PLAIN is not possible */
	struct slice authzid;  /* p NULL: none, which is right unless acting for someone else */
	struct slice trace;    /* ANONYMOUS: may be p NULL */
	unsigned allowed;      /* SASL_BIT()s; 0: all but ANONYMOUS */
	/*
	 * Pinning (XEP-0438, 2.1): nothing weaker than what worked the last time. A stripped offer
	 * then ends the attempt instead of revealing a password. SASL_NO_MECHANISM: first time.
	 */
	enum sasl_mechanism at_least;
	bool encrypted;       /* inside TLS with a verified certificate; PLAIN wants it */
	bool has_certificate; /* the TLS layer has a client certificate, so EXTERNAL may do */
	struct sasl_bindings bindings;
	uint32_t min_iterations, max_iterations; /* 0: SCRAM_ITERATIONS_MIN, SCRAM_ITERATIONS_MAX */
	struct slice nonce;                      /* tests only; p NULL: a random one */
};

enum sasl_client_verdict {
	SASL_SEND,
	SASL_NEED_KEYS,
	SASL_DONE,
	SASL_FAILED,
};

/* Slices live in the arena, until the next call. */
struct sasl_client_step {
	enum sasl_client_verdict verdict;
	struct slice data; /* SEND: p NULL in the first step: no initial response */
	/* NEED_KEYS: */
	enum scram_hash hash;
	struct slice salt;
	uint32_t iterations;
	const char *text; /* FAILED: what was wrong with the server's answer, for people */
};

struct sasl_client;

/* Lives in the arena; context and what config points to must outlive it; config is copied. */
struct sasl_client *sasl_client_create(
	struct arena *arena, struct sasl_context *context, const struct sasl_client_config *config);

/* Wipes the secrets; the arena has the memory. NULL is fine; sets *client to NULL. */
void sasl_client_finish(struct sasl_client **client);

/*
 * Picks the strongest mechanism that both sides have. Once, before start; the offer is needed
 * during the call. 0; -EOPNOTSUPP: nothing in common that is allowed; -EPROTO: the offer is weaker
 * than at_least, or contradicts itself in the way that XEP-0440 (4) calls an attack.
 *
 * With SCRAM, a server that protects its offer (XEP-0474) has to have sent the same one.
 */
int sasl_client_choose(struct sasl_client *client, const struct sasl_offer *offer);

/* What was chosen; SASL_NO_MECHANISM before. */
enum sasl_mechanism sasl_client_mechanism(const struct sasl_client *client);

struct sasl_client_step sasl_client_start(struct sasl_client *client);

struct sasl_client_step sasl_client_step(struct sasl_client *client, struct slice challenge);

/* After SASL_NEED_KEYS. keys: for just that hash, salt and iterations; needed during the call. */
struct sasl_client_step sasl_client_keys(
	struct sasl_client *client, const struct scram_client_keys *keys);

/* <success/>. additional: NO_SLICE: none. */
struct sasl_client_step sasl_client_success(struct sasl_client *client, struct slice additional);

#endif
