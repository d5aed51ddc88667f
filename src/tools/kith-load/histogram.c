/* A bucket is an exponent and the HISTOGRAM_FINE_BITS bits after the leading one. */
#include "tools/kith-load/histogram.h"

static size_t
bucket_of(uint64_t ns)
{
	const unsigned fine = HISTOGRAM_FINE_BITS;

	if (ns < (uint64_t)1 << fine)
		return (size_t)ns;
	unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - fine;
	return ((size_t)(shift + 1) << fine) + (size_t)((ns >> shift) & ((1U << fine) - 1));
}

/* The largest value of a bucket. */
static uint64_t
bucket_top(size_t bucket)
{
	const unsigned fine = HISTOGRAM_FINE_BITS;

	if (bucket >> fine == 0)
		return bucket;
	unsigned shift = (unsigned)(bucket >> fine) - 1;
	uint64_t low = (uint64_t)((bucket & ((1U << fine) - 1)) | (1U << fine)) << shift;
	return low + (((uint64_t)1 << shift) - 1);
}

void
histogram_add(struct histogram *h, uint64_t ns)
{
	h->count++;
	if (ns > h->max)
		h->max = ns;
	h->buckets[bucket_of(ns)]++;
}

uint64_t
histogram_permille(const struct histogram *h, unsigned permille)
{
	uint64_t wanted = (h->count * permille + 999) / 1000;
	uint64_t seen = 0;

	for (size_t i = 0; i < COUNT_OF(h->buckets); i++) {
		seen += h->buckets[i];
		if (seen >= wanted && seen > 0)
			return bucket_top(i) < h->max ? bucket_top(i) : h->max;
	}
	return 0;
}
