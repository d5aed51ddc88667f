/* References in text: the five entities, and characters by number (XML 1.0, 4.1 and 4.6). */
#ifndef XML_REFERENCE_H
#define XML_REFERENCE_H

#include "base/slice.h"

enum {
	REFERENCE_LONGEST = 32, /* bytes between '&' and ';'; leading zeros may be many */
	REFERENCE_TEXT = 4,     /* bytes that one stands for at most; never more than it has */
};

/*
 * One of the five at the beginning of the text behind an '&': how many bytes it has with its ';',
 * and one byte in out. 0: none, or too near to the end to be looked at together.
 */
static inline size_t
reference_usual(struct slice text, char *out)
{
	if (text.len < 5)
		return 0;
	switch (text.p[0]) {
	case 'l':
		*out = '<';
		return memcmp(text.p, "lt;", 3) == 0 ? 3 : 0;
	case 'g':
		*out = '>';
		return memcmp(text.p, "gt;", 3) == 0 ? 3 : 0;
	case 'a':
		*out = text.p[1] == 'm' ? '&' : '\'';
		if (memcmp(text.p, "amp;", 4) == 0)
			return 4;
		return memcmp(text.p, "apos;", 5) == 0 ? 5 : 0;
	case 'q':
		*out = '"';
		return memcmp(text.p, "quot;", 5) == 0 ? 5 : 0;
	default:
		return 0;
	}
}

/* Cuts the text behind an '&' before the ';'. False: there is none. */
bool reference_cut(struct slice *text);

/* Whether this is a name or a number; when it has not ended, whether it can become one. */
bool reference_is_possible(struct slice name, bool ended);

/* How many bytes of UTF-8 it stands for, written to out; 0: nothing that XMPP knows. */
size_t reference_decode(struct slice name, char out[REFERENCE_TEXT]);

#endif
