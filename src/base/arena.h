/*
 * An arena owns memory by lifetime: everything taken from it goes away together, with the
 * stanza, the session or the account that it belongs to. Nothing taken from it is freed alone.
 *
 * An arena is used by one thread at a time. Memory that is not handed out is poisoned under
 * ASan, so a use after reset is seen. With KITH_ARENA_MALLOC defined each piece is a malloc of
 * its own, which lets ASan see overruns inside the arena, too.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

#include <stdalign.h>

struct arena_block;

struct arena {
	struct arena_block *head; /* the block that is being filled; NULL: nothing was taken yet */
	size_t block_size;
	size_t taken; /* bytes handed out since init or reset */
};

/* block_size: how much to ask of malloc at a time; 0 for a default of 2 KiB. Allocates nothing. */
void arena_init(struct arena *arena, size_t block_size);

/* Gives everything back. The arena is as after init. */
void arena_finish(struct arena *arena);

/* Forgets everything that was taken, keeps one block for what comes next. */
void arena_reset(struct arena *arena);

/* Zeroed memory, aligned for any type; never NULL. */
void *arena_alloc(struct arena *arena, size_t size)
	__attribute__((malloc, alloc_size(2), returns_nonnull));

#define arena_new(arena, T) ((T *)arena_alloc((arena), sizeof(T)))
#define arena_array(arena, count, T) ((T *)arena_alloc((arena), size_mul((count), sizeof(T))))

/* A copy of the text; "not there" stays "not there". The copy has a NUL behind it. */
struct slice arena_copy(struct arena *arena, struct slice text);

/* Text as printf makes it. */
struct slice arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
