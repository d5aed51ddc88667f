/*
 * Negotiation as a table of steps: which element takes which step, in which role, and when it is
 * allowed. What is no step is a stanza, or a mistake.
 */
#include "proto/stream.h"

#include "proto/stanza.h"
#include "xml/writer.h"

#define NS_STREAMS "http://etherx.jabber.org/streams"
#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define NS_BIND "urn:ietf:params:xml:ns:xmpp-bind"
#define NS_SESSION "urn:ietf:params:xml:ns:xmpp-session"
#define NS_SUB "urn:xmpp:features:pre-approval" /* RFC 6121, 3.4 */
#define NS_CB "urn:xmpp:sasl-cb:0"
#define NS_REGISTER "http://jabber.org/features/iq-register"
#define NS_LIMITS "urn:xmpp:stream-limits:0"

void
stream_init(struct stream *stream, enum stream_role role, const struct names *names,
	const struct xml_limits *limits)
{
	*stream = (struct stream){ .role = (uint8_t)role };
	scanner_init(&stream->scanner, names, limits);
}

void
stream_finish(struct stream *stream)
{
	scanner_finish(&stream->scanner);
}

void
stream_restart(struct stream *stream)
{
	scanner_restart(&stream->scanner);
	stream->opened = false;
	stream->features = 0;
	stream->in_sasl = false;
}

static void
fail(struct stream_event *event, enum stream_condition condition, const char *text)
{
	event->kind = STREAM_FAILED;
	event->condition = condition;
	event->text = text;
}

static struct slice
text_of(const struct xml_token *element, struct arena *arena)
{
	struct slice text = xml_text(element, arena);

	return text.len == 0 ? NO_SLICE : text;
}

static void
take_auth(struct stream *stream, struct stream_event *event, struct arena *arena)
{
	event->mechanism = xml_attribute(event->element, NAME_MECHANISM);
	event->data = text_of(event->element, arena);
	if (event->mechanism.p == NULL)
		event->mechanism = SLICE("");
	stream->in_sasl = true;
}

static void
take_data(struct stream *stream, struct stream_event *event, struct arena *arena)
{
	(void)stream;
	event->data = text_of(event->element, arena);
}

static void
take_success(struct stream *stream, struct stream_event *event, struct arena *arena)
{
	event->data = text_of(event->element, arena);
	stream->in_sasl = false;
}

static void
take_failure(struct stream *stream, struct stream_event *event, struct arena *arena)
{
	const struct xml_token *child = xml_first_child(event->element);

	stream->in_sasl = false;
	event->mechanism = SLICE("not-authorized");
	for (; child != NULL; child = xml_next_sibling(child)) {
		if (child->name == NAME_TEXT)
			event->data = text_of(child, arena);
		else
			event->mechanism = child->local;
	}
}

static unsigned
features_in(const struct xml_token *element)
{
	unsigned features = 0;

	if (xml_child(element, NS_ID_TLS, NAME_STARTTLS) != NULL)
		features |= FEATURE_TLS;
	if (xml_child(element, NS_ID_SASL, NAME_MECHANISMS) != NULL)
		features |= FEATURE_SASL;
	if (xml_child(element, NS_ID_BIND, NAME_BIND) != NULL)
		features |= FEATURE_BIND;
	return features;
}

static void
take_features(struct stream *stream, struct stream_event *event, struct arena *arena)
{
	(void)arena;
	event->features = features_in(event->element);
	stream->features = (uint8_t)event->features;
}

static void
take_nothing(struct stream *stream, struct stream_event *event, struct arena *arena)
{
	(void)stream;
	(void)event;
	(void)arena;
}

struct step {
	enum stream_role role;
	xml_name ns, name;
	unsigned offered; /* the feature that must be offered; 0: none */
	bool in_sasl;     /* only while SASL is under way */
	enum stream_event_kind kind;
	void (*take)(struct stream *stream, struct stream_event *event, struct arena *arena);
};

static const struct step steps[] = {
	{ STREAM_SERVER, NS_ID_TLS, NAME_STARTTLS, FEATURE_TLS, false, STREAM_WANTS_TLS,
		take_nothing },
	{ STREAM_SERVER, NS_ID_SASL, NAME_AUTH, FEATURE_SASL, false, STREAM_AUTH, take_auth },
	{ STREAM_SERVER, NS_ID_SASL, NAME_RESPONSE, FEATURE_SASL, true, STREAM_AUTH_RESPONSE,
		take_data },
	{ STREAM_SERVER, NS_ID_SASL, NAME_ABORT, FEATURE_SASL, true, STREAM_AUTH_ABORT,
		take_nothing },
	{ STREAM_CLIENT, NS_ID_STREAMS, NAME_FEATURES, 0, false, STREAM_FEATURES, take_features },
	{ STREAM_CLIENT, NS_ID_TLS, NAME_PROCEED, 0, false, STREAM_PROCEED, take_nothing },
	{ STREAM_CLIENT, NS_ID_SASL, NAME_CHALLENGE, 0, true, STREAM_AUTH_RESPONSE, take_data },
	{ STREAM_CLIENT, NS_ID_SASL, NAME_SUCCESS, 0, true, STREAM_AUTH_SUCCESS, take_success },
	{ STREAM_CLIENT, NS_ID_SASL, NAME_FAILURE, 0, true, STREAM_AUTH_FAILURE, take_failure },
};

static const struct step *
find_step(const struct stream *stream, const struct xml_token *element)
{
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		const struct step *step = &steps[i];

		if (step->role == stream->role && step->name == element->name &&
			step->ns == element->ns)
			return step;
	}
	return NULL;
}

static bool
is_allowed(const struct stream *stream, const struct step *step)
{
	if (step->offered != 0 && (stream->features & step->offered) == 0)
		return false;
	return step->in_sasl == stream->in_sasl;
}

/* RFC 6120 7.6.1: an iq of type set with <bind/>. The one request that may come before binding. */
static bool
take_bind(struct stream *stream, struct stream_event *event, struct arena *arena)
{
	const struct xml_token *iq = event->element, *bind, *resource;

	if (iq->name != NAME_IQ || (stream->features & FEATURE_BIND) == 0)
		return false;
	bind = xml_child(iq, NS_ID_BIND, NAME_BIND);
	if (bind == NULL || !slice_is_text(xml_attribute(iq, NAME_TYPE), "set") ||
		xml_attribute(iq, NAME_ID).len == 0)
		return false;
	event->kind = STREAM_WANTS_BIND;
	event->id = xml_attribute(iq, NAME_ID);
	resource = xml_child(bind, NS_ID_BIND, NAME_RESOURCE);
	event->data = resource == NULL ? NO_SLICE : text_of(resource, arena);
	return true;
}

/* XEP-0077 3.1.1: who is not signed in may ask how to get an account, where that is offered. */
static bool
take_request(struct stream *stream, struct stream_event *event)
{
	if (stream->authenticated || (stream->features & FEATURE_REGISTER) == 0 ||
		stream->in_sasl || event->element->name != NAME_IQ)
		return false;
	event->kind = STREAM_EARLY_IQ;
	return true;
}

static bool
take_bound(struct stream *stream, struct stream_event *event, struct arena *arena)
{
	const struct xml_token *iq = event->element, *bind, *jid;

	bind = iq->name == NAME_IQ ? xml_child(iq, NS_ID_BIND, NAME_BIND) : NULL;
	jid = bind == NULL ? NULL : xml_child(bind, NS_ID_BIND, NAME_JID);
	if (jid == NULL)
		return false;
	event->kind = STREAM_BOUND;
	event->data = text_of(jid, arena);
	stream->bound = true;
	return true;
}

/* A stanza before there is a resource. */
static void
take_early_stanza(struct stream *stream, struct stream_event *event, struct arena *arena)
{
	bool taken = stream->role == STREAM_SERVER
			     ? take_bind(stream, event, arena) || take_request(stream, event)
			     : take_bound(stream, event, arena);

	if (taken)
		return;
	if (stream->role == STREAM_CLIENT)
		event->kind = STREAM_OTHER;
	else
		/* RFC 6120 4.9.3.12 and 7.1: nothing is sent before authentication and binding. */
		fail(event, STREAM_NOT_AUTHORIZED,
			stream->authenticated ? "Bind a resource first" : NULL);
}

static void
take_element(struct stream *stream, struct stream_event *event, struct arena *arena)
{
	const struct step *step = find_step(stream, event->element);

	if (stanza_is(event->element)) {
		event->kind = STREAM_STANZA;
		if (!stream->bound)
			take_early_stanza(stream, event, arena);
	} else if (event->element->ns == NS_ID_STREAMS && event->element->name == NAME_ERROR) {
		event->kind = STREAM_ERROR_RECEIVED;
	} else if (step != NULL && is_allowed(stream, step)) {
		event->kind = step->kind;
		step->take(stream, event, arena);
	} else if (stream->role == STREAM_CLIENT) {
		event->kind = STREAM_OTHER;
	} else if (step != NULL && step->ns == NS_ID_SASL && !stream->authenticated) {
		/* The owner answers what is not offered with a SASL failure. */
		event->kind = step->kind;
		step->take(stream, event, arena);
		stream->in_sasl = false;
	} else if (event->element->ns == NS_ID_SM) {
		event->kind = STREAM_MANAGEMENT;
	} else if (!stream->authenticated) {
		fail(event, STREAM_NOT_AUTHORIZED, NULL);
	} else {
		fail(event, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
	}
}

/* RFC 6120 4.7.5 and 4.8: version 1.0 or higher, content in jabber:client. */
static void
take_header(struct stream *stream, struct stream_event *event)
{
	struct slice version = xml_attribute(event->element, NAME_VERSION);

	event->to = xml_attribute(event->element, NAME_TO);
	event->from = xml_attribute(event->element, NAME_FROM);
	event->id = xml_attribute(event->element, NAME_ID);
	event->lang = xml_attribute_ns(event->element, NS_ID_XML, NAME_LANG);
	event->kind = STREAM_OPENED;
	stream->opened = true;
	if (stream->scanner.content_ns != NS_ID_CLIENT)
		fail(event, STREAM_INVALID_NAMESPACE,
			"The content namespace of this stream is jabber:client");
	else if (version.p == NULL || version.len < 3 || version.p[0] < '1' || version.p[0] > '9')
		fail(event, STREAM_UNSUPPORTED_VERSION, NULL);
}

enum stream_condition
stream_condition_of(enum xml_error error)
{
	static const enum stream_condition conditions[] = {
		[XML_NO_ERROR] = STREAM_UNDEFINED_CONDITION,
		[XML_NOT_WELL_FORMED] = STREAM_NOT_WELL_FORMED,
		[XML_RESTRICTED] = STREAM_RESTRICTED_XML,
		[XML_UNSUPPORTED_ENCODING] = STREAM_UNSUPPORTED_ENCODING,
		[XML_UNSUPPORTED_VERSION] = STREAM_UNSUPPORTED_VERSION,
		[XML_BAD_NAMESPACE_PREFIX] = STREAM_BAD_NAMESPACE_PREFIX,
		[XML_INVALID_NAMESPACE] = STREAM_INVALID_NAMESPACE,
		[XML_BAD_FORMAT] = STREAM_BAD_FORMAT,
		[XML_LIMIT] = STREAM_POLICY_VIOLATION,
	};

	return conditions[error];
}

void
stream_next(struct stream *stream, struct slice input, struct xml_tokens *tokens,
	struct arena *arena, size_t *used_out, struct stream_event *event)
{
	*event = (struct stream_event){ .kind = STREAM_NEED_MORE };
	switch (scanner_next(&stream->scanner, input, tokens, arena, used_out)) {
	case XML_NEED_MORE:
		break;
	case XML_HEADER:
		event->element = tokens->v;
		take_header(stream, event);
		break;
	case XML_STANZA:
		event->element = tokens->v;
		take_element(stream, event, arena);
		break;
	case XML_CLOSE:
		event->kind = STREAM_CLOSED;
		break;
	default:
		fail(event, stream_condition_of((enum xml_error)stream->scanner.error),
			stream->scanner.why);
	}
}

static void
write_if(struct buffer *out, const char *name, struct slice value)
{
	if (value.p != NULL)
		xml_write_attribute(out, name, value);
}

void
stream_write_header(
	struct buffer *out, struct slice id, struct slice from, struct slice to, struct slice lang)
{
	(void)buffer_text(out, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
			       "xmlns:stream='" NS_STREAMS "'");
	write_if(out, "id", id);
	write_if(out, "from", from);
	write_if(out, "to", to);
	write_if(out, "xml:lang", lang);
	(void)buffer_text(out, " version='1.0'>");
}

/* For each sign-in, so not by printf, which takes ten times as long. */
static void
put(struct buffer *out, const char *const *texts)
{
	for (; *texts != NULL; texts++)
		(void)buffer_text(out, *texts);
}

static void
write_mechanisms(struct buffer *out, const char *const *mechanisms, const char *const *bindings)
{
	(void)buffer_text(out, "<mechanisms xmlns='" NS_SASL "'>");
	for (; *mechanisms != NULL; mechanisms++)
		put(out, (const char *const[]){ "<mechanism>", *mechanisms, "</mechanism>", NULL });
	(void)buffer_text(out, "</mechanisms>");
	if (bindings == NULL || *bindings == NULL)
		return;
	(void)buffer_text(out, "<sasl-channel-binding xmlns='" NS_CB "'>");
	for (; *bindings != NULL; bindings++)
		put(out,
			(const char *const[]){ "<channel-binding type='", *bindings, "'/>", NULL });
	(void)buffer_text(out, "</sasl-channel-binding>");
}

void
stream_write_features(struct stream *stream, struct buffer *out, const struct stream_offer *offer)
{
	unsigned features = offer->features;

	stream->features = (uint8_t)features;
	(void)buffer_text(out, "<stream:features>");
	if ((features & FEATURE_TLS) != 0)
		(void)buffer_printf(out, "<starttls xmlns='" NS_TLS "'>%s</starttls>",
			(features & FEATURE_TLS_REQUIRED) != 0 ? "<required/>" : "");
	if ((features & FEATURE_SASL) != 0)
		write_mechanisms(out, offer->mechanisms, offer->bindings);
	if ((features & FEATURE_BIND) != 0)
		(void)buffer_text(out, "<bind xmlns='" NS_BIND "'/><session xmlns='" NS_SESSION
				       "'><optional/></session><sub xmlns='" NS_SUB "'/>");
	if ((features & FEATURE_REGISTER) != 0)
		(void)buffer_text(out, "<register xmlns='" NS_REGISTER "'/>");
	/* XEP-0478: what this stream takes, and when it is asked for a sign of life. */
	(void)buffer_printf(out, "<limits xmlns='" NS_LIMITS "'><max-bytes>%llu</max-bytes>",
		(unsigned long long)offer->stanza_bytes);
	if (offer->idle_s > 0)
		(void)buffer_printf(out, "<idle-seconds>%u</idle-seconds>", offer->idle_s);
	(void)buffer_text(out, "</limits>");
	(void)buffer_append(out, offer->more);
	(void)buffer_text(out, "</stream:features>");
}

void
stream_write_proceed(struct buffer *out)
{
	(void)buffer_text(out, "<proceed xmlns='" NS_TLS "'/>");
}

static void
write_sasl(struct buffer *out, const char *name, struct slice data)
{
	put(out, (const char *const[]){ "<", name, " xmlns='" NS_SASL "'", NULL });
	if (data.p == NULL) {
		(void)buffer_text(out, "/>");
		return;
	}
	(void)buffer_text(out, ">");
	(void)buffer_append(out, data);
	put(out, (const char *const[]){ "</", name, ">", NULL });
}

void
stream_write_challenge(struct buffer *out, struct slice data)
{
	write_sasl(out, "challenge", data);
}

void
stream_write_success(struct buffer *out, struct slice data)
{
	write_sasl(out, "success", data);
}

void
stream_write_failure(struct buffer *out, const char *condition, const char *text)
{
	(void)buffer_printf(out, "<failure xmlns='" NS_SASL "'><%s/>", condition);
	if (text != NULL) {
		(void)buffer_text(out, "<text xml:lang='en'>");
		xml_write_text(out, slice_of(text));
		(void)buffer_text(out, "</text>");
	}
	(void)buffer_text(out, "</failure>");
}

void
stream_write_bound(struct buffer *out, struct slice id, const struct jid *jid)
{
	(void)buffer_text(out, "<iq type='result'");
	xml_write_attribute(out, "id", id);
	(void)buffer_text(out, "><bind xmlns='" NS_BIND "'><jid>");
	xml_write_text(out, jid->full);
	(void)buffer_text(out, "</jid></bind></iq>");
}

void
stream_write_starttls(struct buffer *out)
{
	(void)buffer_text(out, "<starttls xmlns='" NS_TLS "'/>");
}

void
stream_write_auth(
	struct stream *stream, struct buffer *out, const char *mechanism, struct slice data)
{
	stream->in_sasl = true;
	(void)buffer_printf(out, "<auth xmlns='" NS_SASL "' mechanism='%s'>", mechanism);
	if (data.p != NULL)
		(void)buffer_append(out, data);
	(void)buffer_text(out, "</auth>");
}

void
stream_write_response(struct buffer *out, struct slice data)
{
	write_sasl(out, "response", data);
}

void
stream_write_bind(struct stream *stream, struct buffer *out, struct slice resource)
{
	(void)stream;
	(void)buffer_text(out, "<iq type='set' id='bind'><bind xmlns='" NS_BIND "'>");
	if (resource.p != NULL) {
		(void)buffer_text(out, "<resource>");
		xml_write_text(out, resource);
		(void)buffer_text(out, "</resource>");
	}
	(void)buffer_text(out, "</bind></iq>");
}

void
stream_write_close(struct buffer *out)
{
	(void)buffer_text(out, "</stream:stream>");
}
