/* Tables; a notification is the payload of an item that is published (XEP-0060, 7.1). */
#include "proto/push.h"

#define NS_PUBSUB "http://jabber.org/protocol/pubsub"
#define OPTIONS_TYPE "http://jabber.org/protocol/pubsub#publish-options"
#define SUMMARY_TYPE "urn:xmpp:push:summary"

static const struct field service_fields[] = {
	ATTR_JID(struct push_service, jid, "jid"),
	ATTR_TEXT(struct push_service, node, "node"),
	CHILD_FORMS(struct push_service, options),
	INNER_XML(struct push_service, xml),
	FIELDS_END(struct push_service),
};
const struct payload push_enable_payload = { "enable", NS_PUSH, service_fields };
const struct payload push_disable_payload = { "disable", NS_PUSH, service_fields };
const struct payload push_export_payload = { "push", "urn:x-kith:account", service_fields };

struct note_list {
	struct note {
		struct form_list summary;
	} * v;
	size_t count;
};
struct item_list {
	struct item {
		struct note_list notes;
	} * v;
	size_t count;
};
struct publish_list {
	struct publish {
		struct slice node;
		struct item_list items;
	} * v;
	size_t count;
};
struct options_list {
	struct options {
		struct slice xml;
	} * v;
	size_t count;
};
struct pubsub {
	struct publish_list publish;
	struct options_list options;
};

static const struct field note_fields[] = {
	CHILD_FORMS(struct note, summary),
	FIELDS_END(struct note),
};
static const struct field item_fields[] = {
	{ .kind = FIELD_CHILD_LIST,
		.offset = FIELD_OFFSET(struct item, notes, struct note_list),
		.name = "notification",
		.ns = NS_PUSH,
		.sub = note_fields,
		.sub_size = sizeof(struct note) },
	FIELDS_END(struct item),
};
static const struct field publish_fields[] = {
	ATTR_TEXT(struct publish, node, "node"),
	CHILD_LIST(struct publish, items, "item", item_fields),
	FIELDS_END(struct publish),
};
static const struct field options_fields[] = {
	INNER_XML(struct options, xml),
	FIELDS_END(struct options),
};
static const struct field pubsub_fields[] = {
	CHILD_LIST(struct pubsub, publish, "publish", publish_fields),
	CHILD_LIST(struct pubsub, options, "publish-options", options_fields),
	FIELDS_END(struct pubsub),
};
static const struct payload pubsub_payload = { "pubsub", NS_PUBSUB, pubsub_fields };

static void
add(struct form_field_list *fields, const char *var, struct slice *value)
{
	if (value->len == 0)
		return;
	fields->v[fields->count++] = (struct form_field){
		.var = slice_of(var),
		.values = { value, 1 },
	};
}

static struct form
summary_form(const struct push_summary *summary, struct arena *arena)
{
	struct slice *values = arena_array(arena, 4, struct slice);
	struct form form = { .type = SLICE("submit") };

	form.fields.v = arena_array(arena, 4, struct form_field);
	values[0] = SLICE(SUMMARY_TYPE);
	values[1] = summary->message_count == 0
			    ? NO_SLICE
			    : arena_printf(
				      arena, "%llu", (unsigned long long)summary->message_count);
	values[2] = summary->last_sender;
	values[3] = summary->last_body;
	add(&form.fields, "FORM_TYPE", &values[0]);
	add(&form.fields, "message-count", &values[1]);
	add(&form.fields, "last-message-sender", &values[2]);
	add(&form.fields, "last-message-body", &values[3]);
	return form;
}

void
push_write(struct buffer *out, struct slice node, const struct push_summary *summary,
	struct slice options, struct arena *arena)
{
	struct form form = summary_form(summary, arena);
	struct note note = { .summary = { &form, 1 } };
	struct item item = { .notes = { &note, 1 } };
	struct publish publish = { .node = node, .items = { &item, 1 } };
	struct options given = { options };
	struct pubsub pubsub = {
		.publish = { &publish, 1 },
		.options = { &given, options.len > 0 },
	};

	codec_encode(out, &pubsub_payload, &pubsub);
}

/* ---- What is kept ---- */

/* Which no address has. */
#define BETWEEN '\n'

struct slice
push_key(const struct jid *jid, struct slice node, struct arena *arena)
{
	return node.p == NULL ? jid->full
			      : arena_printf(arena, "%.*s%c%.*s", SLICE_ARG(jid->full), BETWEEN,
					SLICE_ARG(node));
}

bool
push_key_read(struct slice key, struct arena *arena, struct jid *jid_out, struct slice *node_out)
{
	size_t end = slice_find(key, BETWEEN);

	*node_out = end < key.len ? slice_from(key, end + 1) : NO_SLICE;
	return jid_parse(slice_make(key.p, end), arena, jid_out) == 0;
}

/* False: it is too long. */
static bool
write_options(const struct form_list *options, struct arena *arena, struct slice *xml_out)
{
	struct buffer xml;
	bool fits;

	*xml_out = NO_SLICE;
	if (options->count == 0)
		return true;
	buffer_init(&xml, PUSH_OPTIONS_MOST);
	codec_encode(&xml, &form_payload, &options->v[0]);
	fits = !xml.overflowed;
	*xml_out = arena_copy(arena, buffer_slice(&xml));
	buffer_finish(&xml);
	return fits;
}

static const char *
options_mistake(const struct form_list *options)
{
	const struct form_field_list *fields;

	if (options->count == 0)
		return NULL;
	fields = &options->v[0].fields;
	for (size_t i = 0; i < fields->count; i++) {
		if (slice_is_text(fields->v[i].var, "FORM_TYPE"))
			return fields->v[i].values.count == 1 &&
					       slice_is_text(fields->v[i].values.v[0], OPTIONS_TYPE)
				       ? NULL
				       : "The FORM_TYPE of this form is not that of "
					 "publish-options";
	}
	return "The form has no FORM_TYPE";
}

const char *
push_mistake(const struct push_service *service, struct arena *arena, struct slice *options_out)
{
	if (service->jid.full.p == NULL)
		return "There is no address of a push service";
	if (!write_options(&service->options, arena, options_out) ||
		service->node.len > PUSH_NODE_MOST)
		return "The node or the options are too long";
	return options_mistake(&service->options);
}

/* ---- What is told ---- */

static bool
is_encrypted(const struct stanza *st)
{
	static const xml_name kinds[] = { NS_ID_EME, NS_ID_OMEMO_OLD, NS_ID_OMEMO, NS_ID_OPENPGP };

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (stanza_child_of(st, kinds[i]) != NULL)
			return true;
	}
	return false;
}

/* A person would look: there are words, or what may be words. */
bool
push_is_worth(const struct stanza *st)
{
	if (st->root == NULL || st->type == TYPE_HEADLINE)
		return false;
	return stanza_has_body(st) || is_encrypted(st);
}

/* The beginning of the text that has so many bytes at most, and no half character. */
static struct slice
cut(struct slice text, size_t most)
{
	size_t len = most;

	if (text.len <= most)
		return text;
	while (len > 0 && ((unsigned char)text.p[len] & 0xc0) == 0x80)
		len--;
	return slice_make(text.p, len);
}

struct slice
push_words(const struct stanza *st, size_t most, struct arena *arena)
{
	const struct xml_token *body = xml_child(st->root, NS_ID_CLIENT, NAME_BODY);

	if (most == 0 || body == NULL || is_encrypted(st))
		return NO_SLICE;
	return cut(xml_text(body, arena), most);
}

/* 6: errors that say nothing of the node, but of the way or of the moment. */
bool
push_error_is_passing(const struct stanza *answer)
{
	static const char *const passing[] = { "internal-server-error", "remote-server-not-found",
		"remote-server-timeout" };
	const struct xml_token *error = answer->root == NULL
						? NULL
						: xml_child(answer->root, NS_ID_CLIENT, NAME_ERROR);
	const struct xml_token *child = error == NULL ? NULL : xml_first_child(error);

	if (error == NULL)
		return false;
	if (slice_is_text(xml_attribute(error, NAME_TYPE), "wait"))
		return true;
	for (; child != NULL; child = xml_next_sibling(child)) {
		for (size_t i = 0; i < COUNT_OF(passing); i++) {
			if (child->ns == NS_ID_STANZAS && slice_is_text(child->local, passing[i]))
				return true;
		}
	}
	return false;
}
