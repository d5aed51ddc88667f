/* Lines of the control socket: whatever is in a word comes back, and no word ends a line. */
#include "proto/control_line.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
any_bytes_come_back_and_stay_on_one_line(void **state)
{
	char all[257] = "";
	const struct slice words[] = {
		SLICE("user-add"),
		SLICE(""),
		SLICE("a\tb\nc\rd\\e"),
		SLICE("\\t is no tab, \\\\n no end"),
		slice_make(all, 256),
		SLICE("\\"),
	};
	struct arena arena;
	struct buffer line;
	struct slice rest;

	(void)state;
	for (size_t i = 0; i < 256; i++)
		all[i] = (char)i;
	arena_init(&arena, 0);
	buffer_init(&line, 4096);
	for (size_t i = 0; i < COUNT_OF(words); i++)
		control_put_word(&line, words[i], i == 0);
	rest = buffer_slice(&line);
	assert_true(slice_find(rest, '\n') == rest.len && slice_find(rest, '\r') == rest.len);
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		assert_non_null(rest.p);
		assert_true(slice_is(control_take_word(&rest, &arena), words[i]));
	}
	assert_null(rest.p);
	buffer_finish(&line);
	arena_finish(&arena);
}

static void
a_stray_backslash_stands_for_itself(void **state)
{
	struct slice line = SLICE("\\x\\\t\\");
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_true(slice_is_text(control_take_word(&line, &arena), "\\x\\"));
	assert_true(slice_is_text(control_take_word(&line, &arena), "\\"));
	assert_null(line.p);
	arena_finish(&arena);
}

static void
an_empty_line_is_one_empty_word(void **state)
{
	struct slice line = SLICE("");
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_int_equal(control_take_word(&line, &arena).len, 0);
	assert_null(line.p);
	arena_finish(&arena);
}

static void
fields_keep_their_kind_name_and_value(void **state)
{
	const struct control_field fields[] = {
		{ CONTROL_TEXT, SLICE("jid"), SLICE("a@b/c=d\tf") },
		{ CONTROL_NUMBER, SLICE("priority"), SLICE("-5") },
		{ CONTROL_NULL, SLICE("show"), SLICE("") },
		{ CONTROL_EMPTY, SLICE("groups"), SLICE("") },
	};
	struct arena arena;
	struct buffer line;
	struct slice rest;

	(void)state;
	arena_init(&arena, 0);
	buffer_init(&line, 4096);
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		control_put_field(&line, &fields[i], i == 0);
	rest = buffer_slice(&line);
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		struct control_field field;

		assert_int_equal(control_read_field(control_take_word(&rest, &arena), &field), 0);
		assert_int_equal(field.kind, fields[i].kind);
		assert_true(slice_is(field.name, fields[i].name));
		assert_true(slice_is(field.value, fields[i].value));
	}
	buffer_finish(&line);
	arena_finish(&arena);
}

static void
what_is_no_field_is_refused(void **state)
{
	static const char *const words[] = { "", "s", "s=", "sname", "xname=1", "=a" };
	struct control_field field;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		assert_int_equal(control_read_field(slice_of(words[i]), &field), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_bytes_come_back_and_stay_on_one_line),
		cmocka_unit_test(a_stray_backslash_stands_for_itself),
		cmocka_unit_test(an_empty_line_is_one_empty_word),
		cmocka_unit_test(fields_keep_their_kind_name_and_value),
		cmocka_unit_test(what_is_no_field_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
