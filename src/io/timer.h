/*
 * Timers on a wheel: start and stop cost the same however many there are. They are coarse (16
 * ms) and never early. A timer is embedded in what it times, and must be stopped before that goes.
 */
#ifndef IO_TIMER_H
#define IO_TIMER_H

#include "io/loop.h"

struct timer {
	struct list link;
	uint64_t due_ms;
	void (*fire)(struct timer *timer);
};

/* Starts, or starts anew. fire must be set. */
void timer_start(struct loop *loop, struct timer *timer, uint64_t delay_ms);

/* Harmless when it does not run (zeroed, stopped or fired). */
void timer_stop(struct loop *loop, struct timer *timer);

static inline bool
timer_is_running(const struct timer *timer)
{
	return list_is_linked(&timer->link);
}

#endif
