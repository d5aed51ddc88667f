/*
 * Cuts what a server sends into stream tags and whole stanzas. It is made for a load generator that
 * trusts the server to send XML: it counts tags and knows quotes, nothing else, and it keeps no
 * state, so a stanza that is not complete yet is looked at again when more bytes are there.
 */
#ifndef TOOLS_KITH_LOAD_CUT_H
#define TOOLS_KITH_LOAD_CUT_H

#include "base/slice.h"

enum cut {
	CUT_MORE,   /* no whole piece yet */
	CUT_STREAM, /* <stream:stream …> */
	CUT_STANZA, /* a whole child of the stream */
	CUT_END,    /* </stream:stream> */
};

/*
 * The first piece of in. piece_out is a view into in, and *used_out the number of bytes up to the
 * end of the piece; both are untouched for CUT_MORE. Space, XML declaration and other text between
 * pieces are skipped.
 */
enum cut cut_next(struct slice in, struct slice *piece_out, size_t *used_out);

/* Whether a stanza's element has that name. */
bool cut_is(struct slice stanza, const char *name);

/* An attribute of the stanza's start tag, entities as they came; NO_SLICE without it. */
struct slice cut_attribute(struct slice stanza, const char *name);

/* How many start tags of that name the stanza has. */
unsigned cut_count(struct slice stanza, const char *name);

/* The text between the first <name> or <name …> and the next '<'; NO_SLICE without one. */
struct slice cut_text(struct slice stanza, const char *name);

#endif
