/*
 * A scanned element as a flat array of tokens: the element, its attributes, then its content
 * (elements and text in document order), then its end. Slices point into the bytes that were
 * scanned, or into the arena where something had to be decoded. Nothing here owns memory but
 * struct xml_tokens its array.
 */
#ifndef XML_TOKENS_H
#define XML_TOKENS_H

#include "base/arena.h"
#include "xml/names.h"

enum xml_kind { XML_ELEMENT, XML_ATTRIBUTE, XML_TEXT, XML_END };

struct xml_token {
	uint8_t kind;
	bool verbatim;     /* top element: its content may be forwarded as it came, see scanner.h */
	xml_name name, ns; /* 0: not in the table; compare the texts */
	uint16_t attributes; /* element: so many attribute tokens follow it directly */
	uint32_t span;       /* element: tokens up to and with its end; others: 1 */
	struct slice local;  /* element, attribute: the name without prefix */
	struct slice uri;    /* the namespace; len 0: none */
	union {
		struct slice value;   /* attribute, text: decoded */
		struct slice content; /* element: the raw bytes between its tags */
	};
};

struct xml_work;

struct xml_tokens {
	struct xml_token *v;
	uint32_t count, capacity;
	struct xml_work *work; /* scratch of the parser; NULL until first used */
};

void xml_tokens_init(struct xml_tokens *tokens);
void xml_tokens_finish(struct xml_tokens *tokens);

/* The first child element, and the next one after it; NULL at the end. */
const struct xml_token *xml_first_child(const struct xml_token *element);
const struct xml_token *xml_next_sibling(const struct xml_token *element);

/* The first child with that name and namespace, or NULL. */
const struct xml_token *xml_child(const struct xml_token *element, xml_name ns, xml_name name);

/* The value of an attribute without namespace; p NULL: it is not there. */
struct slice xml_attribute(const struct xml_token *element, xml_name name);

/* The same for an attribute of a namespace, as xml:lang. */
struct slice xml_attribute_ns(const struct xml_token *element, xml_name ns, xml_name name);

/* All text directly in the element; in the arena only if it is in pieces. Empty, not p NULL. */
struct slice xml_text(const struct xml_token *element, struct arena *arena);

/*
 * The bytes of a scanned element from its '<' to its '>'. They mean the same elsewhere only in the
 * same context of namespaces.
 */
struct slice xml_raw(const struct xml_token *element);

#endif
