/* Reading a stanza's start tag by a table of types, and writing it. */
#include "proto/stanza.h"

#include "xml/writer.h"

static const char *const kind_names[] = {
	[STANZA_MESSAGE] = "message",
	[STANZA_PRESENCE] = "presence",
	[STANZA_IQ] = "iq",
};

static const char *const type_names[] = {
	[TYPE_NORMAL] = "normal",
	[TYPE_CHAT] = "chat",
	[TYPE_GROUPCHAT] = "groupchat",
	[TYPE_HEADLINE] = "headline",
	[TYPE_AVAILABLE] = "",
	[TYPE_UNAVAILABLE] = "unavailable",
	[TYPE_PROBE] = "probe",
	[TYPE_SUBSCRIBE] = "subscribe",
	[TYPE_SUBSCRIBED] = "subscribed",
	[TYPE_UNSUBSCRIBE] = "unsubscribe",
	[TYPE_UNSUBSCRIBED] = "unsubscribed",
	[TYPE_GET] = "get",
	[TYPE_SET] = "set",
	[TYPE_RESULT] = "result",
	[TYPE_ERROR] = "error",
};

const char *
stanza_kind_name(enum stanza_kind kind)
{
	return kind_names[kind];
}

const char *
stanza_type_name(enum stanza_type type)
{
	return type_names[type];
}

struct type_range {
	enum stanza_type first, last;
};

static const struct type_range ranges[] = {
	[STANZA_MESSAGE] = { TYPE_NORMAL, TYPE_HEADLINE },
	[STANZA_PRESENCE] = { TYPE_UNAVAILABLE, TYPE_UNSUBSCRIBED },
	[STANZA_IQ] = { TYPE_GET, TYPE_RESULT },
};

bool
stanza_is(const struct xml_token *element)
{
	return element->ns == NS_ID_CLIENT && element->name >= NAME_MESSAGE &&
	       element->name <= NAME_IQ;
}

static int
parse_type(struct stanza *st, struct slice text)
{
	const struct type_range *range = &ranges[st->kind];

	if (text.p == NULL) {
		st->type = st->kind == STANZA_PRESENCE ? TYPE_AVAILABLE : TYPE_NORMAL;
		return st->kind == STANZA_IQ ? -1 : 0;
	}
	if (slice_is_text(text, "error")) {
		st->type = TYPE_ERROR;
		return 0;
	}
	for (enum stanza_type type = range->first; type <= range->last; type++) {
		if (slice_is_text(text, type_names[type])) {
			st->type = type;
			return 0;
		}
	}
	/* RFC 6121 5.2.2: a message of an unknown type is a normal one. */
	st->type = st->kind == STANZA_MESSAGE ? TYPE_NORMAL : TYPE_GET;
	return st->kind == STANZA_MESSAGE ? 0 : -1;
}

/* RFC 6120 8.2.3: an iq has an id; a request has exactly one child. */
static const char *
mistake_in_iq(const struct stanza *st)
{
	const struct xml_token *child = xml_first_child(st->root);

	if (st->id.len == 0)
		return "An iq has an id";
	if (st->type != TYPE_GET && st->type != TYPE_SET)
		return NULL;
	if (child == NULL)
		return "An iq request has a child element";
	if (xml_next_sibling(child) != NULL)
		return "An iq request has only one child element";
	return NULL;
}

/*
 * The bytes between the stanza's tags, in the default namespace that the stanza has itself (RFC
 * 6120, 4.8.3). Prefixes become declarations, so they may grow beyond what a server lets in.
 */
static int
read_content(struct stanza *st, struct arena *arena)
{
	struct buffer out;
	int r = 0;

	st->content = st->root->content;
	if (st->root->verbatim || st->content.len == 0)
		return 0;
	buffer_init(&out, xml_limits_server.stanza_bytes);
	xml_write_content(&out, st->root, st->root->uri);
	if (out.overflowed)
		r = -1;
	else
		st->content = arena_copy(arena, buffer_slice(&out));
	buffer_finish(&out);
	return r;
}

/* An address that cannot be read stays "not there". */
static int
read_jid(const struct xml_token *element, xml_name name, struct arena *arena, struct jid *out)
{
	struct slice text = xml_attribute(element, name);

	return text.p == NULL ? 0 : jid_parse(text, arena, out);
}

int
stanza_parse(const struct xml_token *element, struct arena *arena, struct stanza *st,
	enum stanza_condition *condition_out, const char **why_out)
{
	*st = (struct stanza){
		.kind = (enum stanza_kind)(element->name - NAME_MESSAGE),
		.id = xml_attribute(element, NAME_ID),
		.lang = xml_attribute_ns(element, NS_ID_XML, NAME_LANG),
		.root = element,
	};
	bool has_type = parse_type(st, xml_attribute(element, NAME_TYPE)) == 0;

	*condition_out = JID_MALFORMED;
	*why_out = "The 'to' or 'from' is no XMPP address";
	if (read_jid(element, NAME_FROM, arena, &st->from) < 0 ||
		read_jid(element, NAME_TO, arena, &st->to) < 0)
		return -1;
	*condition_out = BAD_REQUEST;
	*why_out = "The type is none that this stanza can have";
	if (!has_type)
		return -1;
	*why_out = st->kind == STANZA_IQ ? mistake_in_iq(st) : NULL;
	if (*why_out != NULL)
		return -1;
	*condition_out = POLICY_VIOLATION;
	*why_out = "The content is too long when its namespaces are written out";
	return read_content(st, arena);
}

static void
write_jid(struct buffer *out, const char *opening, const struct jid *jid)
{
	if (jid->full.p == NULL)
		return;
	(void)buffer_text(out, opening);
	xml_write_value(out, jid->full);
	(void)buffer_append(out, SLICE("'"));
}

static void
write_start(struct buffer *out, const struct stanza *st, const char *declaration)
{
	const char *type = st->type == TYPE_NORMAL ? "" : type_names[st->type];

	(void)buffer_append(out, SLICE("<"));
	(void)buffer_text(out, kind_names[st->kind]);
	(void)buffer_text(out, declaration);
	write_jid(out, " from='", &st->from);
	write_jid(out, " to='", &st->to);
	if (st->id.p != NULL)
		xml_write_attribute(out, "id", st->id);
	if (type[0] != '\0')
		xml_write_attribute(out, "type", slice_of(type));
	if (st->lang.p != NULL)
		xml_write_attribute(out, "xml:lang", st->lang);
}

static void
write_whole(struct buffer *out, const struct stanza *st, const char *declaration)
{
	write_start(out, st, declaration);
	if (st->content.len == 0) {
		(void)buffer_append(out, SLICE("/>"));
		return;
	}
	(void)buffer_append(out, SLICE(">"));
	(void)buffer_append(out, st->content);
	(void)buffer_append(out, SLICE("</"));
	(void)buffer_text(out, kind_names[st->kind]);
	(void)buffer_append(out, SLICE(">"));
}

void
stanza_write(struct buffer *out, const struct stanza *st)
{
	write_whole(out, st, "");
}

void
stanza_write_alone(struct buffer *out, const struct stanza *st)
{
	write_whole(out, st, " xmlns='jabber:client'");
}

int
stanza_thaw(const struct names *names, struct slice xml, struct xml_tokens *tokens,
	struct arena *arena, struct stanza *st_out)
{
	enum stanza_condition condition;
	const char *why;

	if (xml_read(names, &xml_limits_own, NS_ID_CLIENT, xml, tokens, arena, &why) < 0 ||
		!stanza_is(tokens->v))
		return -1;
	return stanza_parse(tokens->v, arena, st_out, &condition, &why);
}

const struct xml_token *
stanza_payload(const struct stanza *st)
{
	return st->root == NULL ? NULL : xml_first_child(st->root);
}

int8_t
stanza_priority(const struct stanza *st)
{
	const struct xml_token *child = st->root == NULL
						? NULL
						: xml_child(st->root, NS_ID_CLIENT, NAME_PRIORITY);
	struct slice text;
	uint64_t value = 0;
	bool negative;

	if (child == NULL || child[child->attributes + 1].kind != XML_TEXT)
		return 0;
	text = child[child->attributes + 1].value;
	negative = text.len > 0 && text.p[0] == '-';
	if (slice_to_uint(slice_from(text, negative || slice_starts(text, SLICE("+"))),
		    negative ? 128 : 127, &value) < 0)
		return 0;
	return (int8_t)(negative ? -(int)value : (int)value);
}

static struct slice
text_of_child(const struct stanza *st, xml_name name, struct arena *arena)
{
	const struct xml_token *child = st->root == NULL ? NULL
							 : xml_child(st->root, NS_ID_CLIENT, name);

	return child == NULL ? NO_SLICE : xml_text(child, arena);
}

struct slice
stanza_show(const struct stanza *st, struct arena *arena)
{
	return text_of_child(st, NAME_SHOW, arena);
}

struct slice
stanza_status(const struct stanza *st, struct arena *arena)
{
	return text_of_child(st, NAME_STATUS, arena);
}

bool
stanza_carries(const struct stanza *st, const char *name, const char *ns)
{
	const struct xml_token *child = stanza_payload(st);

	return child != NULL && slice_is_text(child->local, name) && slice_is_text(child->uri, ns);
}

const struct xml_token *
stanza_child_of(const struct stanza *st, xml_name ns)
{
	const struct xml_token *child = stanza_payload(st);

	while (child != NULL && child->ns != ns)
		child = xml_next_sibling(child);
	return child;
}

bool
stanza_has_body(const struct stanza *st)
{
	const struct xml_token *body = st->root == NULL
					       ? NULL
					       : xml_child(st->root, NS_ID_CLIENT, NAME_BODY);

	return body != NULL && body->content.len > 0;
}

/* The content without them. As it came, if it was taken over so. */
static void
write_wanted(struct buffer *out, const struct stanza *st,
	bool (*is_unwanted)(const struct xml_token *child, const void *arg), const void *arg)
{
	const struct xml_token *token = st->root + 1 + st->root->attributes;

	for (; token->kind != XML_END; token += token->span) {
		if (token->kind == XML_TEXT)
			xml_write_text(out, token->value);
		else if (is_unwanted(token, arg))
			continue;
		else if (st->root->verbatim)
			(void)buffer_append(out, xml_raw(token));
		else
			xml_write_element(out, token, st->root->uri);
	}
}

void
stanza_cut(struct stanza *st, struct arena *arena,
	bool (*is_unwanted)(const struct xml_token *child, const void *arg), const void *arg)
{
	const struct xml_token *child = st->root == NULL ? NULL : xml_first_child(st->root);
	struct buffer out;

	while (child != NULL && !is_unwanted(child, arg))
		child = xml_next_sibling(child);
	if (child == NULL)
		return;
	buffer_init(&out, st->content.len);
	write_wanted(&out, st, is_unwanted, arg);
	st->content = out.overflowed ? NO_SLICE : arena_copy(arena, buffer_slice(&out));
	buffer_finish(&out);
}
