/* The parser's part for namespaces: declarations, and what prefixes stand for. */
#ifndef XML_PARSE_NS_H
#define XML_PARSE_NS_H

#include "xml/parse.h"

/* Remembers a declaration of the innermost open element; an empty prefix for the default. */
enum parse_result parse_binding(struct parser *p, struct slice prefix, struct slice uri);

/*
 * Sets the token's namespace. PARSE_FAILED when nothing binds the prefix; an empty one stands for
 * the default namespace.
 */
enum parse_result parse_resolve(struct parser *p, struct slice prefix, struct xml_token *t);

/* The default namespace; 0: none, or one that is not in the table. */
xml_name parse_default_ns(struct parser *p);

/*
 * Names and namespaces of the attribute tokens from `first` to the last token; until now their
 * `uri` holds the prefix. No two may be the same.
 */
enum parse_result parse_resolve_attributes(struct parser *p, uint32_t first);

#endif
