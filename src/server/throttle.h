/*
 * Back-off for those who guess passwords: failures are counted by address and by account, and
 * the answer to a further failure is delayed, longer each time. A right password is never
 * delayed on account of others' failures at that account, so an owner cannot be locked out.
 */
#ifndef SERVER_THROTTLE_H
#define SERVER_THROTTLE_H

#include "base/slice.h"

struct throttle;

struct throttle *throttle_create(void);
void throttle_destroy(struct throttle **throttle);

/* Counts a failure of that key (an address, or a bare JID); how many there are lately. */
unsigned throttle_fail(struct throttle *throttle, struct slice key, uint64_t now_ms);

/* How many failures there are lately. They are forgotten by half each minute. */
unsigned throttle_count(struct throttle *throttle, struct slice key, uint64_t now_ms);

/* A right password: the key's failures are forgotten. */
void throttle_forget(struct throttle *throttle, struct slice key);

/* The delay after that many failures: first_ms beyond the free ones, doubling, up to a minute. */
uint32_t throttle_delay(unsigned failures, unsigned free_ones, uint32_t first_ms);

#endif
