/*
 * A table is made of cells, which are texts; a column is as wide as its widest. The fields of a
 * list are one cell. All records have the fields of the first.
 */
#include "tools/kithctl/print.h"

#include "base/utf8.h"
#include "tools/kithctl/json.h"

#include <stdlib.h>

enum {
	CELL_MOST = 72,
	OUT_LIMIT = 256 * 1024 * 1024,
	VALUE_LIMIT = 1024 * 1024,
	ARENA_BLOCK = 64 * 1024
};

struct cell {
	struct slice text;
	bool is_number;
};

struct table {
	struct arena arena;
	struct cell *cells; /* rows * columns */
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
		else if (!utf8_is_plain(code))
			(void)buffer_printf(out, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
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

/* "queue_bytes" is the title "queue size", "last_login" is "last login". */
static struct slice
title_of(struct slice name, struct arena *arena)
{
	bool is_renamed = is_size(name) && name.len > 6;
	struct slice title;
	struct buffer text;

	buffer_init(&text, VALUE_LIMIT);
	print_text(&text, slice_make(name.p, is_renamed ? name.len - 5 : name.len));
	(void)buffer_text(&text, is_renamed ? "size" : "");
	for (size_t i = 0; i < text.len; i++)
		text.data[i] = text.data[i] == '_' ? ' ' : text.data[i];
	title = arena_copy(arena, buffer_slice(&text));
	buffer_finish(&text);
	return title;
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

static struct table
make_table(size_t rows, size_t columns)
{
	struct table table = { .rows = rows, .columns = columns };

	arena_init(&table.arena, ARENA_BLOCK);
	table.cells = xcalloc(size_mul(rows, columns), sizeof(*table.cells));
	return table;
}

/* A column of numbers ends below each other; whether it is one is said in its last row. */
static size_t
width_of(const struct table *table, size_t column)
{
	size_t width = 0;

	for (size_t row = 0; row < table->rows; row++) {
		size_t chars = count_characters(cell_at(table, row, column)->text);

		width = chars > width ? chars : width;
	}
	return width;
}

static void
put_padded(struct buffer *out, const struct cell *cell, size_t width, bool right, bool is_last)
{
	int gap = (int)(width - count_characters(cell->text));

	(void)buffer_printf(out, "%*s", right ? gap : 0, "");
	(void)buffer_append(out, cell->text);
	if (!is_last)
		(void)buffer_printf(out, "%*s", right ? 2 : gap + 2, "");
}

static void
put_and_free(struct buffer *out, struct table *table)
{
	size_t *widths = arena_array(&table->arena, table->columns, size_t);

	for (size_t column = 0; column < table->columns; column++)
		widths[column] = width_of(table, column);
	for (size_t row = 0; row < table->rows; row++) {
		for (size_t column = 0; column < table->columns; column++)
			put_padded(out, cell_at(table, row, column), widths[column],
				cell_at(table, table->rows - 1, column)->is_number,
				column + 1 == table->columns);
		(void)buffer_text(out, "\n");
	}
	free(table->cells);
	arena_finish(&table->arena);
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
		/* A number that is missing in one row makes no text of the column. */
		if (row > 1)
			cell->is_number |= cell_at(table, row - 1, column)->is_number;
	}
}

static void
put_table(struct buffer *out, const struct answer *answer)
{
	struct table table;

	if (answer->count == 0)
		return;
	table = make_table(answer->count + 1, count_columns(&answer->records[0]));
	for (size_t i = 0; i < answer->count; i++)
		fill_row(&table, i + 1, &answer->records[i]);
	put_and_free(out, &table);
}

static void
put_object(struct buffer *out, const struct record *record)
{
	struct table table = make_table(count_columns(record), 2);
	bool is_all_numbers = true;
	size_t i = 0;

	for (size_t row = 0; row < table.rows; row++) {
		cell_at(&table, row, 0)->text = title_of(record->fields[i].name, &table.arena);
		i += read_cell(record, i, &table.arena, cell_at(&table, row, 1));
		is_all_numbers &= cell_at(&table, row, 1)->is_number;
	}
	if (table.rows > 0)
		cell_at(&table, table.rows - 1, 1)->is_number = is_all_numbers;
	put_and_free(out, &table);
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
