/* What leaves here is valid JSON whatever came from the server, or a user's client. */
#include "tools/kithctl/json.h"

#include "base/utf8.h"

static const char *
short_escape(char c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

/* One character, or one byte that is none; how many bytes it was. */
static size_t
put_character(struct buffer *out, const char *at, const char *end)
{
	uint32_t code = 0;
	int len = utf8_decode(at, end, &code);

	if (len <= 0) {
		(void)buffer_text(out, "\xef\xbf\xbd");
		return 1;
	}
	if (short_escape(*at) != NULL)
		(void)buffer_text(out, short_escape(*at));
	else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		(void)buffer_printf(out, "\\u%04x", code);
	else
		(void)buffer_append(out, slice_make(at, (size_t)len));
	return (size_t)len;
}

void
json_string(struct buffer *out, struct slice text)
{
	(void)buffer_text(out, "\"");
	for (size_t at = 0; at < text.len;)
		at += put_character(out, text.p + at, text.p + text.len);
	(void)buffer_text(out, "\"");
}

static bool
is_number(struct slice text)
{
	uint64_t number;

	if (slice_starts(text, SLICE("-")))
		text = slice_from(text, 1);
	if (text.len > 1 && text.p[0] == '0')
		return false;
	return slice_to_uint(text, UINT64_MAX, &number) == 0;
}

static void
put_value(struct buffer *out, const struct control_field *field)
{
	bool is_bare = (field->kind == CONTROL_NUMBER && is_number(field->value)) ||
		       (field->kind == CONTROL_FLAG &&
			       (slice_is_text(field->value, "true") ||
				       slice_is_text(field->value, "false")));

	if (field->kind == CONTROL_NULL)
		(void)buffer_text(out, "null");
	else if (is_bare)
		(void)buffer_append(out, field->value);
	else
		json_string(out, field->value);
}

/* The array that begins at the field; how many fields it has. */
static size_t
put_list(struct buffer *out, const struct record *record, size_t first)
{
	const struct control_field *fields = record->fields;
	size_t i = first;

	(void)buffer_text(out, "[");
	for (; i < record->count && fields[i].kind == CONTROL_ITEM &&
		slice_is(fields[i].name, fields[first].name);
		i++) {
		if (i > first)
			(void)buffer_text(out, ",");
		json_string(out, fields[i].value);
	}
	(void)buffer_text(out, "]");
	return i > first ? i - first : 1;
}

void
json_record(struct buffer *out, const struct record *record)
{
	(void)buffer_text(out, "{");
	for (size_t i = 0; i < record->count;) {
		const struct control_field *field = &record->fields[i];

		if (i > 0)
			(void)buffer_text(out, ",");
		json_string(out, field->name);
		(void)buffer_text(out, ":");
		if (field->kind == CONTROL_ITEM || field->kind == CONTROL_EMPTY) {
			i += put_list(out, record, i);
			continue;
		}
		put_value(out, field);
		i++;
	}
	(void)buffer_text(out, "}");
}

void
json_records(struct buffer *out, const struct answer *answer)
{
	(void)buffer_text(out, "[");
	for (size_t i = 0; i < answer->count; i++) {
		(void)buffer_text(out, i > 0 ? ",\n" : "\n");
		json_record(out, &answer->records[i]);
	}
	(void)buffer_text(out, answer->count > 0 ? "\n]" : "]");
}
