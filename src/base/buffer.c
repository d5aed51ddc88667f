/* Growth by doubling, up to the limit. */
#include "base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 256 };

void
buffer_init(struct buffer *b, size_t limit)
{
	*b = (struct buffer){ .limit = limit };
}

void
buffer_finish(struct buffer *b)
{
	free(b->data);
	buffer_init(b, b->limit);
}

int
buffer_grow(struct buffer *b, size_t n)
{
	size_t want, cap = b->cap == 0 ? FIRST_CAPACITY : b->cap;

	if (n > b->limit || b->len > b->limit - n) {
		b->overflowed = true;
		return -ENOBUFS;
	}
	want = b->len + n;
	while (cap < want)
		cap = size_mul(cap, 2);
	/* Capacity never passes the limit, so buffer_reserve's short cut obeys it, too. */
	if (cap > b->limit)
		cap = b->limit;
	b->data = xrealloc(b->data, cap);
	b->cap = cap;
	return 0;
}

int
buffer_printf(struct buffer *b, const char *format, ...)
{
	va_list args;
	int len, r;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
		return -EINVAL;
	r = buffer_reserve(b, (size_t)len + 1);
	if (r < 0)
		return r;
	va_start(args, format);
	(void)vsnprintf(b->data + b->len, (size_t)len + 1, format, args);
	va_end(args);
	b->len += (size_t)len;
	return 0;
}

void
buffer_consume(struct buffer *b, size_t n)
{
	b->len -= n;
	if (b->len > 0)
		memmove(b->data, b->data + n, b->len);
}
