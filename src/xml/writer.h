/* Writing XML: escaped text and attributes, and scanned elements written again. */
#ifndef XML_WRITER_H
#define XML_WRITER_H

#include "base/buffer.h"
#include "xml/tokens.h"

/* Text between tags. What XML cannot carry (control characters) is left out. */
void xml_write_text(struct buffer *out, struct slice text);

/* A value for an attribute in single quotes, without the quotes. */
void xml_write_value(struct buffer *out, struct slice value);

/* " name='value'". The name is ours and needs no escape. */
void xml_write_attribute(struct buffer *out, const char *name, struct slice value);

/*
 * The element again, with the namespaces declared that it needs where default_ns is the default
 * namespace. Prefixes of elements become default declarations; those of attributes are made up.
 */
void xml_write_element(
	struct buffer *out, const struct xml_token *element, struct slice default_ns);

/* The element's content only. */
void xml_write_content(
	struct buffer *out, const struct xml_token *element, struct slice default_ns);

#endif
