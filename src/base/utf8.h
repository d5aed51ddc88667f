/* UTF-8 as RFC 3629 defines it. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/slice.h"

/*
 * The character at p: its length in bytes, 0 when the bytes up to end are the beginning of one,
 * -1 when they are no UTF-8.
 */
int utf8_decode(const char *p, const char *end, uint32_t *code_out);

/* Writes 1 to 4 bytes; the code must be a Unicode scalar value. */
size_t utf8_encode(uint32_t code, char out[4]);

/* Whether all of the text is UTF-8. */
bool utf8_is_valid(struct slice text);

/*
 * Whether the character can be shown where one line is one event: it neither moves the cursor nor
 * ends the line, and it does not turn the direction of what stands beside it.
 */
bool utf8_is_plain(uint32_t code);

#endif
