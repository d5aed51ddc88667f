/* What XML 1.0 calls Char and NameChar. */
#ifndef XML_CHARS_H
#define XML_CHARS_H

#include "base/utf8.h"

/* XML 1.0, production 2. */
static inline bool
xml_is_char(uint32_t code)
{
	if (code < 0x20)
		return code == '\t' || code == '\n' || code == '\r';
	return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) ||
	       (code >= 0x10000 && code <= 0x10ffff);
}

/*
 * Steps over characters beyond ASCII that XML allows, and over letters, digits and spaces among
 * them. It stops on other ASCII, and on what is not allowed or not complete.
 */
const char *xml_skip_foreign(const char *at, const char *end);

/*
 * Names without colon. Of the letters beyond ASCII those are accepted on which the fourth and the
 * fifth edition of XML 1.0 agree, in the scripts that people write: parsers of either edition,
 * expat among them, read what we forward.
 */
bool xml_is_name_start(uint32_t code);
bool xml_is_name_char(uint32_t code);

/* The same for ASCII by a look into a table, for the parser's loops; 0 beyond ASCII. */
enum { XML_BYTE_NAME_START = 1, XML_BYTE_NAME = 2, XML_BYTE_SPACE = 4 };
extern const uint8_t xml_byte_kinds[256];

/* XML 1.0, production 3. */
static inline bool
xml_is_space(char c)
{
	return (xml_byte_kinds[(unsigned char)c] & XML_BYTE_SPACE) != 0;
}

/* The number of white space bytes at the beginning. */
static inline size_t
xml_count_space(struct slice text)
{
	size_t n = 0;

	while (n < text.len && xml_is_space(text.p[n]))
		n++;
	return n;
}

#endif
