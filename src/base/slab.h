/*
 * A slab hands out pieces of one size for long-lived objects. Freed pieces are reused before new
 * memory is asked for, and a page that is wholly free goes back to malloc (one is kept), so that
 * a storm of sessions does not leave the process at its peak. Owned by one thread.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include "base/list.h"

struct slab {
	struct list open; // slab_page.link: pages with a free piece
	struct list full; // slab_page.link
	size_t piece_size, per_page;
	size_t live; /* pieces handed out now */
	size_t free_pages;
};

/* piece_size: bytes of one object, before alignment. Allocates nothing. */
void slab_init(struct slab *slab, size_t piece_size);

/* All pieces must have been given back, or be forgotten by everyone. */
void slab_finish(struct slab *slab);

/* A zeroed piece, never NULL. */
void *slab_alloc(struct slab *slab) __attribute__((returns_nonnull));

/* Bytes of all its pages. */
size_t slab_bytes(const struct slab *slab);

/* piece: from this slab, or NULL. */
void slab_free(struct slab *slab, void *piece);

#endif
