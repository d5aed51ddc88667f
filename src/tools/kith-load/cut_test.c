/* The cutter sees the same pieces however the bytes arrive. */
#include "tools/kith-load/cut.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char
	stream[] = "<?xml version='1.0'?><stream:stream from='a>b' id=\"1\">"
		   "<stream:features><bind xmlns='x'/><a><b>t</b></a></stream:features> \n"
		   "<message type='chat' to='x/y>'><body lang=''>hi</body></message>"
		   "<proceed/></stream:stream>";

static const struct {
	enum cut kind;
	const char *begins;
} pieces[] = {
	{ CUT_STREAM, "<stream:stream " },
	{ CUT_STANZA, "<stream:features>" },
	{ CUT_STANZA, "<message " },
	{ CUT_STANZA, "<proceed/>" },
	{ CUT_END, "</stream:stream>" },
};

/* Feeds the stream step bytes at a time and returns the number of pieces seen. */
static size_t
cut_all(size_t step)
{
	size_t from = 0;
	size_t seen = 0;

	for (size_t have = 0; have < sizeof(stream) - 1;) {
		have = have + step < sizeof(stream) - 1 ? have + step : sizeof(stream) - 1;
		struct slice piece;
		size_t used;
		enum cut kind;

		while ((kind = cut_next(slice_make(stream + from, have - from), &piece, &used)) !=
			CUT_MORE) {
			assert_true(seen < COUNT_OF(pieces));
			assert_int_equal(kind, pieces[seen].kind);
			assert_true(slice_starts(piece, slice_of(pieces[seen].begins)));
			from += used;
			seen++;
		}
	}
	return seen;
}

static void
pieces_do_not_depend_on_the_reads(void **state)
{
	(void)state;
	for (size_t step = 1; step <= sizeof(stream); step++)
		assert_int_equal(cut_all(step), COUNT_OF(pieces));
}

static void
start_tags_are_told_apart(void **state)
{
	struct slice m = SLICE(
		"<message xtype='error' type=\"chat\"><body a='>'>t</body></message>");

	(void)state;
	assert_true(cut_is(m, "message"));
	assert_false(cut_is(m, "mess"));
	assert_true(slice_is_text(cut_attribute(m, "type"), "chat"));
	assert_true(slice_is_text(cut_attribute(m, "xtype"), "error"));
	assert_null(cut_attribute(m, "e").p);
	assert_null(cut_attribute(m, "a").p);
	assert_null(cut_attribute(SLICE("<message/>"), "type").p);
	assert_true(slice_is_text(cut_text(m, "body"), "t"));
	assert_null(cut_text(m, "status").p);
	assert_null(cut_text(SLICE("<message><body/></message>"), "body").p);
	assert_int_equal(cut_count(SLICE("<q><item a='>'/><items/><item>t</item></q>"), "item"), 2);
	assert_int_equal(cut_count(m, "item"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_do_not_depend_on_the_reads),
		cmocka_unit_test(start_tags_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
