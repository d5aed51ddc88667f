/*
 * The text in which numbers are told to monitoring: OpenMetrics 1.0, or the older Prometheus text
 * format 0.0.4 for who asks for that. A family is one metric with all its samples; it begins with
 * its type, unit and help, and its samples follow at once. Only writes; knows nothing of what the
 * numbers mean.
 *
 * There are no _created samples: process_start_time_seconds says the same of all counters.
 */
#ifndef SERVER_EXPOSITION_H
#define SERVER_EXPOSITION_H

#include "base/buffer.h"
#include "base/histogram.h"

enum family_kind { FAMILY_COUNTER, FAMILY_GAUGE, FAMILY_HISTOGRAM, FAMILY_INFO };

struct family {
	const char *prefix; /* before the name; may be "" */
	const char *name;   /* a counter's ends in _total, an info's not in _info */
	enum family_kind kind;
	const char *unit;  /* the name (without _total) ends in it; NULL: none */
	unsigned decimals; /* values are given as whole numbers of 1/10^decimals */
	const char *about; /* one sentence */
};

struct label {
	const char *name; /* NULL ends a list */
	struct slice value;
};

struct exposition {
	struct buffer *out; /* overflows when all is too long */
	bool is_open;       /* OpenMetrics; else Prometheus text 0.0.4 */
};

void exposition_begin(struct exposition *e, const struct family *family);

/* labels may be NULL. */
void exposition_sample(struct exposition *e, const struct family *family,
	const struct label *labels, int64_t value);
/* An info: its labels are what it says. */
void exposition_info(struct exposition *e, const struct family *family, const struct label *labels);
/* shift as in histogram_add. */
void exposition_histogram(struct exposition *e, const struct family *family,
	const struct label *labels, const struct histogram *histogram, unsigned shift);

void exposition_end(struct exposition *e);

#endif
