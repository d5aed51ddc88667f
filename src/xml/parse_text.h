/* The parser's part for text: attribute values, character data, CDATA, and references in them. */
#ifndef XML_PARSE_TEXT_H
#define XML_PARSE_TEXT_H

#include "xml/parse.h"

/* p->at stands behind the opening quote; afterwards behind the closing one. */
enum parse_result parse_attribute_value(struct parser *p, char quote, struct slice *value_out);

/* Up to the next '<', on which p->at stands afterwards. */
enum parse_result parse_text(struct parser *p, struct slice *text_out);

/* p->at stands behind "<![CDATA["; afterwards behind "]]>". */
enum parse_result parse_cdata(struct parser *p, struct slice *text_out);

#endif
