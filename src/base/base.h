/*
 * The few words that every file uses: sizes of arrays, the way from a member
 * back to its struct, and arithmetic that says when it overflowed.
 */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The struct of type T whose member is at ptr: (T *)((char *)ptr - offsetof(T, member)). */
#define container_of(ptr, T, member) ((T *)(void *)((char *)(ptr)-offsetof(T, member)))

#define PRINTF_LIKE(text_at, first_at) __attribute__((format(printf, text_at, first_at)))

/* a + b and a * b; the process ends when the result does not fit (a bug or a missing limit). */
size_t size_add(size_t a, size_t b);
size_t size_mul(size_t a, size_t b);

/*
 * Memory from malloc, never NULL: out of memory ends the process, here, once. Arenas, slabs and
 * buffers stand on these; feature code uses those instead. xcalloc zeroes.
 */
void *xmalloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *xrealloc(void *old, size_t size) __attribute__((alloc_size(2), returns_nonnull));
char *xstrndup(const char *text, size_t len) __attribute__((malloc, returns_nonnull));

/* Writes one line to stderr and ends the process: the machine cannot give what we need. */
noreturn void die(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
