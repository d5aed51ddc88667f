/*
 * What is stored of the tokens of one client (XEP-0484, 6.1): the one that it uses, and a newer one
 * that it may not have got yet. They are kept as they are, since both sides must know them to prove
 * that they do; they are good for this server only, and for a while.
 */
#ifndef SERVER_TOKENS_H
#define SERVER_TOKENS_H

#include "base/buffer.h"
#include "proto/sasl_ht.h"

/* Texts are somebody else's. */
struct token {
	struct slice secret; /* p NULL: there is none */
	enum ht_kind kind;   /* the only mechanism that it is for */
	int64_t until_s;     /* of the wall clock */
	uint64_t count;      /* of the last use that was counted; 0: none was */
};

struct client_tokens {
	struct token current, fresh;
	struct slice software, device; /* what the client says of itself; p NULL: nothing */
};

/* What tokens_write wrote; a line that makes no sense is left out. */
void tokens_read(struct slice text, struct client_tokens *out);
void tokens_write(const struct client_tokens *tokens, struct buffer *out);

/* When the last of them ends. */
int64_t tokens_until(const struct client_tokens *tokens);

#endif
