/*
 * How often something was how large, in steps that double: the first bound is 1 << shift, each
 * further one twice the one before. Adding costs a few instructions and no memory.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include "base/base.h"

enum { HISTOGRAM_BOUNDS = 16 };

struct histogram {
	uint64_t sum;
	uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* up to 1 << (shift + i); the last: more */
};

static inline void
histogram_add(struct histogram *h, unsigned shift, uint64_t value)
{
	uint64_t steps = value == 0 ? 0 : (value - 1) >> shift;
	unsigned at = steps == 0 ? 0 : 64 - (unsigned)__builtin_clzll(steps);

	h->sum += value;
	h->counts[at < HISTOGRAM_BOUNDS ? at : HISTOGRAM_BOUNDS]++;
}

#endif
