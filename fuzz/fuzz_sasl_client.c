/*
 * The client's side of SASL against any server. The first byte is the config; then, with 0xff
 * between, the mechanisms and the binding types that are offered (each behind a blank) and the
 * server's messages: 'c' and a challenge, or 's' and what comes with success. The nonce is fixed,
 * so the corpus can hold whole logins.
 */
#include "fuzz.h"
#include "proto/sasl_client.h"

#include <assert.h>

enum {
	TLS = 1,
	CERTIFICATE = 2,
	EXPORTER = 4,
	END_POINT = 8,
	AUTHZID = 16,
	ANYTHING = 32,
	MOST = 16
};

static struct sasl_context *context;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	context = sasl_context_create();
	return 0;
}

static struct slice
take(struct slice *rest, char mark)
{
	size_t end = slice_find(*rest, mark);
	struct slice taken = slice_make(rest->p, end);

	*rest = slice_from(*rest, end == rest->len ? end : end + 1);
	return taken;
}

static size_t
take_names(struct slice *rest, struct slice names[MOST])
{
	struct slice list = take(rest, '\xff');
	size_t count = 0;

	while (list.len > 0 && count < MOST)
		names[count++] = take(&list, ' ');
	return count;
}

/* The owner makes the keys at once; asked for too many iterations, the machine fails itself. */
static struct sasl_client_step
settle(struct sasl_client *client, struct sasl_client_step step, bool *keyed)
{
	struct scram_client_keys keys;
	int r;

	if (step.verdict != SASL_NEED_KEYS)
		return step;
	assert(step.iterations >= 1 && step.iterations <= 4);
	r = scram_client_keys_make(SLICE("pencil"), step.hash, step.salt, step.iterations, &keys);
	assert(r == 0);
	*keyed = true;
	return sasl_client_keys(client, &keys);
}

static void
talk(struct sasl_client *client, struct slice rest)
{
	bool scram = (SASL_BIT(sasl_client_mechanism(client)) & SASL_SCRAM_BITS) != 0;
	struct sasl_client_step step = sasl_client_start(client);
	bool keyed = false, over = false;

	assert(step.verdict == SASL_SEND && step.data.p != NULL);
	while (rest.len > 0) {
		struct slice message = take(&rest, '\xff');
		bool success = message.len > 0 && message.p[0] == 's';

		message = message.len > 0 ? slice_from(message, 1) : NO_SLICE;
		if (success)
			step = sasl_client_success(client, message);
		else
			step = settle(client, sasl_client_step(client, message), &keyed);
		assert(!over || step.verdict == SASL_FAILED);
		assert(step.verdict != SASL_DONE || (success && (!scram || keyed)));
		assert(step.verdict != SASL_FAILED || step.text != NULL);
		over = step.verdict == SASL_FAILED || step.verdict == SASL_DONE;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make((const char *)data, size), names[MOST], types[MOST];
	unsigned has = size == 0 ? 0 : data[0];
	const struct sasl_client_config config = {
		.user = SLICE("user"),
		.password = SLICE("pencil"),
		.authzid = has & AUTHZID ? SLICE("a=b") : NO_SLICE,
		.allowed = has & ANYTHING ? ~0u : 0,
		.encrypted = (has & TLS) != 0,
		.has_certificate = (has & CERTIFICATE) != 0,
		.bindings.data = { has & EXPORTER ? SLICE("exporter") : NO_SLICE,
			has & END_POINT ? SLICE("end-point") : NO_SLICE },
		.min_iterations = 1,
		.max_iterations = 4,
		.nonce = SLICE("client"),
	};
	struct sasl_offer offer = { .mechanisms = names, .bindings = types };
	struct sasl_client *client;
	struct arena arena;

	if (size == 0)
		return 0;
	arena_init(&arena, 0);
	rest = slice_from(rest, 1);
	offer.mechanism_count = take_names(&rest, names);
	offer.binding_count = take_names(&rest, types);
	client = sasl_client_create(&arena, context, &config);
	if (sasl_client_choose(client, &offer) == 0)
		talk(client, rest);
	sasl_client_finish(&client);
	arena_finish(&arena);
	return 0;
}
