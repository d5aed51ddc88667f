/*
 * Writing XML: escaped text and attributes, and scanned elements written again.
 *
 * Everything is appended to a buffer that has a limit. Who writes asks the buffer at the end
 * whether it overflowed, and then throws the result away: a prefix that stood for a long namespace
 * becomes that namespace, so an element may grow. What the scanner's limits let in they let in
 * again after it was written, but for its size in bytes.
 */
#ifndef XML_WRITER_H
#define XML_WRITER_H

#include "base/buffer.h"
#include "xml/tokens.h"

/*
 * Text between tags. What XML cannot carry never comes out: control characters are left out, bytes
 * that are no UTF-8 become U+FFFD.
 */
void xml_write_text(struct buffer *out, struct slice text);

/* A value for an attribute in single quotes, without the quotes. The same holds. */
void xml_write_value(struct buffer *out, struct slice value);

/* " name='value'". The name is ours and needs no escape. */
void xml_write_attribute(struct buffer *out, const char *name, struct slice value);

/*
 * The element again, with the namespaces declared that it needs where default_ns is the default
 * namespace. Prefixes of elements become default declarations; those of attributes are made up.
 */
void xml_write_element(
	struct buffer *out, const struct xml_token *element, struct slice default_ns);

/*
 * The element's content only, behind a start tag of our own that left default_ns the default.
 * Given the namespace of the stream that the element came from, and written to a stream with
 * another one, the content that was in the one is then in the other, as RFC 6120, 4.8.3 wants.
 */
void xml_write_content(
	struct buffer *out, const struct xml_token *element, struct slice default_ns);

#endif
