/* The client's machine: whose turn it is, and the mechanisms of one message. */
#include "proto/sasl_client.h"

#include "proto/sasl_client_internal.h"

#include <assert.h>
#include <openssl/crypto.h>

struct sasl_client *
sasl_client_create(
	struct arena *arena, struct sasl_context *context, const struct sasl_client_config *config)
{
	struct sasl_client *client = arena_new(arena, struct sasl_client);

	client->arena = arena;
	client->context = context;
	client->config = *config;
	if (client->config.min_iterations == 0)
		client->config.min_iterations = SCRAM_ITERATIONS_MIN;
	if (client->config.max_iterations == 0)
		client->config.max_iterations = SCRAM_ITERATIONS_MAX;
	return client;
}

void
sasl_client_finish(struct sasl_client **client)
{
	if (*client == NULL)
		return;
	OPENSSL_cleanse(*client, sizeof(**client));
	*client = NULL;
}

enum sasl_mechanism
sasl_client_mechanism(const struct sasl_client *client)
{
	return (enum sasl_mechanism)client->mechanism;
}

struct sasl_client_step
sasl_client_fail(struct sasl_client *client, const char *text)
{
	client->state = CLIENT_OVER;
	return (struct sasl_client_step){ .verdict = SASL_FAILED, .text = text };
}

/* The only message of a mechanism. */
static struct sasl_client_step
say_once(struct sasl_client *client, struct slice data)
{
	client->state = CLIENT_WANTS_SUCCESS;
	/* Empty, not absent: the server would have to ask for it. */
	return (struct sasl_client_step){
		.verdict = SASL_SEND,
		.data = data.p == NULL ? SLICE("") : data,
	};
}

/* RFC 4616, 2 */
static struct sasl_client_step
say_plain(struct sasl_client *client)
{
	const struct sasl_client_config *config = &client->config;
	size_t authzid_len = config->authzid.len, user_len = config->user.len;
	size_t len = size_add(size_add(authzid_len, user_len), size_add(config->password.len, 2));
	char *text;

	if (!sasl_is_text(config->authzid) || !sasl_is_text(config->user) ||
		!sasl_is_text(config->password))
		return sasl_client_fail(client, "PLAIN cannot carry this name or password.");
	/* The arena's memory is zero, so the two NULs are there. */
	text = arena_alloc(client->arena, len);
	if (authzid_len > 0)
		memcpy(text, config->authzid.p, authzid_len);
	memcpy(text + authzid_len + 1, config->user.p, user_len);
	memcpy(text + authzid_len + user_len + 2, config->password.p, config->password.len);
	return say_once(client, slice_make(text, len));
}

struct sasl_client_step
sasl_client_start(struct sasl_client *client)
{
	assert(client->state == CLIENT_NEW && client->mechanism != SASL_NO_MECHANISM);
	switch (client->mechanism) {
	case SASL_ANONYMOUS:
		return say_once(client, client->config.trace);
	case SASL_EXTERNAL:
		return say_once(client, client->config.authzid);
	case SASL_PLAIN:
		return say_plain(client);
	default:
		return scram_client_first(client);
	}
}

/* The server's last word came as a challenge; what is left to say is nothing. */
static struct sasl_client_step
take_final(struct sasl_client *client, struct slice message)
{
	const char *fault = scram_client_check(client, message);

	return fault != NULL ? sasl_client_fail(client, fault) : say_once(client, NO_SLICE);
}

struct sasl_client_step
sasl_client_step(struct sasl_client *client, struct slice challenge)
{
	switch (client->state) {
	case CLIENT_WANTS_FIRST:
		return scram_client_challenge(client, challenge);
	case CLIENT_WANTS_FINAL:
		return take_final(client, challenge);
	default:
		return sasl_client_fail(client, "The server asked for something that this way of "
						"signing in does not have.");
	}
}

struct sasl_client_step
sasl_client_keys(struct sasl_client *client, const struct scram_client_keys *keys)
{
	assert(client->state == CLIENT_WANTS_KEYS || client->state == CLIENT_OVER);
	if (client->state == CLIENT_OVER)
		return sasl_client_fail(client, "The server spoke out of turn.");
	return scram_client_final(client, keys);
}

struct sasl_client_step
sasl_client_success(struct sasl_client *client, struct slice additional)
{
	const char *fault = NULL;

	if (client->state == CLIENT_WANTS_FINAL)
		fault = scram_client_check(client, additional);
	else if (client->state != CLIENT_WANTS_SUCCESS)
		fault = "The server let us in without proving that it knows the account.";
	if (fault != NULL)
		return sasl_client_fail(client, fault);
	client->state = CLIENT_OVER;
	return (struct sasl_client_step){ .verdict = SASL_DONE };
}
