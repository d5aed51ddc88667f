/* XEP-0357: what is said between a client, its server and a push service. */
#ifndef PROTO_PUSH_H
#define PROTO_PUSH_H

#include "proto/forms.h"
#include "proto/stanza.h"

#define NS_PUSH "urn:xmpp:push:0"

/* <enable/>; <disable/> has no options. */
struct push_service {
	struct jid jid;           /* full.p NULL: not there */
	struct slice node;        /* p NULL: not there */
	struct form_list options; /* what must be told with each notification */
	struct slice xml;         /* the same, written instead */
};
extern const struct payload push_enable_payload, push_disable_payload;

/* The same in the file of an account. */
extern const struct payload push_export_payload;

enum { PUSH_NODE_MOST = 1024, PUSH_OPTIONS_MOST = 4096 };

/*
 * Why this cannot be kept, as a sentence; NULL: it can, with these options: XML of a form, or empty
 * when there are none.
 */
const char *push_mistake(
	const struct push_service *service, struct arena *arena, struct slice *options_out);

/* A service and its node (p NULL: none) as one text. Reading it: false if it is none. */
struct slice push_key(const struct jid *jid, struct slice node, struct arena *arena);
bool push_key_read(
	struct slice key, struct arena *arena, struct jid *jid_out, struct slice *node_out);

/* Whether a person would look at the message: there are words, or what may be words. */
bool push_is_worth(const struct stanza *st);

/*
 * The beginning of its words, so many bytes at most and no half character. Empty for 0, and when
 * it is encrypted: then the words only say that there are others.
 */
struct slice push_words(const struct stanza *st, size_t most, struct arena *arena);

/* Whether this answer, an error, says nothing of the node, but of the way or of the moment. */
bool push_error_is_passing(const struct stanza *answer);

/* A notification's form (7). What is empty, or 0, is left out. */
struct push_summary {
	uint64_t message_count;
	struct slice last_sender, last_body;
};

/* Appends what is published at that node; options: XML of a form, or empty. */
void push_write(struct buffer *out, struct slice node, const struct push_summary *summary,
	struct slice options, struct arena *arena);

#endif
