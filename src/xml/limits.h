/* What a peer may send: one table of limits, with a row for each kind of stream. */
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
};

enum {
	XML_DEPTH_MOST = 64, /* no row may pass these three: they size arrays */
	XML_ATTRIBUTES_MOST = 64,
	XML_BINDINGS_MOST = 128,
	XML_HEADER_BYTES = 4096,
};

/* Before authentication; a client's; a server's or component's; and what we wrote ourselves. */
extern const struct xml_limits xml_limits_before_auth, xml_limits_client, xml_limits_server,
	xml_limits_own;

#endif
