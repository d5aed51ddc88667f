/*
 * Keys of TLS session tickets. All loops have the same keys without sharing anything that changes:
 * each begins with the same seed and replaces its keys by the clock, the next ones being a hash of
 * the last, so that nobody can go back from what is in memory to keys of the past. They never
 * reach a disk.
 */
#ifndef IO_TLS_TICKETS_H
#define IO_TLS_TICKETS_H

#include "base/base.h"

enum { TICKET_PERIOD_MS = 6 * 3600 * 1000, TICKET_NAME = 16, TICKET_SECRET = 32 };

struct tls_ticket_seed {
	unsigned char secret[TICKET_SECRET];
	uint64_t period; /* the number of the period in which it was made */
};

struct ticket_key {
	unsigned char name[TICKET_NAME], cipher[TICKET_SECRET], mac[TICKET_SECRET];
};

struct tls_tickets {
	struct tls_ticket_seed next; /* makes the keys of the period after this one */
	struct ticket_key current, last;
};

/* From the kernel; now_ms is of the monotonic clock, here and below. */
void ticket_seed_make(struct tls_ticket_seed *seed, uint64_t now_ms);
void ticket_seed_erase(struct tls_ticket_seed *seed);

void tickets_init(struct tls_tickets *tickets, const struct tls_ticket_seed *seed);
void tickets_finish(struct tls_tickets *tickets);

/* The key for new tickets. */
const struct ticket_key *tickets_current(struct tls_tickets *tickets, uint64_t now_ms);

/* The key of that name, of this period or the last; NULL: too old, or not ours. */
const struct ticket_key *tickets_find(
	struct tls_tickets *tickets, const unsigned char name[TICKET_NAME], uint64_t now_ms);

#endif
