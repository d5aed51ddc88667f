/* Bump allocation in a list of blocks; a piece larger than a block gets a block of its own. */
#include "base/arena.h"

#include "base/poison.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEFAULT_BLOCK = 2048, ALIGN = alignof(max_align_t) };

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	alignas(max_align_t) char bytes[];
};

void
arena_init(struct arena *arena, size_t block_size)
{
	*arena = (struct arena){ .block_size = block_size == 0 ? DEFAULT_BLOCK : block_size };
}

static void
free_blocks(struct arena_block *block)
{
	while (block != NULL) {
		struct arena_block *next = block->next;

		unpoison(block->bytes, block->size);
		free(block);
		block = next;
	}
}

void
arena_finish(struct arena *arena)
{
	free_blocks(arena->head);
	arena->head = NULL;
	arena->taken = 0;
}

void
arena_reset(struct arena *arena)
{
	struct arena_block *keep = arena->head;

	arena->taken = 0;
	if (keep == NULL)
		return;
	free_blocks(keep->next);
	keep->next = NULL;
	keep->used = 0;
	poison(keep->bytes, keep->size);
	if (keep->size > arena->block_size)
		arena_finish(arena);
}

static struct arena_block *
add_block(struct arena *arena, size_t least)
{
	size_t size = least > arena->block_size ? least : arena->block_size;
	struct arena_block *block = xmalloc(size_add(sizeof(*block), size));

	block->size = size;
	block->used = 0;
	block->next = arena->head;
	arena->head = block;
	poison(block->bytes, size);
	return block;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	size_t need = size_add(size, ALIGN - 1) & ~(size_t)(ALIGN - 1);
	struct arena_block *block = arena->head;
	char *piece;

#ifdef KITH_ARENA_MALLOC
	block = add_block(arena, need);
#else
	if (block == NULL || block->size - block->used < need)
		block = add_block(arena, need);
#endif
	piece = block->bytes + block->used;
	block->used += need;
	arena->taken += need;
	unpoison(piece, size);
	memset(piece, 0, size);
	return piece;
}

struct slice
arena_copy(struct arena *arena, struct slice text)
{
	char *copy;

	if (text.p == NULL)
		return NO_SLICE;
	copy = arena_alloc(arena, size_add(text.len, 1));
	memcpy(copy, text.p, text.len);
	return slice_make(copy, text.len);
}

struct slice
arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char small[512]; /* so that most texts are made once only */
	char *text;
	int len;

	va_start(args, format);
	len = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (len < 0)
		return NO_SLICE;
	text = arena_alloc(arena, (size_t)len + 1);
	if ((size_t)len < sizeof(small)) {
		memcpy(text, small, (size_t)len + 1);
		return slice_make(text, (size_t)len);
	}
	va_start(args, format);
	(void)vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return slice_make(text, (size_t)len);
}
