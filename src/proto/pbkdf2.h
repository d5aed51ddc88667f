/*
 * PBKDF2 (RFC 8018, 5.2) with one block of output, which is what SCRAM calls Hi (RFC 5802, 2.2).
 * OpenSSL's own costs four times as much, most of it around the compression function; accounts
 * are imported by the ten thousand, so the loop stands here, on OpenSSL's compression functions.
 */
#ifndef PROTO_PBKDF2_H
#define PROTO_PBKDF2_H

#include "proto/scram_keys.h"

/* Slow. scram_hash_bytes(hash) bytes to out; iterations is 1 or more. Any thread. */
void pbkdf2(struct slice password, struct slice salt, uint32_t iterations, enum scram_hash hash,
	unsigned char *out);

struct pbkdf2_input {
	struct slice password, salt; /* salt: 1 to SCRAM_SALT_MAX bytes */
	unsigned char *out;          /* scram_hash_bytes(hash) bytes */
};

/* As pbkdf2 for each input, but several at once where the processor has vectors for it. */
void pbkdf2_many(
	const struct pbkdf2_input *inputs, size_t count, uint32_t iterations, enum scram_hash hash);

/* The same with vectors of that many bytes: 0, or up to pbkdf2_lanes_width. For tests. */
void pbkdf2_many_with(size_t width, const struct pbkdf2_input *inputs, size_t count,
	uint32_t iterations, enum scram_hash hash);

#endif
