/*
 * The rounds of PBKDF2 for several passwords at once: each has a lane of the processor's vectors.
 * For proto/pbkdf2.c, which says what comes before and after.
 */
#ifndef PROTO_PBKDF2_LANES_H
#define PROTO_PBKDF2_LANES_H

#include "proto/scram_keys.h"

/*
 * Words in the machine's byte order, lane beside lane: word i of a lane is at index
 * i * lanes + lane. The states behind the padded key; a block that holds the digest of the last
 * round, padded. Words that a hash does not have are 0.
 */
struct pbkdf2_lanes {
	_Alignas(64) unsigned char inner[8 * 64], outer[8 * 64], block[16 * 64];
};

/* Bytes of a vector: 32 or 64, so 4 to 16 lanes by the word's size; 0: this processor has none. */
size_t pbkdf2_lanes_width(void);

/*
 * Slow. Runs these rounds; then the first words of block are the exclusive or of the digests of
 * all rounds and of the one that was there before. width: what pbkdf2_lanes_width says, or less.
 */
void pbkdf2_lanes_run(
	struct pbkdf2_lanes *lanes, size_t width, enum scram_hash hash, uint32_t rounds);

#endif
