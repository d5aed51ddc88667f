/*
 * A simulated machine for loops: a clock that moves only when nothing is left to do, sockets in
 * memory, and a scheduler that picks what happens next at random, from a seed. Whole servers and
 * clients run on it in one thread; the same seed gives the same run, as long as nothing else asks
 * the kernel for time or randomness.
 *
 * At each step one of these happens: a loop turns (with some of its sockets that are ready, in any
 * order), or some bytes that are under way arrive. So what two connections or two loops do comes
 * in every order that real ones could show, and streams are cut anywhere.
 *
 * All functions are for the one thread.
 */
#ifndef IO_SIM_H
#define IO_SIM_H

#include "io/loop.h"

struct sim;

struct sim *sim_create(uint64_t seed);
/* Its loops must be gone. Sets *sim to NULL; NULL is fine. */
void sim_destroy(struct sim **sim);

/* A loop of the simulation; used and destroyed like any other. loop_turn runs the others, too. */
struct loop *sim_loop_create(struct sim *sim);

/* The most bytes that arrive at once; 0 (the default): any number. */
void sim_set_segment(struct sim *sim, size_t most);

/* Lets everything happen that happens within so much time of the simulation's clock. */
void sim_pass(struct sim *sim, uint64_t ms);

/* A number of all choices so far: two runs went the same way when it is equal. */
uint64_t sim_trace(const struct sim *sim);

#endif
