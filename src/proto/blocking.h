/* XEP-0191: what servers and clients say to each other about blocked addresses. */
#ifndef PROTO_BLOCKING_H
#define PROTO_BLOCKING_H

#include "proto/codec.h"

#define NS_BLOCKING "urn:xmpp:blocking"
#define NS_BLOCKING_ERRORS "urn:xmpp:blocking:errors"

/* <blocklist/>, <block/> and <unblock/> all carry a list of items. */
struct blocking {
	struct jid_list items;
};

extern const struct payload blocklist_payload, block_payload, unblock_payload;

/* In the error of a stanza to an address that its sender has blocked; empty. */
extern const struct payload blocked_payload;

#endif
