/* What the decoder and the encoder know of a struct beside its table. */
#ifndef PROTO_CODEC_INTERNAL_H
#define PROTO_CODEC_INTERNAL_H

#include "proto/codec.h"

/* The layout that CHILD_LIST asks for. */
struct any_list {
	char *v;
	size_t count;
};

#endif
