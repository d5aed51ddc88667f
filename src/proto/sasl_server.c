/*
 * The server's machine: which mechanism, whose turn, and the mechanisms that need one message
 * only (PLAIN, EXTERNAL, ANONYMOUS). SCRAM is in sasl_server_scram.c.
 */
#include "proto/sasl_server.h"

#include "proto/password.h"
#include "proto/sasl_server_internal.h"

#include <assert.h>
#include <openssl/crypto.h>

struct sasl_server *
sasl_server_create(
	struct arena *arena, struct sasl_context *context, const struct sasl_server_config *config)
{
	struct sasl_server *server = arena_new(arena, struct sasl_server);

	server->arena = arena;
	server->context = context;
	server->config = *config;
	return server;
}

static void
wipe_password(struct sasl_server *server)
{
	if (server->password.p != NULL)
		OPENSSL_cleanse((void *)(uintptr_t)server->password.p, server->password.len);
	server->password = NO_SLICE;
}

void
sasl_server_finish(struct sasl_server **server)
{
	if (*server == NULL)
		return;
	wipe_password(*server);
	OPENSSL_cleanse(*server, sizeof(**server));
	*server = NULL;
}

struct sasl_server_step
sasl_server_fail(struct sasl_server *server, enum sasl_condition condition, const char *text)
{
	server->state = SERVER_OVER;
	return (struct sasl_server_step){
		.verdict = SASL_FAILURE,
		.condition = condition,
		.text = text,
	};
}

struct sasl_server_step
sasl_server_let_in(struct sasl_server *server, enum sasl_condition refusal, struct slice data)
{
	if (refusal != SASL_NO_CONDITION)
		return sasl_server_fail(server, refusal, NULL);
	server->state = SERVER_OVER;
	return (struct sasl_server_step){
		.verdict = SASL_SUCCESS,
		.user = server->user,
		.data = data,
	};
}

static bool
is_same_letter(char a, char b)
{
	bool letter = (a >= 'A' && a <= 'Z') || (a >= 'a' && a <= 'z');

	return a == b || (letter && (a ^ b) == 0x20);
}

static bool
is_same_name(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (!is_same_letter(a.p[i], b.p[i]))
			return false;
	}
	return true;
}

bool
sasl_server_is_self(const struct sasl_server *server, struct slice authzid, struct slice user)
{
	if (is_same_name(authzid, user))
		return true;
	return authzid.len > user.len && authzid.p[user.len] == '@' &&
	       is_same_name(slice_make(authzid.p, user.len), user) &&
	       is_same_name(slice_from(authzid, user.len + 1), server->config.domain);
}

/* RFC 4505: an optional text that says who it may be, which we do not need. */
static struct sasl_server_step
take_anonymous(struct sasl_server *server, struct slice message)
{
	if (!sasl_is_text(message))
		return sasl_server_fail(server, SASL_MALFORMED_REQUEST, NULL);
	server->user = NO_SLICE;
	return sasl_server_let_in(server, SASL_NO_CONDITION, NO_SLICE);
}

/* XEP-0178, 2 and 3: the message is an authzid, which must be one of the certificate's. */
static struct sasl_server_step
take_external(struct sasl_server *server, struct slice message)
{
	const struct sasl_server_config *config = &server->config;

	if (!sasl_is_text(message))
		return sasl_server_fail(server, SASL_MALFORMED_REQUEST, NULL);
	if (config->identity_count == 0)
		return sasl_server_fail(server, SASL_NOT_AUTHORIZED,
			"The certificate has no address of this server.");
	if (message.len == 0 && config->identity_count > 1)
		return sasl_server_fail(server, SASL_INVALID_AUTHZID,
			"The certificate has several addresses, so one must be asked for.");
	for (size_t i = 0; i < config->identity_count; i++) {
		if (message.len > 0 && !is_same_name(message, config->identities[i]))
			continue;
		server->user = config->identities[i];
		return sasl_server_let_in(server, SASL_NO_CONDITION, NO_SLICE);
	}
	return sasl_server_fail(
		server, SASL_INVALID_AUTHZID, "This address is not in the certificate.");
}

static bool
take_until_nul(struct slice *rest, struct slice *out)
{
	size_t at = slice_find(*rest, '\0');

	if (at == rest->len)
		return false;
	*out = slice_make(rest->p, at);
	*rest = slice_from(*rest, at + 1);
	return true;
}

/* RFC 4616, 2: authzid NUL authcid NUL password */
static struct sasl_server_step
take_plain(struct sasl_server *server, struct slice message)
{
	struct slice authzid, user, password = message;

	if (!take_until_nul(&password, &authzid) || !take_until_nul(&password, &user) ||
		user.len == 0 || !sasl_is_text(authzid) || !sasl_is_text(user) ||
		!sasl_is_text(password))
		return sasl_server_fail(server, SASL_MALFORMED_REQUEST, NULL);
	if (authzid.len > 0 && !sasl_server_is_self(server, authzid, user))
		return sasl_server_fail(server, SASL_INVALID_AUTHZID, NULL);
	if (password_prepare(password, server->arena, &server->password) < 0)
		return sasl_server_fail(server, SASL_NOT_AUTHORIZED, NULL);
	server->user = arena_copy(server->arena, user);
	server->state = SERVER_WANTS_CHECK;
	return (struct sasl_server_step){
		.verdict = SASL_NEED_CHECK,
		.user = server->user,
		.password = server->password,
	};
}

static struct sasl_server_step
take_first(struct sasl_server *server, struct slice message)
{
	switch (server->mechanism) {
	case SASL_ANONYMOUS:
		return take_anonymous(server, message);
	case SASL_EXTERNAL:
		return take_external(server, message);
	case SASL_PLAIN:
		return take_plain(server, message);
	default:
		return scram_server_first(server, message);
	}
}

struct sasl_server_step
sasl_server_start(struct sasl_server *server, struct slice mechanism, struct slice initial)
{
	enum sasl_mechanism found = sasl_mechanism_find(mechanism);

	assert(server->state == SERVER_NEW);
	if (found == SASL_NO_MECHANISM || (server->config.offered & SASL_BIT(found)) == 0)
		return sasl_server_fail(server, SASL_INVALID_MECHANISM, NULL);
	server->mechanism = (uint8_t)found;
	server->state = SERVER_WANTS_FIRST;
	if (initial.p != NULL)
		return sasl_server_step(server, initial);
	/* RFC 4422, 3.3: all our mechanisms let the client speak first */
	return (struct sasl_server_step){ .verdict = SASL_CHALLENGE, .data = SLICE("") };
}

struct sasl_server_step
sasl_server_step(struct sasl_server *server, struct slice response)
{
	if (response.len > SASL_MESSAGE_MAX)
		return sasl_server_fail(server, SASL_MALFORMED_REQUEST, "The message is too long.");
	switch (server->state) {
	case SERVER_WANTS_FIRST:
		return take_first(server, response);
	case SERVER_WANTS_FINAL:
		return scram_server_final(server, response);
	default:
		return sasl_server_fail(
			server, SASL_MALFORMED_REQUEST, "A response came when none was asked for.");
	}
}

struct sasl_server_step
sasl_server_credentials(struct sasl_server *server, const struct sasl_account *account)
{
	assert(server->state == SERVER_WANTS_CREDENTIALS || server->state == SERVER_OVER);
	/* The peer may have spoken out of turn while its owner looked the user up. */
	if (server->state == SERVER_OVER)
		return sasl_server_fail(server, SASL_MALFORMED_REQUEST, NULL);
	return scram_server_challenge(server, account);
}

void
sasl_server_fake_credentials(
	const struct sasl_server *server, struct slice user, struct scram_credentials *out)
{
	const struct sasl_server_config *config = &server->config;

	for (size_t i = 0; i < SCRAM_HASHES; i++)
		scram_keys_fake(server->context, config->secret, user, (enum scram_hash)i,
			config->iterations, &out->keys[i]);
}

struct sasl_server_step
sasl_server_checked(struct sasl_server *server, const struct sasl_account *account, bool fits)
{
	assert(server->state == SERVER_WANTS_CHECK || server->state == SERVER_OVER);
	wipe_password(server);
	if (server->state == SERVER_OVER)
		return sasl_server_fail(server, SASL_MALFORMED_REQUEST, NULL);
	if (!fits || account->user.p == NULL)
		return sasl_server_fail(server, SASL_NOT_AUTHORIZED, NULL);
	server->user = account->user;
	return sasl_server_let_in(server, account->refusal, NO_SLICE);
}

struct sasl_server_step
sasl_server_abort(struct sasl_server *server)
{
	return sasl_server_fail(server, SASL_ABORTED, NULL);
}
