/*
 * Back-off for those who guess passwords. Failures are counted by key: the network that a peer
 * is in, or the bare address of an account.
 *
 * A network with too many failures is admitted one attempt at a time, with longer pauses the more
 * it fails, whatever it tries and however many connections it has. An account is not: who fails at
 * it waits longer for the answer, but a right password is told at once, so an owner cannot be
 * locked out by others.
 *
 * For any thread: networks are counted once for the whole server, not once per shard.
 */
#ifndef SERVER_THROTTLE_H
#define SERVER_THROTTLE_H

#include "base/slice.h"

struct map_memory;
struct peer;
struct throttle;

/* first_ms after the first failure beyond the free ones, doubling up to a minute. */
struct throttle_policy {
	unsigned free_ones;
	uint32_t first_ms;
};

#define THROTTLE_REFUSED UINT32_MAX

/* The policy outlives the throttle. It may change, while nobody uses the throttle. */
struct throttle *throttle_create(const struct throttle_policy *policy);
void throttle_destroy(struct throttle **throttle);

/*
 * The key of a peer's network; it lies in the peer. An IPv6 network is a /64, because one
 * subscriber has all of its addresses.
 */
struct slice throttle_network(const struct peer *peer);

/* Counts a failure of that key; how long to wait before saying so. */
uint32_t throttle_fail(struct throttle *throttle, struct slice key, uint64_t now_ms);

/* Whether an attempt of that key would have to wait. Failures are forgotten by half each minute. */
bool throttle_holds(struct throttle *throttle, struct slice key, uint64_t now_ms);

/*
 * Takes the next place in the queue of that key: how long to wait until it is that attempt's turn.
 * THROTTLE_REFUSED when that is longer than most_ms; then no place was taken.
 */
uint32_t throttle_admit(
	struct throttle *throttle, struct slice key, uint64_t now_ms, uint32_t most_ms);

void throttle_add_memory(struct throttle *throttle, struct map_memory *sum);

#endif
