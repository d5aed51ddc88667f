/*
 * One pass from '<' to '>' with memchr. Only a start tag can have a '>' inside quotes, so only
 * there quotes are looked for.
 */
#include "tools/kith-load/cut.h"

/* The position after the '>' that ends the tag at p, or NULL. */
static const char *
tag_end(const char *p, const char *end)
{
	while (p < end) {
		if (*p == '>')
			return p + 1;
		if (*p == '\'' || *p == '"') {
			p = memchr(p + 1, *p, (size_t)(end - p - 1));
			if (p == NULL)
				return NULL;
		}
		p++;
	}
	return NULL;
}

/* The position after the end tag of the element whose start tag begins at p, or NULL. */
static const char *
element_end(const char *p, const char *end)
{
	unsigned depth = 0;

	while (p != NULL && end - p >= 2) {
		bool closes = p[1] == '/';

		p = tag_end(p, end);
		if (p == NULL)
			return NULL;
		if (closes)
			depth--;
		else if (p[-2] != '/')
			depth++;
		if (depth == 0)
			return p;
		p = memchr(p, '<', (size_t)(end - p));
	}
	return NULL;
}

static enum cut
kind_of(struct slice rest)
{
	if (slice_starts(rest, SLICE("<stream:stream")))
		return CUT_STREAM;
	if (slice_starts(rest, SLICE("</")))
		return CUT_END;
	return CUT_STANZA;
}

enum cut
cut_next(struct slice in, struct slice *piece_out, size_t *used_out)
{
	if (in.len == 0)
		return CUT_MORE;
	const char *end = in.p + in.len;
	const char *p = memchr(in.p, '<', in.len);

	if (p != NULL && end - p >= 2 && p[1] == '?') {
		p = tag_end(p, end);
		if (p != NULL)
			p = memchr(p, '<', (size_t)(end - p));
	}
	/* "<stream:stream" must be told from a stanza before its tag is complete. */
	if (p == NULL || tag_end(p, end) == NULL)
		return CUT_MORE;
	enum cut kind = kind_of(slice_make(p, (size_t)(end - p)));
	const char *stop = kind == CUT_STANZA ? element_end(p, end) : tag_end(p, end);

	if (stop == NULL)
		return CUT_MORE;
	*piece_out = slice_make(p, (size_t)(stop - p));
	*used_out = (size_t)(stop - in.p);
	return kind;
}

bool
cut_is(struct slice stanza, const char *name)
{
	size_t len = strlen(name);

	return stanza.len > len + 1 && memcmp(stanza.p + 1, name, len) == 0 &&
	       memchr(" \t\r\n/>", stanza.p[len + 1], 6) != NULL;
}

struct slice
cut_attribute(struct slice stanza, const char *name)
{
	size_t len = strlen(name);
	const char *end = tag_end(stanza.p, stanza.p + stanza.len);
	const char *p = stanza.p;

	while (p != NULL && p < end) {
		const char *quote = p + strcspn(p, "'\">");
		const char *stop = *quote == '>'
					   ? NULL
					   : memchr(quote + 1, *quote, (size_t)(end - quote - 1));
		if (stop == NULL)
			return NO_SLICE;
		const char *at = quote - 1 - len;
		if (at > p && quote[-1] == '=' && memcmp(at, name, len) == 0 &&
			memchr(" \t\r\n", at[-1], 4) != NULL)
			return slice_make(quote + 1, (size_t)(stop - quote - 1));
		p = stop + 1;
	}
	return NO_SLICE;
}

struct slice
cut_text(struct slice stanza, const char *name)
{
	size_t len = strlen(name);
	const char *end = stanza.p + stanza.len;

	for (const char *p = stanza.p; p != NULL && p < end;
		p = memchr(p + 1, '<', (size_t)(end - p - 1))) {
		if (!cut_is(slice_make(p, (size_t)(end - p)), name))
			continue;
		const char *text = tag_end(p + len, end);
		const char *stop = text == NULL || text[-2] == '/'
					   ? NULL
					   : memchr(text, '<', (size_t)(end - text));
		return stop == NULL ? NO_SLICE : slice_make(text, (size_t)(stop - text));
	}
	return NO_SLICE;
}

unsigned
cut_count(struct slice stanza, const char *name)
{
	const char *end = stanza.p + stanza.len;
	unsigned count = 0;

	for (const char *p = stanza.p; p != NULL && p < end;
		p = memchr(p + 1, '<', (size_t)(end - p - 1)))
		count += cut_is(slice_make(p, (size_t)(end - p)), name);
	return count;
}
