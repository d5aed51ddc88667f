/*
 * An event loop: one per shard, run by one thread. It turns: wait, read everything that came,
 * let the owners work, then write once to each connection that has output. Timers, a mailbox for
 * other threads, and connections hang on it. Bytes only.
 *
 * What it asks of the kernel goes through a table of functions; the ones of loop_create are
 * system calls and epoll, those of sim_loop_create (io/sim.h) a simulation in memory.
 *
 * All functions are for the loop's own thread, unless they say otherwise.
 */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include "base/histogram.h"
#include "base/list.h"

struct loop;

/* A piece of work for a loop; embedded in what it works on. */
struct task {
	struct task *next;
	void (*run)(struct task *task);
};

/* NULL and errno when the kernel refuses. */
struct loop *loop_create(void);
void loop_destroy(struct loop **loop);

/* Turns until loop_stop. */
void loop_run(struct loop *loop);

/* One turn that waits at most that long; for tests and tools. */
void loop_turn(struct loop *loop, unsigned most_ms);

/* The loop ends after its turn. Any thread. */
void loop_stop(struct loop *loop);

/* Runs the task on the loop's thread, in the order of posting of each thread. Any thread. */
void loop_post(struct loop *loop, struct task *task);

/* Monotonic and wall time of this turn. */
uint64_t loop_now_ms(const struct loop *loop);
int64_t loop_wall_ms(const struct loop *loop);

struct loop_stats {
	uint64_t turns, posted; /* tasks */
	uint64_t lag_us;        /* how long the longest of the last turns was at work */
	size_t timers, conns;   /* alive now */
	size_t queued_bytes;    /* output that waited when a turn was over; and the most ever */
	size_t queued_most;
	uint64_t received_bytes, sent_bytes; /* by connections, as they are on the wire */
	struct histogram turn_us;            /* how long turns were at work */
	struct histogram late_ms;            /* how much too late timers fired */
};
/* The histograms' first bounds, as shifts: 64 us, 1 ms. */
enum { LOOP_TURN_SHIFT = 6, LOOP_LATE_SHIFT = 0 };

void loop_stats(const struct loop *loop, struct loop_stats *out);

/* Bytes of the loop itself and of the buffers that its connections share. */
size_t loop_memory(const struct loop *loop);

#endif
