/* Memory and sizes that cannot fail half-way: when they do, the process says so and ends. */
#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

noreturn void
die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
	abort();
}

size_t
size_add(size_t a, size_t b)
{
	size_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		die("A size overflowed; a limit is missing.");
	return sum;
}

size_t
size_mul(size_t a, size_t b)
{
	size_t product;

	if (__builtin_mul_overflow(a, b, &product))
		die("A size overflowed; a limit is missing.");
	return product;
}

static void *
or_die(void *memory, size_t size)
{
	if (memory == NULL)
		die("Out of memory: %zu bytes were refused. Give the process more, or lower its "
		    "limits.",
			size);
	return memory;
}

void *
xmalloc(size_t size)
{
	return or_die(malloc(size == 0 ? 1 : size), size);
}

void *
xcalloc(size_t count, size_t size)
{
	return or_die(calloc(count == 0 ? 1 : count, size == 0 ? 1 : size), count);
}

void *
xrealloc(void *old, size_t size)
{
	return or_die(realloc(old, size == 0 ? 1 : size), size);
}

char *
xstrndup(const char *text, size_t len)
{
	char *copy = xmalloc(size_add(len, 1));

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}
