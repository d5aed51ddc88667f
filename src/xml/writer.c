/*
 * Runs of bytes that mean themselves are copied at once. What is
 * written is well-formed whatever the text was: bytes that are no UTF-8, and characters that XML
 * does not have, never come out.
 */
#include "xml/writer.h"

#include "xml/chars.h"
#include "xml/limits.h"
#include "xml/skip.h"

#include <assert.h>

/* p NULL: the byte of ASCII means itself. */
static struct slice
escape_of(char c, bool in_value)
{
	switch (c) {
	case '<':
		return SLICE("&lt;");
	case '>':
		return SLICE("&gt;");
	case '&':
		return SLICE("&amp;");
	case '\r':
		return SLICE("&#13;");
	case '\'':
		return in_value ? SLICE("&apos;") : NO_SLICE;
	case '\n':
		return in_value ? SLICE("&#10;") : NO_SLICE;
	case '\t':
		return in_value ? SLICE("&#9;") : NO_SLICE;
	default:
		return (unsigned char)c < 0x20 ? SLICE("") : NO_SLICE;
	}
}

static void
write_escaped(struct buffer *out, struct slice text, bool in_value)
{
	const char *at, *end, *start;

	if (text.len == 0)
		return;
	at = start = text.p;
	end = text.p + text.len;
	while ((at = skip_written(at, end)) < end) {
		bool foreign = (unsigned char)*at >= 0x80;
		const char *next = foreign ? xml_skip_foreign(at, end) : at;
		struct slice escape = SLICE("\xef\xbf\xbd"); /* U+FFFD for what is no UTF-8 */

		if (!foreign)
			escape = escape_of(*at, in_value);
		if (next > at || escape.p == NULL) {
			at = next > at ? next : at + 1;
			continue;
		}
		(void)buffer_append(out, slice_make(start, (size_t)(at - start)));
		(void)buffer_append(out, escape);
		start = ++at;
	}
	(void)buffer_append(out, slice_make(start, (size_t)(end - start)));
}

void
xml_write_text(struct buffer *out, struct slice text)
{
	write_escaped(out, text, false);
}

void
xml_write_value(struct buffer *out, struct slice value)
{
	write_escaped(out, value, true);
}

void
xml_write_attribute(struct buffer *out, const char *name, struct slice value)
{
	(void)buffer_append(out, SLICE(" "));
	(void)buffer_text(out, name);
	(void)buffer_append(out, SLICE("='"));
	xml_write_value(out, value);
	(void)buffer_append(out, SLICE("'"));
}

static void
write_one_attribute(struct buffer *out, const struct xml_token *a, unsigned number)
{
	(void)buffer_append(out, SLICE(" "));
	if (a->ns == NS_ID_XML) {
		(void)buffer_append(out, SLICE("xml:"));
	} else if (a->uri.len > 0) {
		(void)buffer_printf(out, "xmlns:ns%u='", number);
		xml_write_value(out, a->uri);
		(void)buffer_printf(out, "' ns%u:", number);
	}
	(void)buffer_append(out, a->local);
	(void)buffer_append(out, SLICE("='"));
	xml_write_value(out, a->value);
	(void)buffer_append(out, SLICE("'"));
}

/* Of the namespace of `xml` only that prefix may speak (Namespaces in XML 1.0, 3). */
static void
write_name(struct buffer *out, const struct xml_token *e)
{
	if (e->ns == NS_ID_XML)
		(void)buffer_append(out, SLICE("xml:"));
	(void)buffer_append(out, e->local);
}

/* Without its '>'. Returns the default namespace of the content. */
static struct slice
write_start(struct buffer *out, const struct xml_token *e, struct slice default_ns)
{
	(void)buffer_append(out, SLICE("<"));
	write_name(out, e);
	if (e->ns != NS_ID_XML && !slice_is(e->uri, default_ns)) {
		xml_write_attribute(out, "xmlns", e->uri);
		default_ns = e->uri;
	}
	for (unsigned i = 1; i <= e->attributes; i++)
		write_one_attribute(out, &e[i], i);
	return default_ns;
}

static void
write_end(struct buffer *out, const struct xml_token *e)
{
	(void)buffer_append(out, SLICE("</"));
	write_name(out, e);
	(void)buffer_append(out, SLICE(">"));
}

struct level {
	const struct xml_token *element;
	struct slice default_ns; /* outside it */
};

/* Whether there is nothing between the tags of the element. */
static bool
is_empty(const struct xml_token *e)
{
	return e->span == (uint32_t)e->attributes + 2;
}

/* Tokens from t up to, not with, the XML_END that closes the level on which it began. */
static void
write_tokens(struct buffer *out, const struct xml_token *t, struct slice default_ns)
{
	struct level open[XML_DEPTH_MOST];
	unsigned depth = 0;

	for (;; t++) {
		if (t->kind == XML_TEXT) {
			xml_write_text(out, t->value);
		} else if (t->kind == XML_END) {
			if (depth == 0)
				return;
			write_end(out, open[--depth].element);
			default_ns = open[depth].default_ns;
		} else if (is_empty(t)) {
			(void)write_start(out, t, default_ns);
			(void)buffer_append(out, SLICE("/>"));
			t += t->span - 1;
		} else {
			assert(depth < XML_DEPTH_MOST);
			open[depth++] = (struct level){ t, default_ns };
			default_ns = write_start(out, t, default_ns);
			(void)buffer_append(out, SLICE(">"));
			t += t->attributes;
		}
	}
}

void
xml_write_content(struct buffer *out, const struct xml_token *element, struct slice default_ns)
{
	write_tokens(out, element + 1 + element->attributes, default_ns);
}

void
xml_write_element(struct buffer *out, const struct xml_token *element, struct slice default_ns)
{
	struct slice inside = write_start(out, element, default_ns);

	if (is_empty(element)) {
		(void)buffer_append(out, SLICE("/>"));
		return;
	}
	(void)buffer_append(out, SLICE(">"));
	xml_write_content(out, element, inside);
	write_end(out, element);
}
