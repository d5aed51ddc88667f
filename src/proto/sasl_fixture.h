/* What the tests of the server's machine share: one account, and a config that offers SCRAM. */
#ifndef PROTO_SASL_FIXTURE_H
#define PROTO_SASL_FIXTURE_H

#include "proto/sasl_server.h"

#include <stdlib.h>

struct fixture {
	struct arena arena;
	struct sasl_context *context;
	struct scram_credentials credentials; /* of "user", whose password is "pencil" */
	struct sasl_server_config config;
	struct sasl_account account;
};

static inline int
fixture_create(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	arena_init(&f->arena, 0);
	f->context = sasl_context_create();
	f->config = (struct sasl_server_config){
		.offered = SASL_BIT(SASL_PLAIN) | SASL_SCRAM_BITS,
		.bindings.data = { SLICE("bytes of the exporter"), SLICE("hash of the certificate"),
			SLICE("the client's Finished") },
		.domain = SLICE("example.com"),
		.secret = SLICE("0123456789abcdef"),
		.iterations = 4096,
	};
	f->account = (struct sasl_account){ SLICE("user"), &f->credentials, SASL_NO_CONDITION };
	*state = f;
	return scram_credentials_make(SLICE("pencil"), 4096, &f->credentials);
}

static inline int
fixture_destroy(void **state)
{
	struct fixture *f = *state;

	sasl_context_destroy(&f->context);
	arena_finish(&f->arena);
	free(f);
	return 0;
}

static inline struct sasl_server *
new_server(struct fixture *f)
{
	return sasl_server_create(&f->arena, f->context, &f->config);
}

/* The verdict on a first message. */
static inline struct sasl_server_step
first(struct fixture *f, const char *mechanism, struct slice message)
{
	return sasl_server_start(new_server(f), slice_of(mechanism), message);
}

#endif
