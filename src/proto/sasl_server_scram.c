/*
 * The server's half of SCRAM (RFC 5802). The work for a user that is not there is the same: keys
 * of nobody are made in either case, and which ones are used shows only in the last answer.
 */
#include "base/random.h"
#include "proto/base64.h"
#include "proto/sasl_server_internal.h"

#include <errno.h>
#include <openssl/crypto.h>

/* client-first-message: gs2-header and client-first-message-bare, and what is in them. */
struct client_first {
	struct slice header;  /* with its last comma */
	struct slice binding; /* the name behind "p=", p NULL: none */
	char flag;            /* 'n', 'y', 'p' */
	struct slice authzid; /* p NULL: none */
	struct slice bare, user, nonce;
};

static struct sasl_server_step
malformed(struct sasl_server *server)
{
	return sasl_server_fail(server, SASL_MALFORMED_REQUEST, NULL);
}

static int
parse_header(struct slice message, struct arena *arena, struct client_first *out)
{
	size_t flag_len = slice_find(message, ',');
	struct slice rest, authzid;

	if (flag_len == 0 || flag_len == message.len)
		return -EINVAL;
	out->flag = message.p[0];
	if (out->flag == 'p') {
		if (flag_len < 3 || message.p[1] != '=')
			return -EINVAL;
		out->binding = slice_make(message.p + 2, flag_len - 2);
	} else if (flag_len != 1 || (out->flag != 'n' && out->flag != 'y')) {
		return -EINVAL;
	}
	rest = slice_from(message, flag_len + 1);
	authzid = slice_make(rest.p, slice_find(rest, ','));
	if (authzid.len == rest.len)
		return -EINVAL;
	out->bare = slice_from(rest, authzid.len + 1);
	out->header = slice_make(message.p, message.len - out->bare.len);
	if (authzid.len == 0)
		return 0;
	if (!slice_starts(authzid, SLICE("a=")))
		return -EINVAL;
	return scram_name_decode(slice_from(authzid, 2), arena, &out->authzid);
}

/* Extensions may follow the nonce, and we know none. A leading "m=" is one that we must know. */
static int
parse_bare(struct slice bare, struct arena *arena, struct client_first *out)
{
	struct slice value;
	char name;

	if (scram_take(&bare, &name, &value) < 0 || name != 'n' ||
		scram_name_decode(value, arena, &out->user) < 0)
		return -EINVAL;
	if (scram_take(&bare, &name, &out->nonce) < 0 || name != 'r' || !scram_is_nonce(out->nonce))
		return -EINVAL;
	while (bare.len > 0) {
		if (scram_take(&bare, &name, &value) < 0)
			return -EINVAL;
	}
	return 0;
}

/* What the client will have to repeat: its header, then the bytes of the binding. */
static void
remember_channel(struct sasl_server *server, struct slice header, struct slice binding)
{
	char *input = arena_alloc(server->arena, size_add(header.len, binding.len));

	memcpy(input, header.p, header.len);
	if (binding.len > 0)
		memcpy(input + header.len, binding.p, binding.len);
	server->channel_input = slice_make(input, header.len + binding.len);
}

/* RFC 5802, 6: NULL, or why the flag and this mechanism do not go together. */
static const char *
judge_binding(struct sasl_server *server, const struct client_first *first)
{
	const struct sasl_server_config *config = &server->config;
	enum sasl_binding binding;

	if (first->flag == 'y' && (config->offered & SASL_PLUS_BITS) != 0)
		return "Channel binding was offered, but the offer did not reach the client: "
		       "someone "
		       "may be in between.";
	if (first->flag != 'p') {
		remember_channel(server, first->header, NO_SLICE);
		return NULL;
	}
	binding = sasl_binding_find(first->binding);
	if (binding == SASL_BINDINGS || config->bindings.data[binding].p == NULL)
		return "This kind of channel binding is not available here.";
	remember_channel(server, first->header, config->bindings.data[binding]);
	return NULL;
}

struct sasl_server_step
scram_server_first(struct sasl_server *server, struct slice message)
{
	struct client_first first = { .flag = 0 };
	const char *fault;

	if (!sasl_is_text(message) || parse_header(message, server->arena, &first) < 0 ||
		parse_bare(first.bare, server->arena, &first) < 0)
		return malformed(server);
	if ((first.flag == 'p') != sasl_is_plus((enum sasl_mechanism)server->mechanism))
		return malformed(server);
	fault = judge_binding(server, &first);
	if (fault != NULL)
		return sasl_server_fail(server, SASL_NOT_AUTHORIZED, fault);
	if (first.authzid.p != NULL && !sasl_server_is_self(server, first.authzid, first.user))
		return sasl_server_fail(server, SASL_INVALID_AUTHZID, NULL);
	server->transcript.client_first_bare = arena_copy(server->arena, first.bare);
	server->nonce = arena_copy(server->arena, first.nonce);
	server->user = first.user;
	server->state = SERVER_WANTS_CREDENTIALS;
	return (struct sasl_server_step){
		.verdict = SASL_NEED_CREDENTIALS,
		.user = server->user,
		.hash = sasl_hash_of((enum sasl_mechanism)server->mechanism),
	};
}

/* The account's keys, or nobody's. */
static void
choose_keys(struct sasl_server *server, const struct sasl_account *account)
{
	enum scram_hash hash = sasl_hash_of((enum sasl_mechanism)server->mechanism);
	const struct scram_keys *keys = account->credentials == NULL
						? NULL
						: &account->credentials->keys[hash];
	struct slice name = account->user.p == NULL ? server->user : account->user;

	scram_keys_fake(server->context, server->config.secret, name, hash,
		server->config.iterations, &server->keys);
	server->known = account->user.p != NULL && keys != NULL && keys->iterations > 0;
	if (server->known)
		server->keys = *keys;
	server->refusal = (uint8_t)account->refusal;
	server->user = name;
}

/* XEP-0474, 5.1 */
static struct slice
protected_offer(const struct sasl_server *server)
{
	enum scram_hash hash = sasl_hash_of((enum sasl_mechanism)server->mechanism);
	struct slice text;

	if (server->config.offer.p == NULL)
		return SLICE("");
	text = sasl_offer_hash(server->context, hash, server->config.offer, server->arena);
	return arena_printf(server->arena, ",h=%.*s", SLICE_ARG(text));
}

struct sasl_server_step
scram_server_challenge(struct sasl_server *server, const struct sasl_account *account)
{
	char token[TOKEN_CHARS + 1];
	struct slice nonce = server->config.nonce, salt, offer = protected_offer(server);

	choose_keys(server, account);
	if (nonce.p == NULL) {
		random_token(token);
		nonce = slice_of(token);
	}
	server->nonce = arena_printf(
		server->arena, "%.*s%.*s", SLICE_ARG(server->nonce), SLICE_ARG(nonce));
	salt = base64_encode(
		slice_make((const char *)server->keys.salt, server->keys.salt_len), server->arena);
	server->transcript.server_first = arena_printf(server->arena, "r=%.*s,s=%.*s,i=%u%.*s",
		SLICE_ARG(server->nonce), SLICE_ARG(salt), server->keys.iterations,
		SLICE_ARG(offer));
	server->state = SERVER_WANTS_FINAL;
	return (struct sasl_server_step){
		.verdict = SASL_CHALLENGE,
		.data = server->transcript.server_first,
	};
}

/* client-final-message: the proof is the last attribute, extensions stand before it. */
struct client_final {
	struct slice without_proof, channel, nonce;
	unsigned char proof[SCRAM_HASH_MAX];
};

static int
parse_final(struct slice message, size_t proof_bytes, struct client_final *out)
{
	struct slice rest = message, value;
	size_t len;
	char name;

	if (scram_take(&rest, &name, &out->channel) < 0 || name != 'c')
		return -EINVAL;
	if (scram_take(&rest, &name, &out->nonce) < 0 || name != 'r')
		return -EINVAL;
	do {
		out->without_proof = slice_make(message.p, message.len - rest.len - 1);
		if (scram_take(&rest, &name, &value) < 0)
			return -EINVAL;
	} while (name != 'p');
	if (rest.len > 0 || base64_decode_to(value, out->proof, proof_bytes, &len) < 0)
		return -EINVAL;
	return len == proof_bytes ? 0 : -EINVAL;
}

/* RFC 5802, 3: H(ClientProof XOR ClientSignature) is StoredKey */
static bool
is_proved(struct sasl_server *server, const unsigned char *proof)
{
	enum scram_hash hash = (enum scram_hash)server->keys.hash;
	size_t bytes = scram_hash_bytes(hash);
	unsigned char key[SCRAM_HASH_MAX], stored[SCRAM_HASH_MAX];
	bool proved;

	scram_sign(server->context, hash, server->keys.stored_key, &server->transcript, key);
	scram_mix(key, proof, bytes, key);
	sasl_digest(server->context, hash, slice_make((const char *)key, bytes), stored);
	proved = slice_is_secret(slice_make((const char *)stored, bytes),
		slice_make((const char *)server->keys.stored_key, bytes));
	OPENSSL_cleanse(key, sizeof(key));
	return proved && server->known;
}

static struct slice
server_final(struct sasl_server *server)
{
	enum scram_hash hash = (enum scram_hash)server->keys.hash;
	unsigned char signature[SCRAM_HASH_MAX];
	struct slice text;

	scram_sign(server->context, hash, server->keys.server_key, &server->transcript, signature);
	text = base64_encode(
		slice_make((const char *)signature, scram_hash_bytes(hash)), server->arena);
	return arena_printf(server->arena, "v=%.*s", SLICE_ARG(text));
}

struct sasl_server_step
scram_server_final(struct sasl_server *server, struct slice message)
{
	size_t bytes = scram_hash_bytes((enum scram_hash)server->keys.hash);
	struct client_final final;
	struct slice channel;

	if (!sasl_is_text(message) || parse_final(message, bytes, &final) < 0)
		return malformed(server);
	channel = base64_encode(server->channel_input, server->arena);
	if (!slice_is_secret(final.channel, channel))
		return sasl_server_fail(server, SASL_NOT_AUTHORIZED,
			"The channel bindings do not match: someone may be in between.");
	if (!slice_is_secret(final.nonce, server->nonce))
		return sasl_server_fail(server, SASL_NOT_AUTHORIZED, NULL);
	server->transcript.client_final = final.without_proof;
	if (!is_proved(server, final.proof))
		return sasl_server_fail(server, SASL_NOT_AUTHORIZED, NULL);
	return sasl_server_let_in(
		server, (enum sasl_condition)server->refusal, server_final(server));
}
