/*
 * A table is made of cells, which are texts with a width in characters. The fields of a list are
 * one cell. All records have the fields of the first.
 */
#include "tools/kithctl/print.h"

#include "tools/kithctl/json.h"
#include "xml/chars.h"

#include <stdlib.h>

enum { CELL_MOST = 72, OUT_LIMIT = 256 * 1024 * 1024, VALUE_LIMIT = 1024 * 1024 };

struct cell {
	struct slice text;
	size_t width;
	bool is_number;
};

struct table {
	struct arena arena;
	struct cell *cells; /* rows * columns, the titles first */
	size_t columns, rows;
};

void
print_size(struct buffer *out, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double size = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		(void)buffer_printf(out, "%llu B", (unsigned long long)bytes);
		return;
	}
	for (; size >= 1024 && unit + 1 < COUNT_OF(units); unit++)
		size /= 1024;
	(void)buffer_printf(out, "%.1f %s", size, units[unit]);
}

void
print_text(struct buffer *out, struct slice text)
{
	const char *end = text.p + text.len;

	for (const char *at = text.p; at < end;) {
		uint32_t code = 0;
		int len = utf8_decode(at, end, &code);

		if (len <= 0)
			(void)buffer_text(out, "\xef\xbf\xbd");
		else if (code == '\n')
			(void)buffer_text(out, "\\n");
		else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
			(void)buffer_printf(out, "\\x%02x", code);
		else
			(void)buffer_append(out, slice_make(at, (size_t)len));
		at += len <= 0 ? 1 : len;
	}
}

static size_t
count_characters(struct slice text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	return count;
}

/* What is behind so many characters is left out. */
static struct slice
shorten(struct slice text, size_t most, struct arena *arena)
{
	size_t at = 0;

	if (count_characters(text) <= most)
		return text;
	for (size_t seen = 0; at < text.len; at++) {
		if (((unsigned char)text.p[at] & 0xc0) != 0x80 && seen++ == most - 1)
			break;
	}
	return arena_printf(arena, "%.*s\xe2\x80\xa6", (int)at, text.p);
}

static bool
is_size(struct slice name)
{
	return name.len >= 5 && memcmp(name.p + name.len - 5, "bytes", 5) == 0;
}

/* "queue_bytes" is the title "queue", "last_login" is "last login". */
static struct slice
title_of(struct slice name, struct arena *arena)
{
	size_t len = is_size(name) && name.len > 6 ? name.len - 6 : name.len;
	char *title = arena_alloc(arena, len + 1);

	for (size_t i = 0; i < len; i++)
		title[i] = name.p[i] == '_' ? ' ' : name.p[i];
	return slice_make(title, len);
}

static void
put_value(struct buffer *out, const struct control_field *field)
{
	uint64_t bytes;

	if (field->kind == CONTROL_FLAG)
		(void)buffer_text(out, slice_is_text(field->value, "true") ? "yes" : "no");
	else if (field->kind == CONTROL_NULL || field->kind == CONTROL_EMPTY)
		(void)buffer_text(out, "-");
	else if (field->kind == CONTROL_NUMBER && is_size(field->name) &&
		 slice_to_uint(field->value, UINT64_MAX, &bytes) == 0)
		print_size(out, bytes);
	else
		print_text(out, field->value);
}

/* The fields that are one cell, the first of them at the index; how many they are. */
static size_t
read_cell(const struct record *record, size_t first, struct arena *arena, struct cell *cell)
{
	struct buffer text;
	size_t i = first;

	buffer_init(&text, VALUE_LIMIT);
	do {
		if (i > first)
			(void)buffer_text(&text, ", ");
		put_value(&text, &record->fields[i]);
		i++;
	} while (i < record->count && record->fields[i].kind == CONTROL_ITEM &&
		 slice_is(record->fields[i].name, record->fields[first].name));
	cell->text = arena_copy(arena, buffer_slice(&text));
	cell->is_number = record->fields[first].kind == CONTROL_NUMBER;
	buffer_finish(&text);
	return i - first;
}

static struct cell *
cell_at(const struct table *table, size_t row, size_t column)
{
	return &table->cells[row * table->columns + column];
}

/* A cell for each field, or for those that are one list. */
static size_t
count_columns(const struct record *record)
{
	size_t columns = 0;

	for (size_t i = 0; i < record->count; i++)
		columns += i == 0 || record->fields[i].kind != CONTROL_ITEM ||
			   !slice_is(record->fields[i].name, record->fields[i - 1].name);
	return columns;
}

static void
fill_row(struct table *table, size_t row, const struct record *record)
{
	size_t column = 0;

	for (size_t i = 0; i < record->count && column < table->columns; column++) {
		struct cell *cell = cell_at(table, row, column);

		if (row == 1)
			cell_at(table, 0, column)->text = title_of(
				record->fields[i].name, &table->arena);
		i += read_cell(record, i, &table->arena, cell);
		cell->text = shorten(cell->text, CELL_MOST, &table->arena);
	}
}

static void
set_widths(struct table *table)
{
	for (size_t column = 0; column < table->columns; column++) {
		size_t width = 0;

		for (size_t row = 0; row < table->rows; row++) {
			size_t chars = count_characters(cell_at(table, row, column)->text);

			width = chars > width ? chars : width;
		}
		cell_at(table, 0, column)->width = width;
		cell_at(table, 0, column)->is_number = cell_at(table, 1, column)->is_number;
	}
}

static void
put_padded(struct buffer *out, const struct cell *cell, const struct cell *title, bool is_last)
{
	int gap = (int)(title->width - count_characters(cell->text));

	if (title->is_number)
		(void)buffer_printf(out, "%*s", gap, "");
	(void)buffer_append(out, cell->text);
	if (!is_last)
		(void)buffer_printf(out, "%*s", title->is_number ? 2 : gap + 2, "");
}

static void
put_table(struct buffer *out, const struct answer *answer)
{
	struct table table = { .rows = answer->count + 1 };

	if (answer->count == 0)
		return;
	arena_init(&table.arena, 64 * 1024);
	table.columns = count_columns(&answer->records[0]);
	table.cells = xcalloc(size_mul(table.rows, table.columns + 1), sizeof(*table.cells));
	for (size_t i = 0; i < answer->count; i++)
		fill_row(&table, i + 1, &answer->records[i]);
	set_widths(&table);
	for (size_t row = 0; row < table.rows; row++) {
		for (size_t column = 0; column < table.columns; column++)
			put_padded(out, cell_at(&table, row, column), cell_at(&table, 0, column),
				column + 1 == table.columns);
		(void)buffer_text(out, "\n");
	}
	free(table.cells);
	arena_finish(&table.arena);
}

/* Numbers end below each other, also sizes and counts. */
static void
put_object(struct buffer *out, const struct record *record)
{
	struct arena arena;
	size_t title_width = 0, number_width = 0;
	struct cell cell;

	arena_init(&arena, 0);
	for (size_t i = 0; i < record->count;) {
		size_t title = title_of(record->fields[i].name, &arena).len, width;

		title_width = title > title_width ? title : title_width;
		i += read_cell(record, i, &arena, &cell);
		width = cell.is_number ? count_characters(cell.text) : 0;
		number_width = width > number_width ? width : number_width;
	}
	for (size_t i = 0; i < record->count;) {
		struct slice title = title_of(record->fields[i].name, &arena);

		i += read_cell(record, i, &arena, &cell);
		(void)buffer_printf(out, "%-*.*s  ", (int)title_width, SLICE_ARG(title));
		if (cell.is_number)
			(void)buffer_printf(
				out, "%*s", (int)(number_width - count_characters(cell.text)), "");
		(void)buffer_append(out, cell.text);
		(void)buffer_text(out, "\n");
	}
	arena_finish(&arena);
}

static void
put_for_people(struct buffer *out, const struct answer *answer, enum shape shape)
{
	static const struct record nothing;

	if (shape == SHAPE_TABLE) {
		put_table(out, answer);
	} else if (shape == SHAPE_OBJECT) {
		put_object(out, answer->count > 0 ? &answer->records[0] : &nothing);
	} else if (shape == SHAPE_VALUES) {
		for (size_t i = 0; i < answer->count; i++) {
			if (answer->records[i].count > 0)
				print_text(out, answer->records[i].fields[0].value);
			(void)buffer_text(out, "\n");
		}
	}
}

static void
put_json(struct buffer *out, const struct answer *answer, enum shape shape)
{
	static const struct record nothing;

	if (shape == SHAPE_TABLE || shape == SHAPE_VALUES)
		json_records(out, answer);
	else
		json_record(out, answer->count > 0 ? &answer->records[0] : &nothing);
	(void)buffer_text(out, "\n");
}

void
print_answer(const struct answer *answer, enum shape shape, bool json, FILE *out)
{
	struct buffer text;

	buffer_init(&text, OUT_LIMIT);
	if (json)
		put_json(&text, answer, shape);
	else
		put_for_people(&text, answer, shape);
	(void)fwrite(text.data, 1, text.len, out);
	buffer_finish(&text);
}
