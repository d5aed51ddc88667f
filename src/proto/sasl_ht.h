/*
 * Signing in with a token that the server gave earlier, in one message each way: the mechanisms
 * HT-SHA-256-* (draft-schmaus-kitten-sasl-ht), as XEP-0484 uses them. Both sides prove that they
 * know the token by an HMAC under it, over the data that binds the channel.
 */
#ifndef PROTO_SASL_HT_H
#define PROTO_SASL_HT_H

#include "base/arena.h"

enum { HT_PROOF = 32 };

/* What is bound; the stronger first. */
enum ht_kind { HT_EXPR, HT_ENDP, HT_NONE, HT_KINDS };

/* "HT-SHA-256-EXPR" */
const char *ht_name(enum ht_kind kind);
/* By its exact name; HT_KINDS if we do not have it. */
enum ht_kind ht_find(struct slice name);

/*
 * The client's message: whom it is, as it wrote it, and its proof. 0, or -EINVAL: malformed. The
 * results point into the message.
 */
int ht_parse(struct slice message, struct slice *user_out, struct slice *proof_out);

/* Whether that is the proof of who knows the token; takes as long when it is not. */
bool ht_fits(struct slice token, struct slice binding, struct slice proof);

/* The server's answer, by which the client knows it. */
struct slice ht_answer(struct slice token, struct slice binding, struct arena *arena);

#endif
