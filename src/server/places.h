/*
 * From where an account was signed in to lately. Who comes from such a place is most likely the
 * owner again: it does not wait for its turn when others of its network guess passwords, and
 * may be told what only the memory knows. One per shard, about the accounts that live there.
 */
#ifndef SERVER_PLACES_H
#define SERVER_PLACES_H

#include "base/slice.h"

struct map_memory;
struct places;
struct throttle_policy;

/*
 * After as many failures as the policy leaves free the account is not known there any more. The
 * policy outlives the places, and may change.
 */
struct places *places_create(const struct throttle_policy *policy);
void places_destroy(struct places **places);

/* Someone signed in to the account (its bare JID) from that network (throttle.h). */
void places_remember(struct places *places, struct slice bare, struct slice network);

bool places_know(const struct places *places, struct slice bare, struct slice network);

/* A wrong password for the account came from there. */
void places_fail(struct places *places, struct slice bare, struct slice network);

void places_add_memory(const struct places *places, struct map_memory *sum);

#endif
