/* The XML declaration, which may stand at the beginning of a stream and nowhere else. */
#ifndef XML_DECLARATION_H
#define XML_DECLARATION_H

#include "xml/parse.h"

/*
 * <?xml version='1.0' encoding='UTF-8' standalone='yes'?> at the beginning of the input, the last
 * two at will (XML 1.0, productions 23 to 32). *len_out: its bytes, 0 when there is none.
 */
enum parse_result declaration_read(struct parser *p, struct slice input, size_t *len_out);

#endif
