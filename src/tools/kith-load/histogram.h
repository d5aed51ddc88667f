/*
 * Durations in nanoseconds, counted in buckets that are under 1 % wide, so that a run of any length
 * costs the same memory and adding one costs nothing that a measurement would see.
 */
#ifndef TOOLS_KITH_LOAD_HISTOGRAM_H
#define TOOLS_KITH_LOAD_HISTOGRAM_H

#include "base/base.h"

enum {
	HISTOGRAM_FINE_BITS = 7,
	HISTOGRAM_BUCKETS = (64 - HISTOGRAM_FINE_BITS + 1) << HISTOGRAM_FINE_BITS
};

struct histogram {
	uint64_t count, max;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t ns);

/* The value that permille of 1000 do not exceed, to 1 %; 0 when empty. */
uint64_t histogram_permille(const struct histogram *h, unsigned permille);

#endif
