/*
 * Keys for new passwords, made on the workers by the batch, because several at once cost a fraction
 * each (proto/pbkdf2.h). A shard has one batch under way for each worker; what comes meanwhile
 * waits and makes the next batch. So one password is not held up for the sake of others, and a
 * check of a password that somebody signs in with waits behind no more than those batches.
 */
#ifndef SERVER_KEY_MAKER_H
#define SERVER_KEY_MAKER_H

#include "base/list.h"
#include "proto/scram_keys.h"

struct shard;

/* One password; whoever asks owns it, and keeps it until made is called. */
struct key_request {
	struct list link;      /* in key_maker.waiting */
	struct slice password; /* prepared; wiping it is the owner's */
	struct scram_credentials keys;
	/* On the shard. 0, or -EAGAIN: the server ends and nothing was made. */
	void (*made)(struct key_request *request, int error);
};

struct key_maker {
	struct list waiting; // key_request.link
	size_t count;        /* of them */
	unsigned batches;    /* under way */
};

void key_maker_init(struct key_maker *maker);

/* On the shard. 0: made will be called, later. -EAGAIN: too many wait; then it will not. */
int key_maker_ask(struct shard *shard, struct key_request *request);

#endif
