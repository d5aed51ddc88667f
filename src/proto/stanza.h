/*
 * A stanza: its own start tag as values, and the rest as the bytes between its tags, which are
 * forwarded as they came wherever that is right. A stanza owns nothing: it is a view of scanned
 * bytes, or of what its maker put together.
 */
#ifndef PROTO_STANZA_H
#define PROTO_STANZA_H

#include "base/buffer.h"
#include "proto/errors.h"
#include "proto/jid.h"
#include "xml/scanner.h"

enum stanza_kind { STANZA_MESSAGE, STANZA_PRESENCE, STANZA_IQ };

/* The types of all three kinds; TYPE_NORMAL and TYPE_AVAILABLE are those without an attribute. */
enum stanza_type {
	TYPE_NORMAL,
	TYPE_CHAT,
	TYPE_GROUPCHAT,
	TYPE_HEADLINE,
	TYPE_AVAILABLE,
	TYPE_UNAVAILABLE,
	TYPE_PROBE,
	TYPE_SUBSCRIBE,
	TYPE_SUBSCRIBED,
	TYPE_UNSUBSCRIBE,
	TYPE_UNSUBSCRIBED,
	TYPE_GET,
	TYPE_SET,
	TYPE_RESULT,
	TYPE_ERROR,
};

struct receipt;

struct stanza {
	enum stanza_kind kind;
	enum stanza_type type;
	bool kept;     /* a module has stored it, so it is not lost although nobody took it */
	bool is_again; /* its sender may have sent it before the server was killed */
	bool insists;  /* a probe that is answered also when nobody is there */
	struct slice id, lang; /* p NULL: not there */
	struct jid from, to;   /* full.p NULL: not there */
	struct slice content;  /* XML for a stream whose default namespace is jabber:client */
	const struct xml_token *root; /* its tokens; NULL for a stanza of our own making */
	struct slice sent_id; /* by which its sender's own archive has it; p NULL: it has not */
	const struct stanza *copied; /* what this forwards to another device; NULL: it is no copy */
	/* When it was written to a session that went without it, and comes in again; 0: it is new.
	 */
	int64_t returned_ms;
	struct receipt *receipt; /* whoever keeps the stanza holds it, server/receipt.h; or NULL */
};

/* "message"; "chat", empty for available presence. */
const char *stanza_kind_name(enum stanza_kind kind);
const char *stanza_type_name(enum stanza_type type);

/* Whether the element is a message, presence or iq of jabber:client. */
bool stanza_is(const struct xml_token *element);

/*
 * Reads a scanned element for which stanza_is holds. 0; or -1 and what is wrong in *condition_out
 * and *why_out (a static sentence): the stanza then has kind, id, and as much of the rest as
 * could be read, so that it can be answered. Decoded texts live in the arena or in the tokens.
 */
int stanza_parse(const struct xml_token *element, struct arena *arena, struct stanza *st_out,
	enum stanza_condition *condition_out, const char **why_out);

/* Appends the stanza; its 'to' comes from the struct, so one stanza is written to many. */
void stanza_write(struct buffer *out, const struct stanza *st);

/* The same with its namespace, as it stands inside of another element. */
void stanza_write_alone(struct buffer *out, const struct stanza *st);

/* Reads what stanza_write wrote. 0, or -1 when these bytes are no stanza. */
int stanza_thaw(const struct names *names, struct slice xml, struct xml_tokens *tokens,
	struct arena *arena, struct stanza *st_out);

/* The only child element of an iq request; NULL when there is none. */
const struct xml_token *stanza_payload(const struct stanza *st);

/* RFC 6121 4.7.2.3: -128 to 127; 0 when there is none or it is no number. */
int8_t stanza_priority(const struct stanza *st);

/* RFC 6121 4.7.2.1: the text in the first <show/>; p NULL when there is none. */
struct slice stanza_show(const struct stanza *st, struct arena *arena);

/* RFC 6121 4.7.2.2: the text in the first <status/>; p NULL when there is none. */
struct slice stanza_status(const struct stanza *st, struct arena *arena);

/* Whether the stanza's first child is this element. */
bool stanza_carries(const struct stanza *st, const char *name, const char *ns);

/* The child of that namespace which comes first; NULL: there is none. */
const struct xml_token *stanza_child_of(const struct stanza *st, xml_name ns);

/* Whether the message has a body with some text. */
bool stanza_has_body(const struct stanza *st);

/*
 * Takes children out of the content for which is_unwanted holds; the tokens stay. The new content
 * is in the arena, and never longer than the old one.
 */
void stanza_cut(struct stanza *st, struct arena *arena,
	bool (*is_unwanted)(const struct xml_token *child, const void *arg), const void *arg);

/* A module says that the stanza is stored. */
static inline void
stanza_keep(struct stanza *st)
{
	st->kept = true;
}

#endif
