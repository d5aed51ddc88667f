/* Randomness from a seed, for the whole process. */
#ifndef TESTS_SIM_SEEDED_RANDOM_H
#define TESTS_SIM_SEEDED_RANDOM_H

#include <stdint.h>

/* From now on. The thread that calls it must be the only one. */
void seeded_random(uint64_t seed);

#endif
