/* XEP-0115: Entity Capabilities, the verification string and where it is told. */
#ifndef PROTO_CAPS_H
#define PROTO_CAPS_H

#include "proto/disco.h"

#define NS_CAPS "http://jabber.org/protocol/caps"

/* <c/> in presence, and among a stream's features. */
struct caps {
	struct slice hash, node, ver;
};

extern const struct payload caps_payload;

/* 5.1: the string for hash "sha-1", in the arena. What is in info may come in any order. */
struct slice caps_ver(const struct disco_info *info, struct arena *arena);

#endif
