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

#endif
