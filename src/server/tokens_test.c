/* What is written is read again, and what makes no sense is left out. */
#include "server/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
what_is_written_is_read(void **state)
{
	struct client_tokens in = {
		.current = { SLICE("one"), HT_EXPR, 1790000000, 0 },
		.fresh = { SLICE("two"), HT_NONE, 1890000000, 17 },
		.software = SLICE("Bal\ncony"),
		.device = SLICE("phone of\tJuliet"),
	}, out;
	struct buffer text;

	(void)state;
	buffer_init(&text, 4096);
	tokens_write(&in, &text);
	tokens_read(buffer_slice(&text), &out);
	assert_true(slice_is_text(out.current.secret, "one"));
	assert_int_equal(out.current.kind, HT_EXPR);
	assert_int_equal(out.current.until_s, 1790000000);
	assert_true(slice_is_text(out.fresh.secret, "two"));
	assert_int_equal(out.current.count, 0);
	assert_int_equal(out.fresh.count, 17);
	assert_true(slice_is_text(out.software, "Bal cony"));
	assert_true(slice_is_text(out.device, "phone of Juliet"));
	assert_int_equal(tokens_until(&out), 1890000000);
	buffer_finish(&text);
}

static void
what_makes_no_sense_is_left_out(void **state)
{
	static const char *const wrong[] = { "", "\n\n", "current", "current ",
		"current HT-SHA-256-NONE", "current HT-SHA-256-NONE 1",
		"current HT-SHA-256-NONE 1 ", "current HT-MD5 1 secret",
		"current HT-SHA-256-NONE x secret", "current HT-SHA-256-NONE 1 secret ",
		"current HT-SHA-256-NONE 1 secret x", "currant HT-SHA-256-NONE 1 secret" };
	struct client_tokens out;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		tokens_read(slice_of(wrong[i]), &out);
		assert_null(out.current.secret.p);
		assert_int_equal(tokens_until(&out), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_makes_no_sense_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
