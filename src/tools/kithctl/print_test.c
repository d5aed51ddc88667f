/* What people and programs get to see of an answer, whatever is in it. */
#include "tools/kithctl/json.h"
#include "tools/kithctl/print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct slice
json_of(struct buffer *out, struct slice text)
{
	buffer_clear(out);
	json_string(out, text);
	return buffer_slice(out);
}

static void
a_json_string_is_valid_whatever_it_holds(void **state)
{
	static const struct {
		struct slice text;
		const char *json;
	} cases[] = {
		{ { "", 0 }, "\"\"" },
		{ { "plain", 5 }, "\"plain\"" },
		{ { "a\"b\\c", 5 }, "\"a\\\"b\\\\c\"" },
		{ { "\n\r\t", 3 }, "\"\\n\\r\\t\"" },
		{ { "\0\x01\x1f", 3 }, "\"\\u0000\\u0001\\u001f\"" },
		{ { "\x7f\xc2\x9b", 3 }, "\"\\u007f\\u009b\"" },
		{ { "j\xc3\xbcrg \xf0\x9f\x8c\xb9", 10 }, "\"j\xc3\xbcrg \xf0\x9f\x8c\xb9\"" },
		/* no UTF-8: a stray byte, an overlong form, a surrogate, half a character */
		{ { "\xff", 1 }, "\"\xef\xbf\xbd\"" },
		{ { "\xc0\xaf", 2 }, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ { "\xed\xa0\x80", 3 }, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ { "a\xe2\x82", 3 }, "\"a\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ { "</script>", 9 }, "\"</script>\"" },
	};
	struct buffer out;

	(void)state;
	buffer_init(&out, 4096);
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_true(slice_is_text(json_of(&out, cases[i].text), cases[i].json));
	buffer_finish(&out);
}

#define FIELD(kind, name, value) \
	{ \
		CONTROL_##kind, { name, sizeof(name) - 1 }, \
		{ \
			value, sizeof(value) - 1 \
		} \
	}

static struct control_field sessions[][6] = {
	{
		FIELD(TEXT, "jid", "romeo@a.test/x"),
		FIELD(NUMBER, "priority", "-1"),
		FIELD(ITEM, "groups", "friends"),
		FIELD(ITEM, "groups", "a \"b\""),
		FIELD(FLAG, "available", "true"),
		FIELD(NUMBER, "queue_bytes", "2048"),
	},
	{
		FIELD(TEXT, "jid", "j\xc3\xbc@a.test/\x1b[2J"),
		FIELD(NULL, "priority", ""),
		FIELD(EMPTY, "groups", ""),
		FIELD(FLAG, "available", "false"),
		FIELD(NUMBER, "queue_bytes", "0"),
	},
};
static struct record records[] = { { sessions[0], 6 }, { sessions[1], 5 } };
static const struct answer answer = { .records = records, .count = 2 };

static void
assert_prints(const struct answer *what, enum shape shape, bool json, const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	print_answer(what, shape, json, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void
json_has_types_and_lists(void **state)
{
	static const struct answer none;

	(void)state;
	assert_prints(&answer, SHAPE_TABLE, true,
		"[\n"
		"{\"jid\":\"romeo@a.test/x\",\"priority\":-1,\"groups\":[\"friends\",\"a "
		"\\\"b\\\"\"],\"available\":true,\"queue_bytes\":2048},\n"
		"{\"jid\":\"j\xc3\xbc@a.test/\\u001b[2J\",\"priority\":null,\"groups\":[],"
		"\"available\":false,\"queue_bytes\":0}\n"
		"]\n");
	assert_prints(&none, SHAPE_TABLE, true, "[]\n");
	assert_prints(&none, SHAPE_NOTHING, true, "{}\n");
}

static void
a_number_that_is_none_becomes_a_string(void **state)
{
	struct control_field fields[] = {
		FIELD(NUMBER, "a", "07"),
		FIELD(NUMBER, "b", "1}"),
		FIELD(FLAG, "c", "maybe"),
	};
	struct record record = { fields, COUNT_OF(fields) };
	struct answer odd = { .records = &record, .count = 1 };

	(void)state;
	assert_prints(&odd, SHAPE_OBJECT, true, "{\"a\":\"07\",\"b\":\"1}\",\"c\":\"maybe\"}\n");
}

static void
a_table_has_columns_and_no_control_characters(void **state)
{
	static const struct answer none;

	(void)state;
	assert_prints(&answer, SHAPE_TABLE, false,
		"jid                priority  groups          available  queue size\n"
		"romeo@a.test/x           -1  friends, a \"b\"  yes           2.0 KiB\n"
		"j\xc3\xbc@a.test/\\x1b[2J         -  -               no                0 B\n");
	assert_prints(&none, SHAPE_TABLE, false, "");
}

static void
one_record_is_a_line_for_each_field(void **state)
{
	struct control_field counters[] = {
		FIELD(NUMBER, "logins_total", "12"),
		FIELD(NUMBER, "wal_bytes", "1024"),
	};
	struct record record = records[0];
	struct answer one = { .records = &record, .count = 1 };

	(void)state;
	assert_prints(&one, SHAPE_OBJECT, false,
		"jid         romeo@a.test/x\n"
		"priority    -1\n"
		"groups      friends, a \"b\"\n"
		"available   yes\n"
		"queue size  2.0 KiB\n");
	record = (struct record){ counters, COUNT_OF(counters) };
	assert_prints(&one, SHAPE_OBJECT, false,
		"logins total       12\n"
		"wal size      1.0 KiB\n");
	assert_prints(&answer, SHAPE_VALUES, false, "romeo@a.test/x\nj\xc3\xbc@a.test/\\x1b[2J\n");
}

static void
nothing_moves_the_cursor_or_turns_the_text(void **state)
{
	struct buffer out;

	(void)state;
	buffer_init(&out, 256);
	/* NOLINTNEXTLINE(misc-misleading-bidirectional): on purpose */
	print_text(&out, SLICE("a\nb\x1b[2J\xc2\x9b\x7f\xff\xe2\x80\xaetxt"));
	assert_true(
		slice_is_text(buffer_slice(&out), "a\\nb\\x1b[2J\\x9b\\x7f\xef\xbf\xbd\\u202etxt"));
	buffer_finish(&out);
}

static void
sizes_are_in_the_unit_that_fits(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ 5 << 20, "5.0 MiB" },
		{ UINT64_MAX, "16777216.0 TiB" },
	};
	struct buffer out;

	(void)state;
	buffer_init(&out, 64);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		buffer_clear(&out);
		print_size(&out, cases[i].bytes);
		assert_true(slice_is_text(buffer_slice(&out), cases[i].text));
	}
	buffer_finish(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_json_string_is_valid_whatever_it_holds),
		cmocka_unit_test(json_has_types_and_lists),
		cmocka_unit_test(a_number_that_is_none_becomes_a_string),
		cmocka_unit_test(a_table_has_columns_and_no_control_characters),
		cmocka_unit_test(one_record_is_a_line_for_each_field),
		cmocka_unit_test(nothing_moves_the_cursor_or_turns_the_text),
		cmocka_unit_test(sizes_are_in_the_unit_that_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
