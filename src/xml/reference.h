/* References in text: the five entities, and characters by number (XML 1.0, 4.1 and 4.6). */
#ifndef XML_REFERENCE_H
#define XML_REFERENCE_H

#include "base/slice.h"

enum {
	REFERENCE_LONGEST = 32, /* bytes between '&' and ';'; leading zeros may be many */
	REFERENCE_TEXT = 4,     /* bytes that one stands for at most; never more than it has */
};

/* Cuts the text behind an '&' before the ';'. False: there is none. */
bool reference_cut(struct slice *text);

/* Whether this is a name or a number; when it has not ended, whether it can become one. */
bool reference_is_possible(struct slice name, bool ended);

/* How many bytes of UTF-8 it stands for, written to out; 0: nothing that XMPP knows. */
size_t reference_decode(struct slice name, char out[REFERENCE_TEXT]);

#endif
