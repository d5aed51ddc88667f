/* The rules of PRECIS that look at a whole text: what may stand where, and in which direction. */
#ifndef PROTO_PRECIS_RULES_H
#define PROTO_PRECIS_RULES_H

#include "proto/precis_table.h"

/* Code points; owned by the caller. */
struct codes {
	uint32_t *v;
	size_t count;
};

/*
 * The property of a code point. What the Unicode library does not know is unassigned, too, even
 * if the table is newer: it could not be normalised.
 */
enum precis_class precis_class_of(uint32_t code);

/* Whether each character with a contextual rule (RFC 5892, appendix A) stands where it may. */
bool precis_context_holds(const struct codes *codes);

/* The Bidi Rule (RFC 5893, section 2) for texts that have right-to-left characters. */
bool precis_bidi_holds(const struct codes *codes);

#endif
