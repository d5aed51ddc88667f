/*
 * Negotiation as a table of steps: which element takes which step, in which role, and when it is
 * allowed. What is no step is a stanza, or a mistake.
 */
#include "proto/stream.h"

#include "proto/stanza.h"

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

/* XEP-0388, 2.3: the data is in a child, which may be empty. */
static void
take_authenticate(struct stream *stream, struct stream_event *event, struct arena *arena)
{
	const struct xml_token *initial = xml_child(
		event->element, NS_ID_SASL2, NAME_INITIAL_RESPONSE);

	event->mechanism = xml_attribute(event->element, NAME_MECHANISM);
	if (event->mechanism.p == NULL)
		event->mechanism = SLICE("");
	if (initial != NULL)
		event->data = text_of(initial, arena);
	if (initial != NULL && event->data.p == NULL)
		event->data = SLICE("="); /* as the older profile says it */
	event->is_sasl2 = true;
	stream->in_sasl = true;
}

static void
take_data2(struct stream *stream, struct stream_event *event, struct arena *arena)
{
	(void)stream;
	event->data = text_of(event->element, arena);
	event->is_sasl2 = true;
}

static void
take_task(struct stream *stream, struct stream_event *event, struct arena *arena)
{
	(void)stream;
	(void)arena;
	event->mechanism = xml_attribute(event->element, NAME_TASK);
	event->is_sasl2 = true;
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
	{ STREAM_SERVER, NS_ID_SASL2, NAME_AUTHENTICATE, FEATURE_SASL2, false, STREAM_AUTH,
		take_authenticate },
	{ STREAM_SERVER, NS_ID_SASL2, NAME_RESPONSE, FEATURE_SASL2, true, STREAM_AUTH_RESPONSE,
		take_data2 },
	{ STREAM_SERVER, NS_ID_SASL2, NAME_ABORT, FEATURE_SASL2, true, STREAM_AUTH_ABORT,
		take_data2 },
	{ STREAM_SERVER, NS_ID_SASL2, NAME_NEXT, FEATURE_SASL2, true, STREAM_TASK_BEGUN,
		take_task },
	{ STREAM_SERVER, NS_ID_SASL2, NAME_TASK_DATA, FEATURE_SASL2, true, STREAM_TASK_DATA,
		take_task },
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
	} else if (step != NULL && step->ns != NS_ID_TLS && !stream->authenticated) {
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
