/*
 * A stream before it carries stanzas: headers, features, STARTTLS, SASL and resource binding
 * (RFC 6120, 4 to 7), for both roles, without any I/O. Bytes go in, events come out; what must
 * be sent is appended to a buffer by the stream_write functions. The owner decides; the machine
 * only knows what may come when.
 */
#ifndef PROTO_STREAM_H
#define PROTO_STREAM_H

#include "proto/errors.h"
#include "proto/jid.h"
#include "xml/scanner.h"

enum stream_role { STREAM_SERVER, STREAM_CLIENT };

/* What a stream can offer next, or is asked to do next, as bits. */
enum stream_feature {
	FEATURE_TLS = 1,
	FEATURE_TLS_REQUIRED = 2,
	FEATURE_SASL = 4,
	FEATURE_BIND = 8,
	FEATURE_SASL2 = 32,    /* XEP-0388 */
	FEATURE_REGISTER = 16, /* XEP-0077, 6: requests may come before authentication */
};

enum stream_event_kind {
	STREAM_NEED_MORE,
	STREAM_OPENED,    /* a header came: to, from, lang */
	STREAM_WANTS_TLS, /* server: <starttls/> */
	STREAM_AUTH,      /* server: mechanism, data (the element's text, base64; p NULL: empty);
			     is_sasl2: element, with what else is asked for */
	STREAM_AUTH_RESPONSE,  /* server: data; client: a <challenge/> */
	STREAM_AUTH_ABORT,     /* server */
	STREAM_TASK_BEGUN,     /* server: mechanism (the task), element (XEP-0388, 2.6.3) */
	STREAM_TASK_DATA,      /* server: element */
	STREAM_EARLY_IQ,       /* server: element, a request before authentication */
	STREAM_MANAGEMENT,     /* server: element of XEP-0198, before binding */
	STREAM_WANTS_BIND,     /* server: id, data (the resource asked for, p NULL: none) */
	STREAM_FEATURES,       /* client: features, element */
	STREAM_PROCEED,        /* client: <proceed/> */
	STREAM_AUTH_SUCCESS,   /* client: data */
	STREAM_AUTH_FAILURE,   /* client: mechanism (the condition), data (the text) */
	STREAM_BOUND,          /* client: data (the address) */
	STREAM_STANZA,         /* a stanza after binding */
	STREAM_OTHER,          /* client: an element that is none of these (before binding) */
	STREAM_CLOSED,         /* the other side closed the stream */
	STREAM_ERROR_RECEIVED, /* element: <stream:error/> */
	STREAM_FAILED,         /* condition, text: answer with it and close */
};

struct stream_event {
	enum stream_event_kind kind;
	enum stream_condition condition;
	const char *text;                                 /* NULL: the condition's own */
	struct slice to, from, lang, id, mechanism, data; /* p NULL: not there */
	unsigned features;
	bool is_sasl2; /* of XEP-0388, not of RFC 6120 */
	const struct xml_token *element;
};

struct stream {
	struct scanner scanner;
	uint8_t role;
	uint8_t features; /* server: offered now; client: told by the server */
	bool opened, authenticated, bound, in_sasl;
};

/* names and limits must outlive the stream. Allocates nothing. */
void stream_init(struct stream *stream, enum stream_role role, const struct names *names,
	const struct xml_limits *limits);
void stream_finish(struct stream *stream);

/* After TLS or SASL: a new header comes, and everything before it is forgotten. */
void stream_restart(struct stream *stream);

/*
 * The next event in the input. *used_out bytes are done with; they must stay until the event is
 * not needed any more.
 */
void stream_next(struct stream *stream, struct slice input, struct xml_tokens *tokens,
	struct arena *arena, size_t *used_out, struct stream_event *event_out);

/* The stream error for what the scanner found. */
enum stream_condition stream_condition_of(enum xml_error error);

/* The header: XML declaration and start tag. id, from, to, lang may be p NULL. */
void stream_write_header(
	struct buffer *out, struct slice id, struct slice from, struct slice to, struct slice lang);

/* What a server offers at some point of a stream. */
struct stream_offer {
	unsigned features;             /* bits of enum stream_feature */
	const char *const *mechanisms; /* names, NULL at the end */
	const char *const
		*bindings;     /* channel-binding types (XEP-0440), or NULL; NULL at the end */
	uint64_t stanza_bytes; /* the limit that is told (XEP-0478) */
	unsigned idle_s;       /* after which silence it asks; 0 is not told */
	struct slice inlined;  /* what goes with a sign-in by XEP-0388 */
	struct slice tasks;    /* and what may come before its end */
	struct slice more;     /* further elements, each with its namespace */
};

/* Server: what is offered now. */
void stream_write_features(
	struct stream *stream, struct buffer *out, const struct stream_offer *offer);

/* Server's answers. data is base64 as it goes on the wire; p NULL: none. */
void stream_write_proceed(struct buffer *out);
void stream_write_challenge(struct buffer *out, bool is_sasl2, struct slice data);
void stream_write_success(struct buffer *out, struct slice data);
void stream_write_failure(
	struct buffer *out, bool is_sasl2, const char *condition, const char *text);
/* XEP-0388, 2.6.1: between these stands what was asked for beside the sign-in. */
void stream_begin_success2(struct buffer *out, struct slice data, const struct jid *jid);
void stream_end_success2(struct buffer *out);
/* XEP-0388, 2.6.3: the mechanism has done its part, and this task is to come. */
void stream_write_continue(struct buffer *out, struct slice data, const char *task);
void stream_write_bound(struct buffer *out, struct slice id, const struct jid *jid);

/* Client's requests. data is base64, p NULL: no initial response. */
void stream_write_starttls(struct buffer *out);
void stream_write_auth(
	struct stream *stream, struct buffer *out, const char *mechanism, struct slice data);
void stream_write_response(struct buffer *out, struct slice data);
void stream_write_bind(struct stream *stream, struct buffer *out, struct slice resource);

void stream_write_close(struct buffer *out);

#endif
