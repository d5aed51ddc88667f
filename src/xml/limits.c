/* The table of limits. A number is changed here and nowhere else. */
#include "xml/limits.h"

#define SHAPE \
	.depth = XML_DEPTH_MOST, .attributes = XML_ATTRIBUTES_MOST, .declarations = 32, \
	.name_bytes = 256, .ns_bytes = 1024

const struct xml_limits xml_limits_before_auth = { .stanza_bytes = 10000, .elements = 50, SHAPE };
const struct xml_limits xml_limits_client = { .stanza_bytes = 256 << 10, .elements = 25000, SHAPE };
const struct xml_limits xml_limits_server = { .stanza_bytes = 512 << 10, .elements = 25000, SHAPE };
const struct xml_limits xml_limits_own = { .stanza_bytes = 1 << 20, .elements = 50000, SHAPE };
