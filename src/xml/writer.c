/* Runs of bytes that mean themselves are copied at once; the rest is looked up in a table. */
#include "xml/writer.h"

enum { DEPTH_MOST = 64 };

/* NULL: the byte means itself; "": it is left out. */
static const char *
escape_of(unsigned char c, bool in_value)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '\'':
		return in_value ? "&apos;" : NULL;
	case '\r':
		return "&#13;";
	case '\n':
		return in_value ? "&#10;" : NULL;
	case '\t':
		return in_value ? "&#9;" : NULL;
	default:
		return c < 0x20 ? "" : NULL;
	}
}

static bool
is_plain(unsigned char c)
{
	return c > '>' || (c >= 0x20 && c != '<' && c != '>' && c != '&' && c != '\'');
}

static void
write_escaped(struct buffer *out, struct slice text, bool in_value)
{
	size_t start = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];
		const char *escape = is_plain(c) ? NULL : escape_of(c, in_value);

		if (escape == NULL)
			continue;
		(void)buffer_append(out, slice_make(text.p + start, i - start));
		(void)buffer_text(out, escape);
		start = i + 1;
	}
	(void)buffer_append(out, slice_make(text.p + start, text.len - start));
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

static void
write_start(struct buffer *out, const struct xml_token *e, struct slice default_ns)
{
	(void)buffer_append(out, SLICE("<"));
	(void)buffer_append(out, e->local);
	if (!slice_is(e->uri, default_ns))
		xml_write_attribute(out, "xmlns", e->uri);
	for (unsigned i = 1; i <= e->attributes; i++)
		write_one_attribute(out, &e[i], i);
}

static void
write_end(struct buffer *out, const struct xml_token *e)
{
	(void)buffer_append(out, SLICE("</"));
	(void)buffer_append(out, e->local);
	(void)buffer_append(out, SLICE(">"));
}

/* Tokens from t up to, not with, the XML_END that closes the level on which it began. */
static void
write_tokens(struct buffer *out, const struct xml_token *t, struct slice default_ns)
{
	const struct xml_token *open[DEPTH_MOST];
	unsigned depth = 0;

	for (;; t++) {
		struct slice ns = depth == 0 ? default_ns : open[depth - 1]->uri;

		if (t->kind == XML_TEXT) {
			xml_write_text(out, t->value);
		} else if (t->kind == XML_END) {
			if (depth == 0)
				return;
			write_end(out, open[--depth]);
		} else if (t->kind == XML_ELEMENT) {
			write_start(out, t, ns);
			if (t->span == (uint32_t)t->attributes + 2) {
				(void)buffer_append(out, SLICE("/>"));
				t += t->span - 1;
				continue;
			}
			(void)buffer_append(out, SLICE(">"));
			open[depth++] = t;
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
	write_start(out, element, default_ns);
	(void)buffer_append(out, SLICE(">"));
	xml_write_content(out, element, element->uri);
	write_end(out, element);
}
