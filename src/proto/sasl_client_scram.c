/* The client's half of SCRAM (RFC 5802): it believes nothing that the server has not proved. */
#include "base/random.h"
#include "proto/base64.h"
#include "proto/sasl_client_internal.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>

/* gs2-header (RFC 5802, 7) */
static void
write_header(const struct sasl_client *client, struct buffer *out)
{
	const struct sasl_client_config *config = &client->config;

	if (client->flag == 'p')
		(void)buffer_printf(
			out, "p=%s,", sasl_binding_name((enum sasl_binding)client->binding));
	else
		(void)buffer_printf(out, "%c,", client->flag);
	if (config->authzid.len > 0) {
		(void)buffer_text(out, "a=");
		(void)scram_name_append(config->authzid, out);
	}
	(void)buffer_text(out, ",");
}

static struct slice
make_nonce(struct sasl_client *client)
{
	char token[TOKEN_CHARS + 1];

	if (client->config.nonce.p != NULL)
		return client->config.nonce;
	random_token(token);
	return arena_copy(client->arena, slice_of(token));
}

struct sasl_client_step
scram_client_first(struct sasl_client *client)
{
	const struct sasl_client_config *config = &client->config;
	struct buffer text;
	struct slice message;
	size_t header_len;

	if (config->user.len == 0 || !sasl_is_text(config->user) || !sasl_is_text(config->authzid))
		return sasl_client_fail(client, "SCRAM cannot carry this name.");
	client->nonce = make_nonce(client);
	buffer_init(&text, SASL_MESSAGE_MAX);
	write_header(client, &text);
	header_len = text.len;
	(void)buffer_text(&text, "n=");
	(void)scram_name_append(config->user, &text);
	(void)buffer_text(&text, ",r=");
	(void)buffer_append(&text, client->nonce);
	message = arena_copy(client->arena, buffer_slice(&text));
	buffer_finish(&text);
	if (text.overflowed)
		return sasl_client_fail(client, "The name is too long.");
	client->header = slice_make(message.p, header_len);
	client->transcript.client_first_bare = slice_from(message, header_len);
	client->state = CLIENT_WANTS_FIRST;
	return (struct sasl_client_step){ .verdict = SASL_SEND, .data = message };
}

/*
 * "r=", "s=", "i=", then "h=" (XEP-0474) and others that we may ignore. A leading "m=" may not be
 * ignored.
 */
struct server_first {
	struct slice nonce, salt, iterations, offer;
};

static int
parse_first(struct slice message, struct server_first *out)
{
	struct slice *const values[] = { &out->nonce, &out->salt, &out->iterations };
	const char names[] = "rsi";
	struct slice value;
	char name;

	for (size_t i = 0; i < COUNT_OF(values); i++) {
		if (scram_take(&message, &name, values[i]) < 0 || name != names[i])
			return -EINVAL;
	}
	while (message.len > 0) {
		if (scram_take(&message, &name, &value) < 0 ||
			(name == 'h' && out->offer.p != NULL))
			return -EINVAL;
		if (name == 'h')
			out->offer = value;
	}
	return scram_is_nonce(out->nonce) ? 0 : -EINVAL;
}

static const char *
take_iterations(struct sasl_client *client, struct slice text)
{
	uint64_t n;

	/* RFC 5802, 7: a positive number without leading zeros */
	if (text.p[0] == '0' || slice_to_uint(text, UINT64_MAX, &n) < 0)
		return "The server's message is not as SCRAM has it.";
	if (n < client->config.min_iterations)
		return "The server asks for too few iterations, which would give the password "
		       "away.";
	if (n > client->config.max_iterations)
		return "The server asks for more iterations than any honest one.";
	client->iterations = (uint32_t)n;
	return NULL;
}

/* XEP-0474, 5.2. That the hash itself is the server's shows when the server has signed it. */
static const char *
check_offer(struct sasl_client *client, struct slice hash)
{
	enum scram_hash kind = sasl_hash_of((enum sasl_mechanism)client->mechanism);

	if (hash.p == NULL)
		return client->wants_offer_back
			       ? "The server offers channel binding of no kind that we have, and "
				 "does not protect its offer: someone may be in between."
			       : NULL;
	if (client->offer.p == NULL || slice_is(hash, sasl_offer_hash(client->context, kind,
							      client->offer, client->arena)))
		return NULL;
	return "What the server offered is not what came here: someone is in between.";
}

static const char *
take_first(struct sasl_client *client, struct slice message)
{
	struct server_first first = { .offer = NO_SLICE };
	const char *fault;

	if (!sasl_is_text(message) || message.len > SASL_MESSAGE_MAX ||
		parse_first(message, &first) < 0 ||
		base64_decode(first.salt, client->arena, &client->salt) < 0)
		return "The server's message is not as SCRAM has it.";
	if (client->salt.len > SCRAM_SALT_MAX)
		return "The server's salt is too long.";
	/* RFC 5802, 5.1: our nonce, then something of the server's own */
	if (first.nonce.len <= client->nonce.len || !slice_starts(first.nonce, client->nonce))
		return "The server did not use our nonce.";
	fault = check_offer(client, first.offer);
	if (fault != NULL)
		return fault;
	client->nonce = arena_copy(client->arena, first.nonce);
	client->transcript.server_first = arena_copy(client->arena, message);
	return take_iterations(client, first.iterations);
}

struct sasl_client_step
scram_client_challenge(struct sasl_client *client, struct slice message)
{
	const char *fault = take_first(client, message);

	if (fault != NULL)
		return sasl_client_fail(client, fault);
	client->state = CLIENT_WANTS_KEYS;
	return (struct sasl_client_step){
		.verdict = SASL_NEED_KEYS,
		.hash = sasl_hash_of((enum sasl_mechanism)client->mechanism),
		.salt = client->salt,
		.iterations = client->iterations,
	};
}

/* "c=" with the header and the binding, "r=" with the whole nonce. */
static struct slice
without_proof(struct sasl_client *client)
{
	struct slice binding = client->flag == 'p' ? client->config.bindings.data[client->binding]
						   : SLICE("");
	size_t len = size_add(client->header.len, binding.len);
	char *channel = arena_alloc(client->arena, len);
	struct slice text;

	memcpy(channel, client->header.p, client->header.len);
	if (binding.len > 0)
		memcpy(channel + client->header.len, binding.p, binding.len);
	text = base64_encode(slice_make(channel, len), client->arena);
	return arena_printf(
		client->arena, "c=%.*s,r=%.*s", SLICE_ARG(text), SLICE_ARG(client->nonce));
}

static struct slice
make_proof(struct sasl_client *client, const struct scram_client_keys *keys)
{
	enum scram_hash hash = (enum scram_hash)keys->hash;
	size_t bytes = scram_hash_bytes(hash);
	unsigned char stored[SCRAM_HASH_MAX], proof[SCRAM_HASH_MAX];

	sasl_digest(
		client->context, hash, slice_make((const char *)keys->client_key, bytes), stored);
	scram_sign(client->context, hash, stored, &client->transcript, proof);
	scram_mix(proof, keys->client_key, bytes, proof);
	OPENSSL_cleanse(stored, sizeof(stored));
	return base64_encode(slice_make((const char *)proof, bytes), client->arena);
}

struct sasl_client_step
scram_client_final(struct sasl_client *client, const struct scram_client_keys *keys)
{
	enum scram_hash hash = sasl_hash_of((enum sasl_mechanism)client->mechanism);
	struct slice proof, start = without_proof(client);

	assert(keys->hash == hash && keys->iterations == client->iterations &&
		slice_is(slice_make((const char *)keys->salt, keys->salt_len), client->salt));
	client->transcript.client_final = start;
	proof = make_proof(client, keys);
	scram_sign(client->context, hash, keys->server_key, &client->transcript,
		client->server_signature);
	client->state = CLIENT_WANTS_FINAL;
	return (struct sasl_client_step){
		.verdict = SASL_SEND,
		.data = arena_printf(
			client->arena, "%.*s,p=%.*s", SLICE_ARG(start), SLICE_ARG(proof)),
	};
}

const char *
scram_client_check(struct sasl_client *client, struct slice server_final)
{
	size_t bytes = scram_hash_bytes(sasl_hash_of((enum sasl_mechanism)client->mechanism));
	unsigned char signature[SCRAM_HASH_MAX];
	struct slice value;
	size_t len;
	char name;

	if (server_final.len == 0)
		return "The server let us in without proving that it knows the account.";
	if (scram_take(&server_final, &name, &value) < 0 || (name != 'v' && name != 'e'))
		return "The server's message is not as SCRAM has it.";
	if (name == 'e')
		return "The server refused.";
	if (base64_decode_to(value, signature, bytes, &len) < 0 || len != bytes ||
		!slice_is_secret(slice_make((const char *)signature, bytes),
			slice_make((const char *)client->server_signature, bytes)))
		return "The server does not know the account: it is not the one that it claims to "
		       "be.";
	return NULL;
}
