/*
 * The error conditions of XMPP: of stanzas (RFC 6120, 8.3.3) and of streams (RFC 6120, 4.9.3).
 * One table each says what goes on the wire, which type a stanza error has, and what a person
 * reads when the code that answers has nothing better to say.
 */
#ifndef PROTO_ERRORS_H
#define PROTO_ERRORS_H

#include "base/buffer.h"

#define NS_STANZA_ERRORS "urn:ietf:params:xml:ns:xmpp-stanzas"
#define NS_STREAM_ERRORS "urn:ietf:params:xml:ns:xmpp-streams"

enum stanza_condition {
	BAD_REQUEST,
	CONFLICT,
	FEATURE_NOT_IMPLEMENTED,
	FORBIDDEN,
	GONE,
	INTERNAL_SERVER_ERROR,
	ITEM_NOT_FOUND,
	JID_MALFORMED,
	NOT_ACCEPTABLE,
	NOT_ALLOWED,
	NOT_AUTHORIZED,
	POLICY_VIOLATION,
	RECIPIENT_UNAVAILABLE,
	REDIRECT,
	REGISTRATION_REQUIRED,
	REMOTE_SERVER_NOT_FOUND,
	REMOTE_SERVER_TIMEOUT,
	RESOURCE_CONSTRAINT,
	SERVICE_UNAVAILABLE,
	SUBSCRIPTION_REQUIRED,
	UNDEFINED_CONDITION,
	UNEXPECTED_REQUEST,
	STANZA_CONDITIONS
};

enum stream_condition {
	STREAM_BAD_FORMAT,
	STREAM_BAD_NAMESPACE_PREFIX,
	STREAM_CONFLICT,
	STREAM_CONNECTION_TIMEOUT,
	STREAM_HOST_GONE,
	STREAM_HOST_UNKNOWN,
	STREAM_IMPROPER_ADDRESSING,
	STREAM_INTERNAL_SERVER_ERROR,
	STREAM_INVALID_FROM,
	STREAM_INVALID_NAMESPACE,
	STREAM_INVALID_XML,
	STREAM_NOT_AUTHORIZED,
	STREAM_NOT_WELL_FORMED,
	STREAM_POLICY_VIOLATION,
	STREAM_REMOTE_CONNECTION_FAILED,
	STREAM_RESET,
	STREAM_RESOURCE_CONSTRAINT,
	STREAM_RESTRICTED_XML,
	STREAM_SEE_OTHER_HOST,
	STREAM_SYSTEM_SHUTDOWN,
	STREAM_UNDEFINED_CONDITION,
	STREAM_UNSUPPORTED_ENCODING,
	STREAM_UNSUPPORTED_FEATURE,
	STREAM_UNSUPPORTED_STANZA_TYPE,
	STREAM_UNSUPPORTED_VERSION,
	STREAM_CONDITIONS
};

/* The element's name on the wire, as "bad-request". Static text. */
const char *stanza_condition_name(enum stanza_condition condition);
const char *stream_condition_name(enum stream_condition condition);

/* "auth", "cancel", "continue", "modify" or "wait": the type RFC 6120 gives the condition. */
const char *stanza_condition_type(enum stanza_condition condition);

/*
 * Appends <error/> with the condition, an English text (NULL: the table's own) and, when
 * app_name is not NULL, an application-specific element <app_name xmlns=app_ns/>.
 */
void stanza_error_write(struct buffer *out, enum stanza_condition condition, const char *text,
	const char *app_name, const char *app_ns);

/* The same without an element of an application, and with the code that XEP-0086 gives. */
void stanza_error_write_coded(
	struct buffer *out, enum stanza_condition condition, const char *text);

/*
 * Appends <stream:error/> with an English text (NULL: the table's own). content: what the
 * condition's element holds (an address for see-other-host), or NULL.
 */
void stream_error_write(
	struct buffer *out, enum stream_condition condition, const char *text, const char *content);

/* The same with an element that says more behind the text (4.9.4); empty for none. */
void stream_error_write_with(
	struct buffer *out, enum stream_condition condition, const char *text, struct slice detail);

#endif
