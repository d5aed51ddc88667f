/*
 * The receipt of a stanza: it is handled when all that was begun for it is done, and what must be
 * on disk is there. Whoever goes on with a stanza later keeps its receipt until then: a letter, a
 * request, a row on its way to the disk. Only sessions that acknowledge stanzas make them, and only
 * for stanzas that may have to wait; everywhere else there is none, which is NULL.
 */
#ifndef SERVER_RECEIPT_H
#define SERVER_RECEIPT_H

#include "base/list.h"
#include "io/loop.h"

#include <stdatomic.h>

struct shard;

struct receipt {
	struct task task; /* to the shard that made it */
	struct list link; /* its maker's */
	struct shard *home;
	_Atomic(unsigned) holders;
	void *maker; /* and a number of its own */
	uint32_t number;
	void (*done)(struct receipt *receipt); /* at home; unlinks and frees it */
};

/* For the maker, which is its first holder. */
struct receipt *receipt_create(
	struct shard *home, void *maker, uint32_t number, void (*done)(struct receipt *receipt));

/* One holder more; NULL stays NULL. Any thread. */
struct receipt *receipt_hold(struct receipt *receipt);

/* One less; the last one lets home know, not within this call. NULL is nothing. Any thread. */
void receipt_drop(struct receipt **receipt);

/* The maker has finished. True: there is no other holder, and done is not called; free it. */
bool receipt_is_over(struct receipt *receipt);

#endif
