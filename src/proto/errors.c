/* Stanza and stream errors as two tables and the two writers that read them. */
#include "proto/errors.h"

#include "xml/writer.h"

struct condition {
	const char *name, *type, *text;
};

static const struct condition stanza_conditions[STANZA_CONDITIONS] = {
	[BAD_REQUEST] = { "bad-request", "modify", "The request is malformed" },
	[CONFLICT] = { "conflict", "cancel", "Something with this name or address exists already" },
	[FEATURE_NOT_IMPLEMENTED] = { "feature-not-implemented", "cancel",
		"This server does not have that feature" },
	[FORBIDDEN] = { "forbidden", "auth", "You do not have the right to do this" },
	[GONE] = { "gone", "cancel", "This address is not in use any more" },
	[INTERNAL_SERVER_ERROR] = { "internal-server-error", "cancel",
		"The server failed to do this; its log says why" },
	[ITEM_NOT_FOUND] = { "item-not-found", "cancel", "There is no such thing here" },
	[JID_MALFORMED] = { "jid-malformed", "modify", "This is not an XMPP address" },
	[NOT_ACCEPTABLE] = { "not-acceptable", "modify", "The server does not accept this" },
	[NOT_ALLOWED] = { "not-allowed", "cancel", "Nobody is allowed to do this" },
	[NOT_AUTHORIZED] = { "not-authorized", "auth", "Sign in with the right account first" },
	[POLICY_VIOLATION] = { "policy-violation", "modify",
		"This is against the server's policy" },
	[RECIPIENT_UNAVAILABLE] = { "recipient-unavailable", "wait",
		"The recipient is not available now" },
	[REDIRECT] = { "redirect", "modify", "Try another address" },
	[REGISTRATION_REQUIRED] = { "registration-required", "auth", "Register first" },
	[REMOTE_SERVER_NOT_FOUND] = { "remote-server-not-found", "cancel",
		"The server of that address cannot be found" },
	[REMOTE_SERVER_TIMEOUT] = { "remote-server-timeout", "wait",
		"The server of that address does not answer" },
	[RESOURCE_CONSTRAINT] = { "resource-constraint", "wait",
		"The server lacks the means to do this now" },
	[SERVICE_UNAVAILABLE] = { "service-unavailable", "cancel",
		"Nobody at that address answers this" },
	[SUBSCRIPTION_REQUIRED] = { "subscription-required", "auth",
		"Subscribe to the recipient first" },
	[UNDEFINED_CONDITION] = { "undefined-condition", "cancel", "Something went wrong" },
	[UNEXPECTED_REQUEST] = { "unexpected-request", "wait", "This is not the moment for that" },
};

static const struct condition stream_conditions[STREAM_CONDITIONS] = {
	[STREAM_BAD_FORMAT] = { "bad-format", NULL, "That XML cannot be processed" },
	[STREAM_BAD_NAMESPACE_PREFIX] = { "bad-namespace-prefix", NULL,
		"A namespace prefix is missing or wrong" },
	[STREAM_CONFLICT] = { "conflict", NULL, "A newer session took this resource" },
	[STREAM_CONNECTION_TIMEOUT] = { "connection-timeout", NULL,
		"Nothing was heard from you in time" },
	[STREAM_HOST_GONE] = { "host-gone", NULL, "This domain is not served here any more" },
	[STREAM_HOST_UNKNOWN] = { "host-unknown", NULL, "This domain is not served here" },
	[STREAM_IMPROPER_ADDRESSING] = { "improper-addressing", NULL,
		"A 'to' or 'from' is missing or no address" },
	[STREAM_INTERNAL_SERVER_ERROR] = { "internal-server-error", NULL,
		"The server failed; its log says why" },
	[STREAM_INVALID_FROM] = { "invalid-from", NULL, "That 'from' is not yours" },
	[STREAM_INVALID_NAMESPACE] = { "invalid-namespace", NULL,
		"The stream or content namespace is wrong" },
	[STREAM_INVALID_XML] = { "invalid-xml", NULL, "That XML is not valid here" },
	[STREAM_NOT_AUTHORIZED] = { "not-authorized", NULL, "Sign in first" },
	[STREAM_NOT_WELL_FORMED] = { "not-well-formed", NULL, "That is not well-formed XML" },
	[STREAM_POLICY_VIOLATION] = { "policy-violation", NULL,
		"That is more than this server's limits allow" },
	[STREAM_REMOTE_CONNECTION_FAILED] = { "remote-connection-failed", NULL,
		"A server behind this one cannot be reached" },
	[STREAM_RESET] = { "reset", NULL, "Connect again; something about this stream changed" },
	[STREAM_RESOURCE_CONSTRAINT] = { "resource-constraint", NULL,
		"The server lacks the means to go on" },
	[STREAM_RESTRICTED_XML] = { "restricted-xml", NULL,
		"Comments, processing instructions and DTDs are not allowed in XMPP" },
	[STREAM_SEE_OTHER_HOST] = { "see-other-host", NULL, "Connect to the other host" },
	[STREAM_SYSTEM_SHUTDOWN] = { "system-shutdown", NULL, "The server is stopping" },
	[STREAM_UNDEFINED_CONDITION] = { "undefined-condition", NULL, "Something went wrong" },
	[STREAM_UNSUPPORTED_ENCODING] = { "unsupported-encoding", NULL, "XMPP is UTF-8 only" },
	[STREAM_UNSUPPORTED_FEATURE] = { "unsupported-feature", NULL,
		"None of the features offered is supported" },
	[STREAM_UNSUPPORTED_STANZA_TYPE] = { "unsupported-stanza-type", NULL,
		"Only message, presence and iq are stanzas" },
	[STREAM_UNSUPPORTED_VERSION] = { "unsupported-version", NULL,
		"This server speaks XMPP 1.0" },
};

const char *
stanza_condition_name(enum stanza_condition condition)
{
	return stanza_conditions[condition].name;
}

const char *
stanza_condition_type(enum stanza_condition condition)
{
	return stanza_conditions[condition].type;
}

const char *
stream_condition_name(enum stream_condition condition)
{
	return stream_conditions[condition].name;
}

static void
write_text(struct buffer *out, const char *ns, const char *text)
{
	(void)buffer_text(out, "<text xmlns='");
	(void)buffer_text(out, ns);
	(void)buffer_text(out, "' xml:lang='en'>");
	xml_write_text(out, slice_of(text));
	(void)buffer_text(out, "</text>");
}

/* XEP-0086: what the conditions were before they had names; policy-violation is newer. */
static const uint16_t codes[STANZA_CONDITIONS] = {
	[BAD_REQUEST] = 400,
	[CONFLICT] = 409,
	[FEATURE_NOT_IMPLEMENTED] = 501,
	[FORBIDDEN] = 403,
	[GONE] = 302,
	[INTERNAL_SERVER_ERROR] = 500,
	[ITEM_NOT_FOUND] = 404,
	[JID_MALFORMED] = 400,
	[NOT_ACCEPTABLE] = 406,
	[NOT_ALLOWED] = 405,
	[NOT_AUTHORIZED] = 401,
	[POLICY_VIOLATION] = 405,
	[RECIPIENT_UNAVAILABLE] = 404,
	[REDIRECT] = 302,
	[REGISTRATION_REQUIRED] = 407,
	[REMOTE_SERVER_NOT_FOUND] = 404,
	[REMOTE_SERVER_TIMEOUT] = 504,
	[RESOURCE_CONSTRAINT] = 500,
	[SERVICE_UNAVAILABLE] = 503,
	[SUBSCRIPTION_REQUIRED] = 407,
	[UNDEFINED_CONDITION] = 500,
	[UNEXPECTED_REQUEST] = 400,
};

static void
write_condition(struct buffer *out, const struct condition *c, const char *text)
{
	(void)buffer_printf(out, " type='%s'><%s xmlns='" NS_STANZA_ERRORS "'/>", c->type, c->name);
	write_text(out, NS_STANZA_ERRORS, text == NULL ? c->text : text);
}

void
stanza_error_write(struct buffer *out, enum stanza_condition condition, const char *text,
	const char *app_name, const char *app_ns)
{
	(void)buffer_text(out, "<error");
	write_condition(out, &stanza_conditions[condition], text);
	if (app_name != NULL)
		(void)buffer_printf(out, "<%s xmlns='%s'/>", app_name, app_ns);
	(void)buffer_text(out, "</error>");
}

void
stanza_error_write_coded(struct buffer *out, enum stanza_condition condition, const char *text)
{
	(void)buffer_printf(out, "<error code='%u'", codes[condition]);
	write_condition(out, &stanza_conditions[condition], text);
	(void)buffer_text(out, "</error>");
}

void
stream_error_write(
	struct buffer *out, enum stream_condition condition, const char *text, const char *content)
{
	const struct condition *c = &stream_conditions[condition];

	(void)buffer_printf(out, "<stream:error><%s xmlns='" NS_STREAM_ERRORS "'", c->name);
	if (content != NULL) {
		(void)buffer_text(out, ">");
		xml_write_text(out, slice_of(content));
		(void)buffer_printf(out, "</%s>", c->name);
	} else {
		(void)buffer_text(out, "/>");
	}
	write_text(out, NS_STREAM_ERRORS, text == NULL ? c->text : text);
	(void)buffer_text(out, "</stream:error>");
}

void
stream_error_write_with(
	struct buffer *out, enum stream_condition condition, const char *text, struct slice detail)
{
	const struct condition *c = &stream_conditions[condition];

	(void)buffer_printf(out, "<stream:error><%s xmlns='" NS_STREAM_ERRORS "'/>", c->name);
	write_text(out, NS_STREAM_ERRORS, text == NULL ? c->text : text);
	(void)buffer_append(out, detail);
	(void)buffer_text(out, "</stream:error>");
}
