/*
 * Forms from tables of declared fields, and back. Reading works on a copy of the struct, so that a
 * form with one wrong field changes nothing.
 */
#include "proto/forms.h"

#include <errno.h>

#define FORM_TYPE "FORM_TYPE" /* XEP-0068 */

static const struct field option_fields[] = {
	ATTR_TEXT(struct form_option, label, "label"),
	CHILD_TEXT(struct form_option, value, "value"),
	FIELDS_END(struct form_option),
};
static const struct field field_fields[] = {
	ATTR_TEXT(struct form_field, var, "var"),
	ATTR_TEXT(struct form_field, type, "type"),
	ATTR_TEXT(struct form_field, label, "label"),
	CHILD_TEXT(struct form_field, desc, "desc"),
	CHILD_FLAG(struct form_field, required, "required"),
	CHILD_TEXTS(struct form_field, values, "value"),
	CHILD_LIST(struct form_field, options, "option", option_fields),
	FIELDS_END(struct form_field),
};
static const struct field item_fields[] = {
	CHILD_LIST(struct form_item, fields, "field", field_fields),
	FIELDS_END(struct form_item),
};
const struct field form_fields[] = {
	ATTR_TEXT(struct form, type, "type"),
	CHILD_TEXT(struct form, title, "title"),
	CHILD_TEXTS(struct form, instructions, "instructions"),
	CHILD_LIST(struct form, fields, "field", field_fields),
	CHILD_LIST(struct form, reported, "reported", item_fields),
	CHILD_LIST(struct form, items, "item", item_fields),
	INNER_XML(struct form, more),
	FIELDS_END(struct form),
};
const struct payload form_payload = { "x", NS_FORMS, form_fields };

static const char *const type_names[] = {
	[FORM_BOOL] = "boolean",
	[FORM_TEXT] = "text-single",
	[FORM_PRIVATE] = "text-private",
	[FORM_LINES] = "text-multi",
	[FORM_UINT] = "text-single",
	[FORM_JID] = "jid-single",
	[FORM_JIDS] = "jid-multi",
	[FORM_CHOICE] = "list-single",
	[FORM_CHOICES] = "list-multi",
};

static size_t
entry_count(const struct form_spec *spec)
{
	size_t n = 0;

	while (spec->entries[n].kind != FORM_END)
		n++;
	return n;
}

size_t
form_size(const struct form_spec *spec)
{
	return spec->entries[entry_count(spec)].offset;
}

/* ---- Writing ---- */

static struct slice_list
one_value(struct arena *arena, struct slice value)
{
	struct slice_list list = { .v = arena_new(arena, struct slice) };

	list.v[0] = value;
	list.count = value.p != NULL;
	return list;
}

static struct slice_list
jid_values(struct arena *arena, const struct jid_list *jids)
{
	struct slice_list list = { .v = arena_array(arena, jids->count + 1, struct slice) };

	for (size_t i = 0; i < jids->count; i++)
		list.v[list.count++] = jids->v[i].full;
	return list;
}

/* The values on the wire of a member of the struct. */
static struct slice_list
values_of(const struct form_entry *entry, const void *at, struct arena *arena)
{
	switch (entry->kind) {
	case FORM_BOOL:
		return one_value(arena, *(const bool *)at ? SLICE("true") : SLICE("false"));
	case FORM_UINT:
		return one_value(arena, arena_printf(arena, "%u", *(const uint32_t *)at));
	case FORM_JID:
		return one_value(arena, ((const struct jid *)at)->full);
	case FORM_JIDS:
		return jid_values(arena, at);
	case FORM_LINES:
	case FORM_CHOICES:
		return *(const struct slice_list *)at;
	case FORM_PRIVATE:
		return (struct slice_list){ 0 };
	default:
		return one_value(arena, *(const struct slice *)at);
	}
}

static struct form_option_list
options_of(const struct form_entry *entry, struct arena *arena)
{
	struct form_option_list list = { 0 };
	size_t n = 0;

	while (entry->choices != NULL && entry->choices[n].value != NULL)
		n++;
	list.v = arena_array(arena, n + 1, struct form_option);
	for (; list.count < n; list.count++) {
		list.v[list.count].label = slice_of(entry->choices[list.count].label);
		list.v[list.count].value = slice_of(entry->choices[list.count].value);
	}
	return list;
}

static void
add_form_type(struct form *form, const char *form_type, struct arena *arena)
{
	if (form_type == NULL)
		return;
	form->fields.v[form->fields.count++] = (struct form_field){
		.var = SLICE(FORM_TYPE),
		.type = SLICE("hidden"),
		.values = one_value(arena, slice_of(form_type)),
	};
}

static struct form
form_make(const struct form_spec *spec, struct arena *arena, const char *type)
{
	struct form form = { .type = slice_of(type), .title = slice_of(spec->title) };

	form.fields.v = arena_array(arena, entry_count(spec) + 1, struct form_field);
	add_form_type(&form, spec->form_type, arena);
	return form;
}

static struct form_field
field_of(const struct form_entry *entry, const void *data, struct arena *arena)
{
	struct form_field field = {
		.var = slice_of(entry->var),
		.type = slice_of(type_names[entry->kind]),
		.label = slice_of(entry->label),
	};

	if (data != NULL)
		field.values = values_of(entry, (const char *)data + entry->offset, arena);
	return field;
}

struct form
form_ask(const struct form_spec *spec, const void *data, struct arena *arena)
{
	struct form form = form_make(spec, arena, "form");

	form.instructions = one_value(arena, slice_of(spec->instructions));
	for (const struct form_entry *e = spec->entries; e->kind != FORM_END; e++) {
		struct form_field field = field_of(e, data, arena);

		field.required = e->required;
		field.options = options_of(e, arena);
		form.fields.v[form.fields.count++] = field;
	}
	return form;
}

struct form
form_tell(const struct form_spec *spec, const void *data, struct arena *arena)
{
	struct form form = form_make(spec, arena, "result");

	for (const struct form_entry *e = spec->entries; e->kind != FORM_END; e++) {
		if (e->kind != FORM_PRIVATE)
			form.fields.v[form.fields.count++] = field_of(e, data, arena);
	}
	return form;
}

/* ---- Reading ---- */

struct reader {
	struct arena *arena;
	const struct form_entry *entry; /* that is being read */
	const char *why;
};

static int
refuse(struct reader *r, const char *what)
{
	r->why = arena_printf(r->arena, "The field %s (%s) %s", r->entry->var,
		r->entry->label == NULL ? "no label" : r->entry->label, what)
			 .p;
	return -EINVAL;
}

/* Each line of a text, and a text of one line, has its bounds. */
static int
check_text(struct reader *r, struct slice text, size_t most)
{
	if (text.len > most)
		return refuse(r, "is too long");
	if (slice_find(text, '\n') < text.len || slice_find(text, '\r') < text.len)
		return refuse(r, "has a line break within a line");
	return 0;
}

static int
read_text(struct reader *r, struct slice text, struct slice *out)
{
	if (check_text(r, text, r->entry->max) < 0)
		return -EINVAL;
	*out = text;
	return 0;
}

static int
read_bool(struct reader *r, struct slice text, bool *out)
{
	bool yes = slice_is_text(text, "true") || slice_is_text(text, "1");

	if (!yes && !slice_is_text(text, "false") && !slice_is_text(text, "0"))
		return refuse(r, "is neither true nor false");
	*out = yes;
	return 0;
}

static int
read_uint(struct reader *r, struct slice text, uint32_t *out)
{
	uint64_t number;

	if (slice_to_uint(text, UINT32_MAX, &number) < 0)
		return refuse(r, "is not a number");
	if (number < r->entry->min || number > r->entry->max)
		return refuse(r, arena_printf(r->arena, "is not between %llu and %llu",
					 (unsigned long long)r->entry->min,
					 (unsigned long long)r->entry->max)
					 .p);
	*out = (uint32_t)number;
	return 0;
}

static int
read_jid(struct reader *r, struct slice text, struct jid *out)
{
	return jid_parse(text, r->arena, out) < 0 ? refuse(r, "is not an XMPP address") : 0;
}

/* 3.3: an address that comes twice counts once. */
static int
read_jids(struct reader *r, const struct slice_list *values, struct jid_list *out)
{
	struct jid_list list = { .v = arena_array(r->arena, values->count, struct jid) };

	for (size_t i = 0; i < values->count; i++) {
		struct jid *jid = &list.v[list.count];
		size_t same = 0;

		if (read_jid(r, values->v[i], jid) < 0)
			return -EINVAL;
		while (same < list.count && !jid_is(&list.v[same], jid))
			same++;
		if (same == list.count)
			list.count++;
	}
	*out = list;
	return 0;
}

/* 3.3: nobody adds options of their own. */
static int
check_choice(struct reader *r, struct slice value)
{
	for (const struct form_choice *c = r->entry->choices; c->value != NULL; c++) {
		if (slice_is_text(value, c->value))
			return 0;
	}
	return refuse(r, "is none of the choices");
}

static int
read_choices(struct reader *r, const struct slice_list *values, struct slice_list *out)
{
	for (size_t i = 0; i < values->count; i++) {
		if (check_choice(r, values->v[i]) < 0)
			return -EINVAL;
		for (size_t j = 0; j < i; j++) {
			if (slice_is(values->v[i], values->v[j]))
				return refuse(r, "has one choice twice");
		}
	}
	*out = *values;
	return 0;
}

static int
read_lines(struct reader *r, const struct slice_list *values, struct slice_list *out)
{
	for (size_t i = 0; i < values->count; i++) {
		if (check_text(r, values->v[i], SIZE_MAX) < 0)
			return -EINVAL;
	}
	*out = *values;
	return 0;
}

static bool
takes_many(enum form_kind kind)
{
	return kind == FORM_LINES || kind == FORM_JIDS || kind == FORM_CHOICES;
}

static int
read_one(struct reader *r, struct slice value, void *at)
{
	switch (r->entry->kind) {
	case FORM_BOOL:
		return read_bool(r, value, at);
	case FORM_UINT:
		return read_uint(r, value, at);
	case FORM_JID:
		return read_jid(r, value, at);
	case FORM_CHOICE:
		*(struct slice *)at = value;
		return check_choice(r, value);
	default:
		return read_text(r, value, at);
	}
}

static int
read_many(struct reader *r, const struct slice_list *values, void *at)
{
	if (r->entry->max > 0 && values->count > r->entry->max)
		return refuse(r, "has too many values");
	switch (r->entry->kind) {
	case FORM_JIDS:
		return read_jids(r, values, at);
	case FORM_CHOICES:
		return read_choices(r, values, at);
	default:
		return read_lines(r, values, at);
	}
}

static size_t
member_size(enum form_kind kind)
{
	switch (kind) {
	case FORM_BOOL:
		return sizeof(bool);
	case FORM_UINT:
		return sizeof(uint32_t);
	case FORM_JID:
		return sizeof(struct jid);
	case FORM_JIDS:
		return sizeof(struct jid_list);
	case FORM_LINES:
	case FORM_CHOICES:
		return sizeof(struct slice_list);
	default:
		return sizeof(struct slice);
	}
}

/* No value, or one without text. */
static bool
is_empty(const struct slice_list *values)
{
	return values->count == 0 || (values->count == 1 && values->v[0].len == 0);
}

static int
read_field(struct reader *r, const struct form_field *field, void *at)
{
	if (is_empty(&field->values)) {
		if (r->entry->required)
			return refuse(r, "is required");
		memset(at, 0, member_size(r->entry->kind)); /* 3.5 */
		return 0;
	}
	if (takes_many(r->entry->kind))
		return read_many(r, &field->values, at);
	if (field->values.count > 1)
		return refuse(r, "has more than one value");
	return read_one(r, field->values.v[0], at);
}

/* The only field of that name: 3.2 has it identify the field. NULL: none. */
static int
find_field(struct reader *r, const struct form *form, const struct form_field **out)
{
	*out = NULL;
	for (size_t i = 0; i < form->fields.count; i++) {
		if (!slice_is_text(form->fields.v[i].var, r->entry->var))
			continue;
		if (*out != NULL)
			return refuse(r, "is there twice");
		*out = &form->fields.v[i];
	}
	return 0;
}

static int
read_entry(struct reader *r, const struct form *form, char *data)
{
	const struct form_field *field;

	if (find_field(r, form, &field) < 0)
		return -EINVAL;
	if (field != NULL)
		return read_field(r, field, data + r->entry->offset);
	return r->entry->required ? refuse(r, "is required") : 0;
}

/* XEP-0068: a form of another type is about something else. Many clients leave the type out. */
static bool
is_of_type(const struct form *form, const char *form_type)
{
	for (size_t i = 0; form_type != NULL && i < form->fields.count; i++) {
		const struct form_field *field = &form->fields.v[i];

		if (slice_is_text(field->var, FORM_TYPE) &&
			(field->values.count != 1 || !slice_is_text(field->values.v[0], form_type)))
			return false;
	}
	return true;
}

int
form_read(const struct form_spec *spec, const struct form *form, struct arena *arena, void *data,
	const char **why_out)
{
	struct reader r = { .arena = arena, .entry = spec->entries };
	size_t size = form_size(spec);
	char *copy = arena_alloc(arena, size);

	if (!slice_is_text(form->type, "submit")) {
		*why_out = "The form is not of type submit";
		return -EINVAL;
	}
	if (!is_of_type(form, spec->form_type)) {
		*why_out = "The form's FORM_TYPE is another one";
		return -EINVAL;
	}
	memcpy(copy, data, size);
	for (; r.entry->kind != FORM_END; r.entry++) {
		if (read_entry(&r, form, copy) < 0) {
			*why_out = r.why;
			return -EINVAL;
		}
	}
	memcpy(data, copy, size);
	return 0;
}
