/* The element, and what a request means. */
#include "proto/rsm.h"

const struct field rsm_fields[] = {
	CHILD_TEXT(struct rsm, max, "max"),
	CHILD_TEXT(struct rsm, after, "after"),
	CHILD_TEXT(struct rsm, before, "before"),
	CHILD_TEXT(struct rsm, first, "first"),
	CHILD_TEXT(struct rsm, last, "last"),
	CHILD_TEXT(struct rsm, count, "count"),
	FIELDS_END(struct rsm),
};

/* Numbers above most are most. */
static bool
read_max(struct slice text, uint32_t most, uint32_t *max_out)
{
	uint32_t max = 0;

	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		if (max < most)
			max = max * 10 + (uint32_t)(text.p[i] - '0');
	}
	*max_out = max < most ? max : most;
	return true;
}

bool
rsm_read(const struct rsm_list *asked, uint32_t most, struct rsm_page *page_out)
{
	const struct rsm *set = asked->count == 0 ? NULL : &asked->v[0];

	*page_out = (struct rsm_page){ .max = most };
	if (set == NULL)
		return true;
	if (set->max.p != NULL && !read_max(set->max, most, &page_out->max))
		return false;
	page_out->after = set->after.len == 0 ? NO_SLICE : set->after;
	page_out->before = set->before.len == 0 ? NO_SLICE : set->before;
	page_out->backward = set->before.p != NULL && set->after.p == NULL;
	return true;
}
