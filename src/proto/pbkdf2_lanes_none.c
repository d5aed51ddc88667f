/* The lanes of processors without vectors that we know how to use: there are none. */
#include "proto/pbkdf2_lanes.h"

size_t
pbkdf2_lanes_width(void)
{
	return 0;
}

void
pbkdf2_lanes_run(struct pbkdf2_lanes *lanes, size_t width, enum scram_hash hash, uint32_t rounds)
{
	(void)lanes;
	(void)hash;
	(void)rounds;
	(void)width;
}
