/* The server offers much; we are asked for one mechanism, so that is all the machine hears of. */
#include "tools/kith-load/sign_in.h"

#include "tools/kith-load/cut.h"

#include <stdlib.h>

#define NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"

enum { ARENA_BYTES = 4096 };

struct sign_in {
	struct sign_in_config config;
	struct arena arena;
	struct sasl_client *client;
};

static struct sasl_client *
make_client(struct sign_in *s)
{
	const struct sasl_client_config config = {
		.user = arena_copy(&s->arena, s->config.user),
		.password = s->config.password,
		.allowed = SASL_BIT(s->config.mechanism),
		/* The load is worth nothing to an eavesdropper; whoever asks for PLAIN gets it. */
		.encrypted = true,
		.min_iterations = 1,
	};

	return sasl_client_create(&s->arena, s->config.context, &config);
}

struct sign_in *
sign_in_begin(const struct sign_in_config *config, struct buffer *out, const char **why_out)
{
	struct sign_in *s = xcalloc(1, sizeof(*s));
	struct slice name = slice_of(sasl_mechanism_name(config->mechanism));
	const struct sasl_offer offer = {
		.mechanisms = &name, .mechanism_count = 1, .is_partial = true
	};

	s->config = *config;
	arena_init(&s->arena, ARENA_BYTES);
	s->client = make_client(s);
	struct sasl_client_step step = { .verdict = SASL_FAILED, .text = "cannot be used here" };
	if (sasl_client_choose(s->client, &offer) == 0)
		step = sasl_client_start(s->client);
	if (step.verdict != SASL_SEND) {
		*why_out = step.text;
		sign_in_end(&s);
		return NULL;
	}
	struct slice text = sasl_data_encode(step.data, &s->arena);
	(void)buffer_printf(out, "<auth xmlns='" NS_SASL "' mechanism='%.*s'>%.*s</auth>",
		SLICE_ARG(name), SLICE_ARG(text));
	return s;
}

void
sign_in_end(struct sign_in **sign_in)
{
	struct sign_in *s = *sign_in;

	if (s == NULL)
		return;
	sasl_client_finish(&s->client);
	arena_finish(&s->arena);
	free(s);
	*sign_in = NULL;
}

/* Salts are random, so their first bytes spread well; who shares a place takes it over. */
static struct scram_client_keys *
place_of(struct sign_in_keys *keys, struct slice salt)
{
	uint32_t number = 0;

	memcpy(&number, salt.p, salt.len < sizeof(number) ? salt.len : sizeof(number));
	return &keys->by_salt[number % SIGN_IN_KEYS];
}

static struct sasl_client_step
give_keys(struct sign_in *s, const struct sasl_client_step *wanted)
{
	struct scram_client_keys *keys = place_of(s->config.keys, wanted->salt);
	bool known = keys->iterations == wanted->iterations && keys->hash == wanted->hash &&
		     slice_is(slice_make((const char *)keys->salt, keys->salt_len), wanted->salt);

	if (!known && scram_client_keys_make(s->config.password, wanted->hash, wanted->salt,
			      wanted->iterations, keys) < 0)
		return (struct sasl_client_step){ .verdict = SASL_FAILED,
			.text = "salt or iterations are out of bounds" };
	return sasl_client_keys(s->client, keys);
}

const char *
sign_in_challenge(struct sign_in *s, struct slice stanza, struct buffer *out)
{
	struct slice data;

	if (sasl_data_decode(cut_text(stanza, "challenge"), &s->arena, &data) < 0)
		return "the challenge is not base64";
	struct sasl_client_step step = sasl_client_step(s->client, data);
	if (step.verdict == SASL_NEED_KEYS)
		step = give_keys(s, &step);
	if (step.verdict != SASL_SEND)
		return step.text;
	struct slice text = sasl_data_encode(step.data, &s->arena);
	(void)buffer_printf(out, "<response xmlns='" NS_SASL "'>%.*s</response>", SLICE_ARG(text));
	return NULL;
}

const char *
sign_in_success(struct sign_in *s, struct slice stanza)
{
	struct slice data;

	if (sasl_data_decode(cut_text(stanza, "success"), &s->arena, &data) < 0)
		return "the success is not base64";
	struct sasl_client_step step = sasl_client_success(s->client, data);
	return step.verdict == SASL_DONE ? NULL : step.text;
}
