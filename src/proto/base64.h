/*
 * Base64 (RFC 4648, 4) as SASL, SCRAM and the payloads of XEPs use it. Decoding is strict: padding
 * must be there, nothing but the alphabet is accepted (no line breaks), and the bits that padding
 * leaves over must be zero, so that each sequence of bytes has exactly one text.
 */
#ifndef PROTO_BASE64_H
#define PROTO_BASE64_H

#include "base/arena.h"
#include "base/buffer.h"

/* Characters that n bytes become, without a NUL. */
static inline size_t
base64_chars(size_t n)
{
	return size_mul(n / 3 + (n % 3 != 0), 4);
}

/* Text in the arena, with a NUL behind it; empty, not absent, when data is empty. */
struct slice base64_encode(struct slice data, struct arena *arena);

/* Appends the text. 0, or -ENOBUFS and nothing appended. */
int base64_append(struct slice data, struct buffer *out);

/* The bytes, in the arena; empty for an empty text. 0, or -EINVAL. */
int base64_decode(struct slice text, struct arena *arena, struct slice *data_out);

/* At most size bytes to out. 0, -EINVAL, or -ENOBUFS; out may be written to on failure. */
int base64_decode_to(struct slice text, unsigned char *out, size_t size, size_t *len_out);

#endif
