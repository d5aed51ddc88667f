/* One encoder for all payloads: it walks the const tables and writes what is there. */
#include "proto/codec_internal.h"

#include "xml/writer.h"

#include <stdio.h>

/* It recurses over const tables of ours, never as deep as a peer wants. */
/* NOLINTBEGIN(misc-no-recursion) */

static void encode_element(struct buffer *out, const char *name, const char *ns,
	const struct field *fields, const char *data);

static void
encode_attribute(struct buffer *out, const struct field *f, const void *at)
{
	struct slice text = NO_SLICE;
	char number[16];

	switch (f->kind) {
	case FIELD_ATTR_TEXT:
	case FIELD_ATTR_LANG:
		text = *(const struct slice *)at;
		break;
	case FIELD_ATTR_JID:
		text = ((const struct jid *)at)->full;
		break;
	case FIELD_ATTR_UINT:
		(void)snprintf(number, sizeof(number), "%u", *(const uint32_t *)at);
		if (*(const uint32_t *)at != 0)
			text = slice_of(number);
		break;
	case FIELD_ATTR_BOOL:
		if (*(const bool *)at)
			text = SLICE("true");
		break;
	default:
		return;
	}
	if (text.p != NULL)
		xml_write_attribute(out, f->name, text);
}

/* Without the '>'. */
static void
write_open(struct buffer *out, const char *name)
{
	(void)buffer_append(out, SLICE("<"));
	(void)buffer_text(out, name);
}

static void
write_close(struct buffer *out, const char *name)
{
	(void)buffer_append(out, SLICE("</"));
	(void)buffer_text(out, name);
	(void)buffer_append(out, SLICE(">"));
}

static void
encode_text_child(struct buffer *out, const struct field *f, struct slice text)
{
	if (text.p == NULL)
		return;
	write_open(out, f->name);
	if (f->ns != NULL)
		xml_write_attribute(out, "xmlns", slice_of(f->ns));
	(void)buffer_text(out, ">");
	xml_write_text(out, text);
	write_close(out, f->name);
}

static void
encode_texts(struct buffer *out, const struct field *f, const struct slice_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		encode_text_child(out, f, list->v[i]);
}

static void
encode_jids(struct buffer *out, const struct field *f, const struct jid_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		write_open(out, f->name);
		if (f->ns != NULL)
			xml_write_attribute(out, "xmlns", slice_of(f->ns));
		xml_write_attribute(out, f->attribute, list->v[i].full);
		(void)buffer_text(out, "/>");
	}
}

static void
encode_list(struct buffer *out, const struct field *f, const struct any_list *list)
{
	size_t size = 0;

	for (const struct field *sub = f->sub; size == 0; sub++)
		size = sub->kind == FIELD_END ? sub->offset : 0;
	for (size_t i = 0; i < list->count; i++)
		encode_element(out, f->name, f->ns, f->sub, list->v + i * size);
}

static void
encode_children(struct buffer *out, const struct foreign_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		(void)buffer_append(out, list->v[i].xml);
}

static void
encode_child(struct buffer *out, const struct field *f, const void *at)
{
	switch (f->kind) {
	case FIELD_TEXT:
		xml_write_text(out, *(const struct slice *)at);
		break;
	case FIELD_XML:
		(void)buffer_append(out, *(const struct slice *)at);
		break;
	case FIELD_CHILD_TEXT:
		encode_text_child(out, f, *(const struct slice *)at);
		break;
	case FIELD_CHILD_TEXTS:
		encode_texts(out, f, at);
		break;
	case FIELD_CHILD_FLAG:
		if (*(const bool *)at)
			encode_element(out, f->name, f->ns, NULL, NULL);
		break;
	case FIELD_CHILD_JIDS:
		encode_jids(out, f, at);
		break;
	case FIELD_CHILD_LIST:
		encode_list(out, f, at);
		break;
	case FIELD_CHILDREN:
		encode_children(out, at);
		break;
	default:
		break;
	}
}

static void
encode_element(struct buffer *out, const char *name, const char *ns, const struct field *fields,
	const char *data)
{
	size_t open;

	write_open(out, name);
	if (ns != NULL)
		xml_write_attribute(out, "xmlns", slice_of(ns));
	for (const struct field *f = fields; f != NULL && data != NULL && f->kind != FIELD_END; f++)
		encode_attribute(out, f, data + f->offset);
	(void)buffer_text(out, ">");
	open = out->len;
	for (const struct field *f = fields; f != NULL && data != NULL && f->kind != FIELD_END; f++)
		encode_child(out, f, data + f->offset);
	if (out->len == open && !out->overflowed) {
		out->len--;
		(void)buffer_text(out, "/>");
		return;
	}
	write_close(out, name);
}

void
codec_encode(struct buffer *out, const struct payload *payload, const void *data)
{
	encode_element(out, payload->name, payload->ns, payload->fields, data);
}
/* NOLINTEND(misc-no-recursion) */
