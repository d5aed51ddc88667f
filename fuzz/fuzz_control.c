/*
 * Lines of the control socket from any bytes, as requests and as answers. What was read comes back
 * the same when it is written and read again, a written line has no end in it, and what people and
 * programs see of an answer is UTF-8 without control characters.
 */
#include "fuzz.h"

#include "base/utf8.h"
#include "tools/kithctl/print.h"

#include <assert.h>
#include <stdlib.h>

enum { MOST = 64, ROOM = 1 << 22 };

/* The words of a line, written again, are the same words on one line. */
static void
check_words(struct slice line, struct arena *arena)
{
	struct slice words[MOST], rest = line, again;
	struct buffer out;
	size_t count = 0;

	buffer_init(&out, ROOM);
	while (rest.p != NULL && count < MOST)
		words[count++] = control_take_word(&rest, arena);
	for (size_t i = 0; i < count; i++)
		control_put_word(&out, words[i], i == 0);
	assert(!out.overflowed);
	again = out.len == 0 ? SLICE("") : buffer_slice(&out);
	assert(slice_find(again, '\n') == again.len && slice_find(again, '\r') == again.len);
	for (size_t i = 0; i < count; i++) {
		assert(again.p != NULL);
		assert(slice_is(control_take_word(&again, arena), words[i]));
	}
	assert(again.p == NULL);
	buffer_finish(&out);
}

static struct record
read_fields(struct slice line, struct arena *arena)
{
	struct record record = { .fields = arena_array(arena, MOST, struct control_field) };

	while (line.p != NULL && record.count < MOST) {
		struct control_field *field = &record.fields[record.count];

		if (control_read_field(control_take_word(&line, arena), field) < 0)
			continue;
		assert(slice_find(field->name, '=') == field->name.len);
		record.count++;
	}
	return record;
}

static void
check_fields(const struct record *record, struct arena *arena)
{
	struct record again;
	struct buffer out;

	if (record->count == 0)
		return;
	buffer_init(&out, ROOM);
	for (size_t i = 0; i < record->count; i++)
		control_put_field(&out, &record->fields[i], i == 0);
	again = read_fields(buffer_slice(&out), arena);
	assert(again.count == record->count);
	for (size_t i = 0; i < again.count; i++) {
		assert(again.fields[i].kind == record->fields[i].kind);
		assert(slice_is(again.fields[i].name, record->fields[i].name));
		assert(slice_is(again.fields[i].value, record->fields[i].value));
	}
	buffer_finish(&out);
}

static void
check_output(const struct answer *answer, enum shape shape, bool json)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	print_answer(answer, shape, json, out);
	(void)fclose(out);
	assert(utf8_is_valid(slice_make(text, size)));
	for (const char *at = text; at < text + size;) {
		uint32_t code = 0;
		int len = utf8_decode(at, text + size, &code);

		/* JSON is for programs, and is as it was written but for control characters. */
		assert(code == '\n' || utf8_is_plain(code) || (json && code >= 0xa0));
		at += len;
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make((const char *)data, size);
	struct record records[MOST];
	struct answer answer = { .records = records };

	arena_init(&answer.arena, 0);
	while (rest.len > 0 && answer.count < MOST) {
		size_t end = slice_find(rest, '\n');
		struct slice line = slice_make(rest.p, end);

		check_words(line, &answer.arena);
		records[answer.count] = read_fields(line, &answer.arena);
		check_fields(&records[answer.count++], &answer.arena);
		rest = slice_from(rest, end + (end < rest.len));
	}
	for (unsigned shape = SHAPE_NOTHING; shape <= SHAPE_OBJECT; shape++) {
		check_output(&answer, (enum shape)shape, false);
		check_output(&answer, (enum shape)shape, true);
	}
	arena_finish(&answer.arena);
	return 0;
}
