/*
 * A letter: a stanza on its way to another shard, or waiting for its account. It is the stanza's
 * bytes as they would go to a client, with 'from' and 'to' stamped; whoever opens it runs the
 * same scanner over them as over anything else. A stanza without content, as most presence is, has
 * nothing to scan and stays as values. One piece of memory, owned by whoever holds it.
 */
#ifndef SERVER_LETTER_H
#define SERVER_LETTER_H

#include "base/list.h"
#include "io/loop.h"
#include "proto/stanza.h"

struct shard;

struct letter {
	struct task task; /* in a mailbox */
	struct list link; /* in an account's queue */
	struct shard *to;
	size_t size;             /* of the whole letter in memory */
	struct slice bytes;      /* the stanza; p NULL: it is the next one */
	struct stanza *empty;    /* without content, so it is not written; or NULL */
	struct receipt *receipt; /* the stanza's; or NULL */
	int64_t returned_ms;     /* the stanza's */
	bool is_again;           /* the stanza's */
	struct jid *recipients;  /* NULL: the stanza's own 'to' */
	size_t recipient_count;
};

/* A frozen copy. recipients: copied too; NULL, 0 for the stanza's own 'to'. Never NULL. */
struct letter *letter_create(const struct stanza *st, const struct jid *recipients, size_t count);
/* The same with its bytes in any case, for who stores them. */
struct letter *letter_write(const struct stanza *st, const struct jid *recipients, size_t count);
void letter_destroy(struct letter **letter);

/*
 * Puts the letter into the shard's mailbox, which opens it and owns it from now on. When too much
 * lies in that mailbox the sending shard reads no more stanzas for a moment (pressure.h).
 */
void letter_send(struct letter *letter, struct shard *from, struct shard *to);

/*
 * Reads the stanza again. It lives in the letter and in the shard's scratch. False only if the
 * bytes are no stanza, which is a bug.
 */
bool letter_open(const struct letter *letter, struct shard *shard, struct stanza *st_out);

#endif
