/*
 * The parser inside the scanner: one element from its first byte on, without recursion. It works
 * on what is there; when the bytes end too early it says so and is started again with more.
 */
#ifndef XML_PARSE_H
#define XML_PARSE_H

#include "xml/scanner.h"

/* RFC 6120, 11.1 */
#define XML_WHY_RESTRICTED "XMPP has no comments, processing instructions and document types"

enum parse_result { PARSE_DONE, PARSE_MORE, PARSE_FAILED };

struct binding {
	struct slice prefix, uri;
	xml_name ns;
};

struct open_element {
	uint32_t token;
	unsigned bindings; /* how many there were outside */
	unsigned written;  /* how many there will be inside when it is written again, at most */
	struct slice qname;
	const char *content;
};

/* Scratch of a parse, kept with the token array so that it is not made anew each time. */
struct xml_work {
	struct open_element open[XML_DEPTH_MOST];
	struct binding bindings[XML_BINDINGS_MOST];
};

/* Prefixes that a stream's header declared beyond the usual ones; one piece of memory. */
struct xml_context {
	unsigned count;
	struct binding bindings[];
};

struct parser {
	const struct names *names;
	const struct xml_limits *limits;
	const struct xml_context *context; /* may be NULL */
	xml_name content_ns;
	const char *at, *end;
	struct xml_tokens *tokens;
	struct xml_work *work;
	struct arena *arena;
	unsigned depth, binding_count, elements;
	bool verbatim;
	bool in_header; /* the element is the stream's start tag */
	bool in_stream; /* the prefix `stream` is declared */
	enum xml_error error;
	const char *why;
};

/* p->at stands on '<'. On PARSE_DONE it stands behind the element. */
enum parse_result parse_element(struct parser *p);

/* Only a start tag, for the stream's header. */
enum parse_result parse_header(struct parser *p);

/* Remembers why, and returns PARSE_FAILED. */
enum parse_result parse_fail(struct parser *p, enum xml_error error, const char *why);

static inline enum parse_result
parse_malformed(struct parser *p, const char *why)
{
	return parse_fail(p, XML_NOT_WELL_FORMED, why);
}

#endif
