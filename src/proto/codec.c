/*
 * One decoder for all payloads. Compiling a table gives each attribute and child its number, so
 * decoding compares integers. The encoder is codec_encode.c.
 */
#include "proto/codec_internal.h"

#include "xml/writer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { FOREIGN_BYTES = 1024 * 1024 }; /* of one element that is kept as it is */

/* It recurses over const tables of ours, never as deep as a peer wants. */
/* NOLINTBEGIN(misc-no-recursion) */

struct compiled_field {
	const struct field *field;
	xml_name name, ns;  /* of the attribute or the child */
	xml_name attribute; /* of FIELD_CHILD_JIDS */
	const struct compiled_fields *sub;
};

struct compiled_fields {
	struct compiled_field *v;
	size_t count, struct_size;
	const struct field *source;
	struct compiled_fields *next; /* all of a codec, to be freed */
};

struct codec_type {
	const struct payload *payload;
	xml_name name, ns;
	const struct compiled_fields *fields; /* NULL: none */
	struct codec_type *next;
};

struct codec {
	struct names *names;
	struct codec_type *types;
	struct compiled_fields *tables;
};

struct codec *
codec_create(struct names *names)
{
	struct codec *codec = xcalloc(1, sizeof(*codec));

	codec->names = names;
	return codec;
}

void
codec_destroy(struct codec **codec_ptr)
{
	struct codec *codec = *codec_ptr;

	*codec_ptr = NULL;
	while (codec != NULL && codec->types != NULL) {
		struct codec_type *next = codec->types->next;

		free(codec->types);
		codec->types = next;
	}
	while (codec != NULL && codec->tables != NULL) {
		struct compiled_fields *next = codec->tables->next;

		free(codec->tables->v);
		free(codec->tables);
		codec->tables = next;
	}
	free(codec);
}

static xml_name
number_of(struct codec *codec, const char *text)
{
	return text == NULL ? 0 : names_add(codec->names, slice_of(text));
}

static const struct compiled_fields *
compile(struct codec *codec, const struct field *fields, const char *ns)
{
	struct compiled_fields *table = xcalloc(1, sizeof(*table));
	size_t n = 0;

	while (fields[n].kind != FIELD_END)
		n++;
	table->v = xcalloc(n, sizeof(*table->v));
	table->count = n;
	table->struct_size = fields[n].offset;
	table->source = fields;
	table->next = codec->tables;
	codec->tables = table;
	for (size_t i = 0; i < n; i++) {
		const char *child_ns = fields[i].ns == NULL ? ns : fields[i].ns;

		table->v[i].field = &fields[i];
		table->v[i].name = number_of(codec, fields[i].name);
		table->v[i].ns = number_of(codec, child_ns);
		table->v[i].attribute = number_of(codec, fields[i].attribute);
		if (fields[i].sub != NULL)
			table->v[i].sub = compile(codec, fields[i].sub, child_ns);
		assert(fields[i].sub == NULL || table->v[i].sub->struct_size == fields[i].sub_size);
	}
	return table;
}

const struct codec_type *
codec_add(struct codec *codec, const struct payload *payload)
{
	struct codec_type *type;

	for (type = codec->types; type != NULL; type = type->next) {
		if (type->payload == payload)
			return type;
	}
	type = xcalloc(1, sizeof(*type));
	type->payload = payload;
	type->name = number_of(codec, payload->name);
	type->ns = number_of(codec, payload->ns);
	if (payload->fields != NULL)
		type->fields = compile(codec, payload->fields, payload->ns);
	type->next = codec->types;
	codec->types = type;
	return type;
}

const struct payload *
codec_payload(const struct codec_type *type)
{
	return type->payload;
}

bool
codec_matches(const struct codec_type *type, const struct xml_token *element)
{
	return element != NULL && element->name == type->name && element->ns == type->ns;
}

struct decoder {
	struct arena *arena;
	const char *why;
};

static int decode_fields(struct decoder *d, const struct compiled_fields *table,
	const struct xml_token *element, char *data);

/* The next child from token c on that the field means; NULL at the end. */
static const struct xml_token *
next_match(const struct compiled_field *f, const struct xml_token *c)
{
	while (c != NULL && (c->name != f->name || c->ns != f->ns))
		c = xml_next_sibling(c);
	return c;
}

static size_t
count_matches(const struct compiled_field *f, const struct xml_token *element)
{
	const struct xml_token *c = next_match(f, xml_first_child(element));
	size_t n = 0;

	for (; c != NULL; c = next_match(f, xml_next_sibling(c)))
		n++;
	return n;
}

static int
decode_jid(struct decoder *d, struct slice text, struct jid *out)
{
	if (text.p == NULL)
		return 0;
	if (jid_parse(text, d->arena, out) < 0) {
		d->why = "An address in the request is no XMPP address";
		return -EINVAL;
	}
	return 0;
}

static int
decode_bool(struct decoder *d, struct slice text, bool *out)
{
	bool yes = slice_is_text(text, "true") || slice_is_text(text, "1");
	bool no = slice_is_text(text, "false") || slice_is_text(text, "0");

	*out = yes;
	d->why = "A yes-or-no attribute is neither true, false, 1 nor 0";
	return text.p == NULL || yes || no ? 0 : -EINVAL;
}

static int
decode_uint(struct decoder *d, struct slice text, uint32_t *out)
{
	uint64_t number = 0;

	d->why = "A number in the request is no number";
	if (text.p != NULL && slice_to_uint(text, UINT32_MAX, &number) < 0)
		return -EINVAL;
	*out = (uint32_t)number;
	return 0;
}

static void
decode_texts(struct decoder *d, const struct compiled_field *f, const struct xml_token *element,
	struct slice_list *out)
{
	const struct xml_token *c = next_match(f, xml_first_child(element));

	out->v = arena_array(d->arena, count_matches(f, element) + 1, struct slice);
	for (; c != NULL; c = next_match(f, xml_next_sibling(c)))
		out->v[out->count++] = xml_text(c, d->arena);
}

static int
decode_jids(struct decoder *d, const struct compiled_field *f, const struct xml_token *element,
	struct jid_list *out)
{
	const struct xml_token *c = next_match(f, xml_first_child(element));

	out->v = arena_array(d->arena, count_matches(f, element) + 1, struct jid);
	for (; c != NULL; c = next_match(f, xml_next_sibling(c))) {
		struct slice text = xml_attribute(c, f->attribute);

		if (text.p == NULL) {
			d->why = "An item has no address";
			return -EINVAL;
		}
		if (decode_jid(d, text, &out->v[out->count++]) < 0)
			return -EINVAL;
	}
	return 0;
}

static int
decode_list(struct decoder *d, const struct compiled_field *f, const struct xml_token *element,
	struct any_list *out)
{
	const struct xml_token *c = next_match(f, xml_first_child(element));
	size_t size = f->sub->struct_size;

	out->v = arena_alloc(d->arena, size_mul(count_matches(f, element) + 1, size));
	for (; c != NULL; c = next_match(f, xml_next_sibling(c))) {
		if (decode_fields(d, f->sub, c, out->v + out->count * size) < 0)
			return -EINVAL;
		out->count++;
	}
	return 0;
}

static int
decode_children(struct decoder *d, const struct xml_token *element, struct foreign_list *out)
{
	const struct xml_token *c = xml_first_child(element);
	size_t count = 0;
	struct buffer xml;
	bool fits = true;

	for (; c != NULL; c = xml_next_sibling(c))
		count++;
	out->v = arena_array(d->arena, count + 1, struct foreign);
	buffer_init(&xml, FOREIGN_BYTES);
	for (c = xml_first_child(element); c != NULL && fits; c = xml_next_sibling(c)) {
		buffer_clear(&xml);
		xml_write_element(&xml, c, element->uri);
		fits = !xml.overflowed;
		out->v[out->count++] = (struct foreign){
			c->local,
			c->uri,
			arena_copy(d->arena, buffer_slice(&xml)),
		};
	}
	buffer_finish(&xml);
	d->why = "The content is too long when its namespaces are written out";
	return fits ? 0 : -EINVAL;
}

static int
decode_field(struct decoder *d, const struct compiled_field *f, const struct xml_token *element,
	void *at)
{
	const struct xml_token *child;

	switch (f->field->kind) {
	case FIELD_ATTR_TEXT:
		*(struct slice *)at = xml_attribute(element, f->name);
		return 0;
	case FIELD_ATTR_JID:
		return decode_jid(d, xml_attribute(element, f->name), at);
	case FIELD_ATTR_UINT:
		return decode_uint(d, xml_attribute(element, f->name), at);
	case FIELD_ATTR_BOOL:
		return decode_bool(d, xml_attribute(element, f->name), at);
	case FIELD_ATTR_LANG:
		*(struct slice *)at = xml_attribute_ns(element, NS_ID_XML, NAME_LANG);
		return 0;
	case FIELD_TEXT:
		*(struct slice *)at = xml_text(element, d->arena);
		return 0;
	case FIELD_CHILD_TEXT:
		child = next_match(f, xml_first_child(element));
		*(struct slice *)at = child == NULL ? NO_SLICE : xml_text(child, d->arena);
		return 0;
	case FIELD_CHILD_TEXTS:
		decode_texts(d, f, element, at);
		return 0;
	case FIELD_CHILD_FLAG:
		*(bool *)at = next_match(f, xml_first_child(element)) != NULL;
		return 0;
	case FIELD_CHILD_JIDS:
		return decode_jids(d, f, element, at);
	case FIELD_CHILD_LIST:
		return decode_list(d, f, element, at);
	case FIELD_CHILDREN:
		return decode_children(d, element, at);
	default:
		return 0;
	}
}

static int
decode_fields(struct decoder *d, const struct compiled_fields *table,
	const struct xml_token *element, char *data)
{
	for (size_t i = 0; i < table->count; i++) {
		int r = decode_field(d, &table->v[i], element, data + table->v[i].field->offset);

		if (r < 0)
			return r;
	}
	return 0;
}

int
codec_decode(const struct codec_type *type, const struct xml_token *element, struct arena *arena,
	void **data_out, const char **why_out)
{
	struct decoder d = { .arena = arena };
	void *data;
	int r;

	if (type->fields == NULL) {
		*data_out = NULL;
		return 0;
	}
	data = arena_alloc(arena, type->fields->struct_size);
	r = decode_fields(&d, type->fields, element, data);
	if (r < 0)
		*why_out = d.why;
	else
		*data_out = data;
	return r;
}
/* NOLINTEND(misc-no-recursion) */
