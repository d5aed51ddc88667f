/*
 * The scanner: a push parser for the XML that RFC 6120, 11 allows (UTF-8, no DTD, no processing
 * instruction, no comment, five entities and character references). One implementation serves
 * every transport and every stored stanza.
 *
 * The bytes belong to the caller. A call looks at the unconsumed bytes of the stream from their
 * beginning and gives one event; an element comes out whole, as tokens over these bytes. Between
 * elements a scanner holds only the stream's namespace context, which is nothing for the usual
 * header. While an element is incomplete it remembers how far it looked, so that an element
 * which arrives a byte at a time costs no more than linear work.
 */
#ifndef XML_SCANNER_H
#define XML_SCANNER_H

#include "xml/limits.h"
#include "xml/tokens.h"

enum xml_event {
	XML_NEED_MORE, /* no whole element yet; what was consumed is gone (whitespace) */
	XML_HEADER,    /* the stream's start tag: tokens hold it and its attributes */
	XML_STANZA,    /* a top-level element */
	XML_CLOSE,     /* the stream's end tag */
	XML_FAILED,    /* the stream is over; scanner->error says why */
};

/* Why a stream failed; each is a stream error of RFC 6120, 4.9.3. */
enum xml_error {
	XML_NO_ERROR,
	XML_NOT_WELL_FORMED, /* also against Namespaces in XML */
	XML_RESTRICTED,      /* comment, instruction, document type, entity that XMPP lacks */
	XML_UNSUPPORTED_ENCODING,
	XML_UNSUPPORTED_VERSION,
	XML_BAD_NAMESPACE_PREFIX,
	XML_INVALID_NAMESPACE,
	XML_BAD_FORMAT, /* XML, but no stream */
	XML_LIMIT,      /* policy-violation: one of limits.h was passed */
};

enum xml_state { XML_AT_START, XML_IN_STREAM, XML_AT_END };

struct xml_context; /* prefixes that a header declared beyond the usual ones */

struct scanner {
	const struct names *names;
	const struct xml_limits *limits; /* may be set to others between events */
	struct xml_context *context;     /* NULL: only `stream` */
	const char *why;                 /* static sentence for the error */
	uint32_t looked;                 /* bytes of the incomplete element that framing has seen */
	uint32_t parsed;                 /* its size when it was last parsed as far as it goes */
	uint16_t depth;                  /* of framing */
	uint8_t frame;                   /* state of framing */
	uint8_t state;                   /* enum xml_state */
	uint8_t error;                   /* enum xml_error */
	xml_name content_ns;             /* default namespace of the header; 0: none that we know */
};

/* A scanner before its first byte. Allocates nothing. names and limits must outlive it. */
void scanner_init(
	struct scanner *scanner, const struct names *names, const struct xml_limits *limits);
void scanner_finish(struct scanner *scanner);

/* Forgets the stream, for the restart after TLS or SASL (RFC 6120, 4.3.3). */
void scanner_restart(struct scanner *scanner);

/*
 * The next event in the input, which begins with the first byte that no call has used and may end
 * anywhere. *used_out says how many of its bytes are done with: for elements and headers they must
 * stay where they are until the tokens are not needed any more. White space between elements is
 * used up silently. tokens is overwritten. Decoded text goes to the arena, also when nothing comes
 * of it; empty the arena between calls.
 *
 * Events do not depend on how the bytes were cut. A mistake in an incomplete element may be found
 * later when it comes in small pieces, at the latest when the element ends or reaches its limit.
 *
 * The top element's `verbatim` tells that its content may be sent as it is to any stream whose
 * header is the usual one: nothing in it depends on other prefixes or on CDATA.
 */
enum xml_event scanner_next(struct scanner *scanner, struct slice input, struct xml_tokens *tokens,
	struct arena *arena, size_t *used_out);

/*
 * One whole element that stands alone, as stored stanzas and WebSocket messages do, in a context
 * where content_ns is the default namespace (0: none) and no prefix is declared. White space may
 * follow it. 0, or a negative enum xml_error with *why_out, a static sentence.
 */
int xml_read(const struct names *names, const struct xml_limits *limits, xml_name content_ns,
	struct slice text, struct xml_tokens *tokens, struct arena *arena, const char **why_out);

#endif
