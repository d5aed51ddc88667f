/*
 * Framing: how far an incomplete element reaches, found out with a few bytes of state that are
 * kept between calls, so that each byte is looked at once here however small the pieces are in
 * which they come. It judges nothing; the parser does that.
 */
#ifndef XML_FRAME_H
#define XML_FRAME_H

#include "xml/scanner.h"

/* Looks at the bytes behind scanner->looked. Whether the element is complete. */
bool frame_advance(struct scanner *scanner, struct slice input);

/* Forgets the element. */
void frame_reset(struct scanner *scanner);

#endif
