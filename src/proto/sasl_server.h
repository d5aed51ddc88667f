/*
 * The server's side of a sign-in. The machine is made when <auth/> comes and lives until it has
 * succeeded or failed; it does nothing that takes long and asks its owner for what it cannot
 * know. Each call returns one step, which says what to do next:
 *
 *	step = sasl_server_start(sasl, mechanism, data)
 *	SASL_CHALLENGE         send step.data; then sasl_server_step with the response
 *	SASL_NEED_CREDENTIALS  look up step.user; then sasl_server_credentials
 *	SASL_NEED_CHECK        check step.password of step.user on a worker; then
 *	                       sasl_server_checked
 *	SASL_SUCCESS           step.user is signed in; send step.data with <success/>
 *	SASL_FAILURE           send step.condition and step.text
 *
 * After SASL_SUCCESS or SASL_FAILURE the machine only waits for sasl_server_finish. While it waits
 * for its owner, the owner holds further responses of the peer back; one that is handed in
 * nevertheless ends in SASL_FAILURE.
 *
 * An unknown user costs and looks the same as a known one: the exchange goes on with keys made of
 * the name, and the last answer is not-authorized.
 */
#ifndef PROTO_SASL_SERVER_H
#define PROTO_SASL_SERVER_H

#include "proto/sasl.h"

struct sasl_server_config {
	/* SASL_BIT()s that this stream was offered. Others are refused (invalid-mechanism), and
	 * whether -PLUS is among them decides what a client may say about binding. */
	unsigned offered;
	/* The same with the kinds of binding as it was written, by sasl_offer_text: SCRAM protects
	 * it (XEP-0474). p NULL: it does not. */
	struct slice offer;
	struct sasl_bindings bindings;
	/* The domain that people sign in to, normalised: an authzid may be user@domain. */
	struct slice domain;
	/* For unknown users: 16 random bytes or more, for ever the same on this server, and the
	 * iterations that accounts here have. */
	struct slice secret;
	uint32_t iterations;
	/* EXTERNAL: the addresses that the verified certificate gives the peer here, normalised
	 * (clients: user@domain from xmppAddr; servers: the domain). */
	const struct slice *identities;
	size_t identity_count;
	struct slice nonce; /* tests only; p NULL: a random one */
};

enum sasl_server_verdict {
	SASL_CHALLENGE,
	SASL_NEED_CREDENTIALS,
	SASL_NEED_CHECK,
	SASL_SUCCESS,
	SASL_FAILURE,
};

/* Slices live in the arena or the config; data and password until the next call. */
struct sasl_server_step {
	enum sasl_server_verdict verdict;
	/* CHALLENGE: never p NULL, may be empty. SUCCESS: p NULL: nothing to add. */
	struct slice data;
	/*
	 * NEED_*: as the peer wrote it; valid UTF-8, not empty, without NUL; a localpart once the
	 * owner has normalised it. SUCCESS: SCRAM and PLAIN: the user that the owner handed back;
	 * EXTERNAL: the whole address, one of the identities, of which the owner knows whether it
	 * may come in; ANONYMOUS: p NULL, the owner makes up a name.
	 */
	struct slice user;
	struct slice password; /* NEED_CHECK: prepared (proto/password.h) */
	enum scram_hash hash;  /* NEED_CREDENTIALS: the only keys that will be used */
	enum sasl_condition condition;
	const char *text; /* FAILURE: for people; NULL: the condition says it all */
};

/* What the owner found out about a user. Needed during the call only. */
struct sasl_account {
	/* Normalised; p NULL: nobody can have that name. Must outlive the machine. */
	struct slice user;
	/* NULL: unknown user. Keys missing for the hash count as unknown. */
	const struct scram_credentials *credentials;
	/* Told instead of success, so only to someone who knows the password (account-disabled,
	 * credentials-expired); SASL_NO_CONDITION: let them in. */
	enum sasl_condition refusal;
};

struct sasl_server;

/*
 * The machine lives in the arena and takes what it needs from there (some 2 KiB). context and
 * what config points to must outlive it; config itself is copied.
 */
struct sasl_server *sasl_server_create(
	struct arena *arena, struct sasl_context *context, const struct sasl_server_config *config);

/* Wipes the secrets; the arena has the memory. NULL is fine; sets *server to NULL. */
void sasl_server_finish(struct sasl_server **server);

/* mechanism: as the peer wrote it. initial: NO_SLICE: no initial response. */
struct sasl_server_step sasl_server_start(
	struct sasl_server *server, struct slice mechanism, struct slice initial);

/* A response; NO_SLICE is as good as empty. */
struct sasl_server_step sasl_server_step(struct sasl_server *server, struct slice response);

/* After SASL_NEED_CREDENTIALS. */
struct sasl_server_step sasl_server_credentials(
	struct sasl_server *server, const struct sasl_account *account);

/*
 * Credentials for a user that is not there, the same whenever the (normalised) name is the same,
 * so that checking a password against them takes as long as for others. No password fits.
 */
void sasl_server_fake_credentials(
	const struct sasl_server *server, struct slice user, struct scram_credentials *out);

/*
 * After SASL_NEED_CHECK, which the owner answers by scram_password_fits, for an unknown user
 * against sasl_server_fake_credentials. fits: whether it is the password; account->credentials is
 * not used.
 */
struct sasl_server_step sasl_server_checked(
	struct sasl_server *server, const struct sasl_account *account, bool fits);

/* <abort/> */
struct sasl_server_step sasl_server_abort(struct sasl_server *server);

#endif
