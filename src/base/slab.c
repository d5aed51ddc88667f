/* Pages of 32 KiB, aligned to their size, so that a piece's page is found by its address. */
#include "base/slab.h"

#include "base/poison.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 32 * 1024, ALIGN = alignof(max_align_t) };

struct slab_page {
	struct list link;
	void *free; /* first free piece; each holds the address of the next */
	size_t used;
	alignas(max_align_t) char pieces[];
};

void
slab_init(struct slab *slab, size_t piece_size)
{
	size_t rounded = (size_add(piece_size, ALIGN - 1)) & ~(size_t)(ALIGN - 1);

	*slab = (struct slab){ .piece_size = rounded };
	slab->per_page = (PAGE - sizeof(struct slab_page)) / rounded;
	assert(slab->per_page > 0);
	list_init(&slab->open);
	list_init(&slab->full);
}

static void
free_page(struct slab_page *page)
{
	unpoison(page->pieces, PAGE - sizeof(*page));
	list_remove(&page->link);
	free(page);
}

void
slab_finish(struct slab *slab)
{
	struct slab_page *page;

	LIST_EACH (page, &slab->open, struct slab_page, link)
		free_page(page);
	LIST_EACH (page, &slab->full, struct slab_page, link)
		free_page(page);
	slab->live = slab->free_pages = 0;
}

static void
push_free(struct slab_page *page, void *piece, size_t size)
{
	memcpy(piece, &page->free, sizeof(void *));
	page->free = piece;
	poison(piece, size);
}

static void *
pop_free(struct slab_page *page, size_t size)
{
	void *piece = page->free;

	unpoison(piece, size);
	memcpy(&page->free, piece, sizeof(void *));
	return piece;
}

static void
add_page(struct slab *slab)
{
	struct slab_page *page = aligned_alloc(PAGE, PAGE);

	if (page == NULL)
		die("Out of memory: a page of %d bytes was refused. Give the process more.", PAGE);
	page->free = NULL;
	page->used = 0;
	for (size_t i = slab->per_page; i-- > 0;)
		push_free(page, page->pieces + i * slab->piece_size, slab->piece_size);
	list_append(&slab->open, &page->link);
	slab->free_pages++;
}

void *
slab_alloc(struct slab *slab)
{
	struct slab_page *page;
	void *piece;

	if (list_is_empty(&slab->open))
		add_page(slab);
	page = container_of(slab->open.next, struct slab_page, link);
	piece = pop_free(page, slab->piece_size);
	if (page->used++ == 0)
		slab->free_pages--;
	if (page->free == NULL) {
		list_remove(&page->link);
		list_append(&slab->full, &page->link);
	}
	slab->live++;
	memset(piece, 0, slab->piece_size);
	return piece;
}

static size_t
count_pages(const struct list *pages)
{
	size_t count = 0;

	for (const struct list *link = pages->next; link != pages; link = link->next)
		count++;
	return count;
}

size_t
slab_bytes(const struct slab *slab)
{
	return PAGE * (count_pages(&slab->open) + count_pages(&slab->full));
}

void
slab_free(struct slab *slab, void *piece)
{
	struct slab_page *page;

	if (piece == NULL)
		return;
	page = (struct slab_page *)((uintptr_t)piece & ~(uintptr_t)(PAGE - 1));
	if (page->free == NULL) {
		list_remove(&page->link);
		list_prepend(&slab->open, &page->link);
	}
	push_free(page, piece, slab->piece_size);
	slab->live--;
	if (--page->used > 0)
		return;
	if (slab->free_pages > 0)
		free_page(page);
	else
		slab->free_pages++;
}
