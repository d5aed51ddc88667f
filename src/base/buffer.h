/*
 * A growable run of bytes with a limit that is set when it is made. A buffer that would pass its
 * limit stays as it was and remembers that it overflowed, so a writer may append many pieces and
 * ask once at the end. Owned by one thread at a time.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/slice.h"

#include <assert.h>

struct buffer {
	char *data; /* NULL until something was appended */
	size_t len, cap, limit;
	bool overflowed; /* something was refused since init or the last buffer_clear */
};

/* Allocates nothing. */
void buffer_init(struct buffer *b, size_t limit);

/* Gives the memory back; the buffer is as after init, with the same limit. */
void buffer_finish(struct buffer *b);

/* Forgets the content, keeps the memory. */
static inline void
buffer_clear(struct buffer *b)
{
	b->len = 0;
	b->overflowed = false;
}

/* Makes room for n more bytes at data + len. 0, or -ENOBUFS beyond the limit. */
int buffer_grow(struct buffer *b, size_t n);

static inline int
buffer_reserve(struct buffer *b, size_t n)
{
	return b->cap - b->len >= n ? 0 : buffer_grow(b, n);
}

/* 0, or -ENOBUFS and nothing appended. */
static inline int
buffer_append(struct buffer *b, struct slice s)
{
	int r = buffer_reserve(b, s.len);

	if (r < 0)
		return r;
	if (s.len > 0) {
		assert(b->data != NULL && s.p != NULL);
		memcpy(b->data + b->len, s.p, s.len);
	}
	b->len += s.len;
	return 0;
}

/* Appends a string literal or other constant text. */
static inline int
buffer_text(struct buffer *b, const char *text)
{
	return buffer_append(b, slice_of(text));
}

int buffer_printf(struct buffer *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* Drops n bytes from the front; moves what remains. */
void buffer_consume(struct buffer *b, size_t n);

static inline struct slice
buffer_slice(const struct buffer *b)
{
	return slice_make(b->data, b->len);
}

#endif
