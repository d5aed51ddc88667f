/*
 * A pool of threads for work that would hold up a loop: deriving keys, reading files. A job runs
 * on a worker and comes back to its loop.
 */
#ifndef IO_WORKER_H
#define IO_WORKER_H

#include "io/loop.h"

struct worker_pool;

struct job {
	struct task task;              /* used by the pool */
	struct loop *loop;             /* where done runs */
	void (*run)(struct job *job);  /* on a worker */
	void (*done)(struct job *job); /* on the loop */
};

/* threads 0: jobs run on the loop itself, one after the other, for the simulation. */
struct worker_pool *worker_pool_create(unsigned threads, size_t most_queued);

/* How many jobs run at once; 1 when there are no threads. */
unsigned worker_pool_threads(const struct worker_pool *pool);

/* Runs what is queued, then ends the threads. */
void worker_pool_destroy(struct worker_pool **pool);

/* 0, or -EAGAIN when too much is queued. Any thread. */
int worker_submit(struct worker_pool *pool, struct job *job);

/* How many jobs wait for a worker. Any thread. */
size_t worker_pool_waiting(struct worker_pool *pool);

#endif
