/*
 * Routing: from a stanza's 'to' to the home of that address. A home on this shard takes the
 * stanza at once, unless this shard is handing over a stanza already: then, and for homes on
 * other shards, the stanza is frozen into a letter and queued on its owner. So delivery never
 * recurses.
 */
#ifndef SERVER_ROUTE_H
#define SERVER_ROUTE_H

#include "proto/stanza.h"

struct account;
struct payload;
struct shard;
struct verdict;

/* Sends the stanza to the home of st->to, which must be there. Bounces what has no home. */
void route(struct shard *shard, struct stanza *st);

/*
 * Sends one stanza to many bare addresses, each getting its own 'to': homes on this shard at
 * once, the others by one letter per shard. st->to is not looked at. Presence only.
 */
void route_many(struct shard *shard, struct stanza *st, const struct jid *to, size_t count);

/*
 * Answers the stanza with an error from st->to to st->from, unless it must not be answered (it
 * is an error or a result, or presence that is no request). text and detail may be NULL.
 */
void route_bounce(struct shard *shard, const struct stanza *st, enum stanza_condition condition,
	const char *text, const struct payload *detail);

/* What a veto says is done. True when the stanza may go on. */
bool route_verdict(struct shard *shard, const struct stanza *st, struct verdict verdict);

/* Whether RFC 6120 lets anyone answer this stanza with an error. */
bool stanza_wants_answer(const struct stanza *st);

#endif
