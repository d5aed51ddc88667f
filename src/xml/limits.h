/*
 * What a peer may send: one table of limits, with a row for each kind of stream. They are checked
 * while scanning; what passes one is XML_LIMIT, a policy-violation. Limits of time are the
 * server's.
 *
 * An element counts as it was sent and as it is when it is written again, because then each
 * attribute with a prefix comes with a declaration of its own: what one server lets in must not
 * pass the limits of the next, which would close the stream between them.
 */
#ifndef XML_LIMITS_H
#define XML_LIMITS_H

#include "base/base.h"

struct xml_limits {
	uint32_t stanza_bytes; /* one top-level element, or the stream's header */
	uint32_t elements;     /* in one stanza */
	uint16_t depth;        /* of elements in a stanza, itself counted */
	uint16_t attributes;   /* of one element, namespace declarations counted */
	uint16_t declarations; /* of namespaces in one element */
	uint16_t name_bytes;   /* of an element's, an attribute's or a prefix's name */
	uint16_t ns_bytes;     /* of a namespace */
};

enum {
	XML_DEPTH_MOST = 64, /* no row may pass these two: they size arrays */
	XML_ATTRIBUTES_MOST = 64,
	XML_BINDINGS_MOST = 128, /* declarations that hold at one place of a stanza */
	XML_HEADER_BYTES = 4096, /* the XML declaration and the stream's start tag */
	XML_CLOSE_BYTES = 4096,  /* the stream's end tag, in which white space may stand */
};

/* Before authentication; a client's; a server's or component's; and what we wrote ourselves. */
extern const struct xml_limits xml_limits_before_auth, xml_limits_client, xml_limits_server,
	xml_limits_own;

#endif
