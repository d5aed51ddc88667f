/*
 * An array of texts and an open-addressing index over it. The hash needs no key: only our own code
 * adds names, so nobody can make the table's runs longer; a foreign name probes one of them. It
 * costs the same for a long namespace as for a short name.
 */
#include "xml/names.h"

#include <assert.h>
#include <stdlib.h>

enum { SLOTS = 4096, NAMES_MOST = 2048 };

/* The first and the last bytes of a text. Together with its length they are a short text. */
struct ends {
	uint64_t head, tail;
};

struct names {
	struct slice texts[NAMES_MOST];
	struct ends ends[NAMES_MOST];
	xml_name slots[SLOTS];
	xml_name count;
};

static inline struct ends
ends_of(struct slice text)
{
	struct ends e = { 0, 0 };

	if (text.len >= 8) {
		memcpy(&e.head, text.p, 8);
		memcpy(&e.tail, text.p + text.len - 8, 8);
	} else if (text.len >= 4) {
		memcpy(&e.head, text.p, 4);
		memcpy(&e.tail, text.p + text.len - 4, 4);
	} else if (text.len > 0) {
		e.head = (unsigned char)text.p[0];
		e.tail = (uint64_t)(unsigned char)text.p[text.len / 2] << 8 |
			 (unsigned char)text.p[text.len - 1];
	}
	return e;
}

static inline size_t
hash_of(struct ends e, size_t len)
{
	uint64_t hash = e.head * 0x9e3779b97f4a7c15u ^ (e.tail + len) * 0xbf58476d1ce4e5b9u;

	return (hash ^ hash >> 29) >> 32;
}

static inline bool
is_text(const struct names *names, xml_name n, struct slice text, struct ends e)
{
	return names->texts[n].len == text.len && names->ends[n].head == e.head &&
	       names->ends[n].tail == e.tail &&
	       (text.len <= sizeof(e) || memcmp(names->texts[n].p, text.p, text.len) == 0);
}

/* The slot where the text is, or where it would go. */
static inline size_t
slot_of(const struct names *names, struct slice text, struct ends e)
{
	size_t at = hash_of(e, text.len) % SLOTS;

	while (names->slots[at] != 0 && !is_text(names, names->slots[at], text, e))
		at = (at + 1) % SLOTS;
	return at;
}

static const char *const fixed[] = {
	"",
#define NAME(symbol, text) text,
#include "xml/names.def"
#undef NAME
};

struct names *
names_create(void)
{
	struct names *names = xcalloc(1, sizeof(*names));

	names->texts[0] = SLICE("");
	names->count = 1;
	for (size_t i = 1; i < COUNT_OF(fixed); i++) {
		xml_name name = names_add(names, slice_of(fixed[i]));

		assert(name == i);
		(void)name;
	}
	return names;
}

void
names_destroy(struct names **names_ptr)
{
	struct names *names = *names_ptr;

	*names_ptr = NULL;
	for (size_t i = 1; names != NULL && i < names->count; i++)
		free((void *)(uintptr_t)names->texts[i].p);
	free(names);
}

xml_name
names_add(struct names *names, struct slice text)
{
	struct ends e = ends_of(text);
	size_t at = slot_of(names, text, e);

	if (names->slots[at] != 0)
		return names->slots[at];
	if (names->count == NAMES_MOST)
		die("The table of XML names is full; raise NAMES_MOST in xml/names.c.");
	names->texts[names->count] = slice_make(xstrndup(text.p, text.len), text.len);
	names->ends[names->count] = e;
	names->slots[at] = names->count;
	return names->count++;
}

xml_name
names_find(const struct names *names, struct slice text)
{
	return names->slots[slot_of(names, text, ends_of(text))];
}

struct slice
names_text(const struct names *names, xml_name name)
{
	return names->texts[name < names->count ? name : 0];
}
