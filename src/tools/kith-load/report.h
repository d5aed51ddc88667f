/* The result: one flat JSON object, written field by field. */
#ifndef TOOLS_KITH_LOAD_REPORT_H
#define TOOLS_KITH_LOAD_REPORT_H

#include "base/buffer.h"
#include "tools/kith-load/histogram.h"
#include "tools/kith-load/proc.h"

struct report {
	struct buffer text;
};

void report_begin(struct report *r);
void report_text(struct report *r, const char *name, const char *value); /* NULL: null */
void report_uint(struct report *r, const char *name, uint64_t value);
void report_real(struct report *r, const char *name, double value);

/* NAME_p50_us, NAME_p99_us and NAME_max_us. */
void report_durations(struct report *r, const char *name, const struct histogram *h);

/* Ends the object, prints it on stdout and frees. */
void report_print(struct report *r);
void report_drop(struct report *r);

#endif
