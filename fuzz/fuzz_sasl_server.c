/*
 * The server's side of SASL against any client. The first byte picks mechanism and config, then
 * come the client's messages with 0xff between, which no message holds. The nonce is fixed, so
 * that the corpus can hold whole logins; what must never happen is a login of anyone but "user",
 * whose password is "pencil".
 */
#include "fuzz.h"
#include "proto/base64.h"
#include "proto/sasl_server.h"

#include <assert.h>

static struct sasl_context *context;
static struct scram_credentials credentials;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	context = sasl_context_create();
	for (unsigned i = 0; i < SCRAM_HASHES; i++)
		(void)scram_keys_make(SLICE("pencil"), (enum scram_hash)i,
			SLICE("0123456789abcdef"), 1, &credentials.keys[i]);
	return 0;
}

static void
check_step(struct sasl_server_step step)
{
	switch (step.verdict) {
	case SASL_CHALLENGE:
		assert(step.data.p != NULL);
		break;
	case SASL_NEED_CREDENTIALS:
	case SASL_NEED_CHECK:
		assert(step.user.len > 0 && slice_find(step.user, '\0') == step.user.len);
		break;
	case SASL_SUCCESS:
		assert(step.user.p == NULL || slice_is_text(step.user, "user") ||
			slice_is_text(step.user, "user@example.com"));
		break;
	case SASL_FAILURE:
		assert(sasl_condition_name(step.condition) != NULL);
		break;
	}
}

/* The owner, who knows one user. */
static struct sasl_server_step
settle(struct sasl_server *server, struct sasl_server_step step)
{
	bool known = slice_is_text(step.user, "user");
	const struct sasl_account account = { step.user, known ? &credentials : NULL,
		SASL_NO_CONDITION };

	check_step(step);
	if (step.verdict == SASL_NEED_CREDENTIALS)
		step = sasl_server_credentials(server, &account);
	else if (step.verdict == SASL_NEED_CHECK)
		step = sasl_server_checked(
			server, &account, known && slice_is_text(step.password, "pencil"));
	check_step(step);
	return step;
}

/* What decodes has one text only. */
static void
check_base64(struct slice text, struct arena *arena)
{
	struct slice data;

	if (base64_decode(text, arena, &data) == 0)
		assert(slice_is(base64_encode(data, arena), text));
}

static struct slice
take_message(struct slice *rest)
{
	size_t end = slice_find(*rest, '\xff');
	struct slice message = slice_make(rest->p, end);

	*rest = slice_from(*rest, end == rest->len ? end : end + 1);
	return message;
}

static void
run(struct slice input, struct arena *arena)
{
	static const struct slice identities[] = { { "user@example.com", 16 },
		{ "other@example.com", 17 } };
	unsigned kind = (unsigned char)input.p[0];
	enum sasl_mechanism mechanism = (enum sasl_mechanism)(1 + kind % (SASL_MECHANISMS - 1));
	const struct sasl_server_config config = {
		.offered = kind & 0x80 ? ~0u & ~SASL_PLUS_BITS : ~0u,
		.bindings.data = { SLICE("exporter"), SLICE("end-point") },
		.domain = SLICE("example.com"),
		.secret = SLICE("0123456789abcdef"),
		.iterations = 1,
		.identities = identities,
		.identity_count = 1,
		.nonce = SLICE("server"),
	};
	struct sasl_server *server = sasl_server_create(arena, context, &config);
	struct slice rest = slice_from(input, 1), message = take_message(&rest);
	struct sasl_server_step step = settle(server,
		sasl_server_start(server, slice_of(sasl_mechanism_name(mechanism)), message));

	check_base64(message, arena);
	while (rest.len > 0) {
		bool over = step.verdict == SASL_SUCCESS || step.verdict == SASL_FAILURE;

		step = settle(server, sasl_server_step(server, take_message(&rest)));
		assert(!over || step.verdict == SASL_FAILURE);
	}
	sasl_server_finish(&server);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;

	if (size == 0)
		return 0;
	arena_init(&arena, 0);
	run(slice_make((const char *)data, size), &arena);
	arena_finish(&arena);
	return 0;
}
