/* The example of RFC 5802, section 5, and what a bad server may send. */
#include "tools/kith-load/scram.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define FIRST "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"

static struct scram
begin(struct buffer *out)
{
	struct scram s;

	buffer_init(out, 4096);
	scram_begin(&s, "user", "fyko+d2lbbFgONRv9qkxdawL", out);
	return s;
}

static void
the_example_of_the_rfc_signs_in(void **state)
{
	struct buffer out;
	struct scram s = begin(&out);
	struct scram_key key = { 0 };

	(void)state;
	assert_true(slice_is_text(buffer_slice(&out), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"));
	buffer_clear(&out);
	assert_int_equal(scram_answer(&s, SLICE(FIRST), "pencil", &key, &out), 0);
	assert_true(slice_is_text(buffer_slice(&out),
		"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
		"p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="));
	assert_true(scram_is_proved(&s, SLICE("v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")));
	assert_false(scram_is_proved(&s, SLICE("v=rmF9pqV8S7suAoZWja4dJRkFsKU=")));
	assert_false(scram_is_proved(&s, SLICE("e=other-error")));
	scram_finish(&s);
	buffer_finish(&out);
}

static void
a_wrong_challenge_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"r=other,s=QSXCR+Q6sek8bf92,i=4096",
		"r=fyko+d2lbbFgONRv9qkxdawLx,i=4096",
		"r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=0",
		"r=fyko+d2lbbFgONRv9qkxdawLx,s=QSXCR+Q6sek8bf92,i=99999999999",
		"r=fyko+d2lbbFgONRv9qkxdawLx,s=QS!,i=4096",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct buffer out;
		struct scram s = begin(&out);
		struct scram_key key = { 0 };

		assert_int_equal(
			scram_answer(&s, slice_of(wrong[i]), "pencil", &key, &out), -EINVAL);
		scram_finish(&s);
		buffer_finish(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_rfc_signs_in),
		cmocka_unit_test(a_wrong_challenge_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
