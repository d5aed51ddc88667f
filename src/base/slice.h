/*
 * A slice is a view of bytes with a length: what the core uses instead of C strings. It owns
 * nothing; it is as good as the memory behind it. p may be NULL only when len is 0. A slice
 * with p == NULL is "not there", one with len == 0 and p != NULL is "empty".
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include "base/base.h"

#include <string.h>

struct slice {
	const char *p;
	size_t len;
};

#define NO_SLICE ((struct slice){ NULL, 0 })
/* A slice of a string literal, also usable in static initialisers: { "x", 1 }. */
#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })
/* For printf: "%.*s" takes SLICE_ARG(s). */
#define SLICE_ARG(s) (int)(s).len, (s).p

static inline struct slice
slice_of(const char *text)
{
	return (struct slice){ text, text == NULL ? 0 : strlen(text) };
}

static inline struct slice
slice_make(const char *p, size_t len)
{
	return (struct slice){ p, len };
}

static inline bool
slice_is(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool
slice_is_text(struct slice a, const char *text)
{
	return slice_is(a, slice_of(text));
}

static inline bool
slice_starts(struct slice a, struct slice prefix)
{
	return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.p, prefix.p, prefix.len) == 0);
}

/* The part from offset at on; at must not be beyond the end. */
static inline struct slice
slice_from(struct slice a, size_t at)
{
	return (struct slice){ a.p + at, a.len - at };
}

/* The position of the first c, or a.len. */
static inline size_t
slice_find(struct slice a, char c)
{
	const char *hit = a.len == 0 ? NULL : memchr(a.p, c, a.len);

	return hit == NULL ? a.len : (size_t)(hit - a.p);
}

/* <0, 0, >0 by bytes, then by length. */
int slice_compare(struct slice a, struct slice b);

/* Decimal digits only, all of the slice, at most max. 0, or -EINVAL (untouched). */
int slice_to_uint(struct slice a, uint64_t max, uint64_t *value_out);

/* Equality of secrets in time that depends on the lengths only. */
bool slice_is_secret(struct slice a, struct slice b);

#endif
