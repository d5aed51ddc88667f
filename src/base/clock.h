/* The two clocks of the system, and stamps as XEP-0082 writes them. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/slice.h"

/* Milliseconds since some moment in the past; never goes back. For all durations and timers. */
uint64_t clock_monotonic_ms(void);
uint64_t clock_monotonic_us(void);

/* Milliseconds since 1970-01-01 UTC; may jump. For stamps that people see. */
int64_t clock_wall_ms(void);

/* "2026-11-23T03:15:00.123Z" and a NUL, for years 0 to 9999; other moments are clamped. */
enum { STAMP_CHARS = 24 };
void stamp_write(int64_t wall_ms, char out[STAMP_CHARS + 1]);

/* XEP-0082 DateTime with Z or an offset, at most 9 fraction digits. 0, or -EINVAL. */
int stamp_parse(struct slice text, int64_t *wall_ms_out);

#endif
