/* Arena, slice, buffer, list, map, slab, SipHash, stamps, log: each by what it promises. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/map.h"
#include "base/random.h"
#include "base/slab.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void
arena_gives_zeroed_aligned_memory_of_any_size(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 128);
	for (size_t size = 0; size < 1000; size += 37) {
		char *p = arena_alloc(&arena, size);

		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0x5a, size);
	}
	arena_reset(&arena);
	assert_int_equal(arena.taken, 0);
	assert_string_equal(arena_printf(&arena, "%d-%s", 7, "x").p, "7-x");
	assert_int_equal(arena_printf(&arena, "%511d", 7).p[510], '7');
	assert_int_equal(arena_printf(&arena, "%512d", 7).p[511], '7');
	assert_int_equal(arena_printf(&arena, "%5000d", 7).len, 5000);
	assert_null(arena_copy(&arena, NO_SLICE).p);
	arena_finish(&arena);
	assert_null(arena.head);
}

static void
slices_compare_parse_and_find(void **state)
{
	uint64_t n = 5;

	(void)state;
	assert_true(slice_is(SLICE("abc"), SLICE("abc")));
	assert_false(slice_is(SLICE("abc"), SLICE("ab")));
	assert_true(slice_compare(SLICE("ab"), SLICE("abc")) < 0);
	assert_true(slice_compare(SLICE("b"), SLICE("abc")) > 0);
	assert_int_equal(slice_find(SLICE("a@b"), '@'), 1);
	assert_int_equal(slice_find(SLICE("ab"), '@'), 2);
	assert_int_equal(slice_to_uint(SLICE("4096"), 4096, &n), 0);
	assert_int_equal(n, 4096);
	assert_int_equal(slice_to_uint(SLICE("4097"), 4096, &n), -EINVAL);
	assert_int_equal(slice_to_uint(SLICE("18446744073709551616"), UINT64_MAX, &n), -EINVAL);
	assert_int_equal(slice_to_uint(SLICE(""), 9, &n), -EINVAL);
	assert_int_equal(slice_to_uint(SLICE("+1"), 9, &n), -EINVAL);
	assert_int_equal(n, 4096);
	assert_true(slice_is_secret(SLICE("key"), SLICE("key")));
	assert_false(slice_is_secret(SLICE("key"), SLICE("kex")));
}

static void
a_buffer_refuses_what_passes_its_limit_and_keeps_the_rest(void **state)
{
	struct buffer b;

	(void)state;
	buffer_init(&b, 10);
	assert_int_equal(buffer_text(&b, "12345"), 0);
	assert_int_equal(buffer_text(&b, "123456"), -ENOBUFS);
	assert_true(b.overflowed);
	assert_int_equal(b.len, 5);
	assert_int_equal(buffer_text(&b, "67890"), 0);
	buffer_consume(&b, 3);
	assert_true(slice_is(buffer_slice(&b), SLICE("4567890")));
	buffer_finish(&b);
	assert_null(b.data);
}

struct item {
	struct list link;
	struct map_node node;
	char name[16];
};

static void
a_list_survives_removal_while_walking(void **state)
{
	struct list head, other;
	struct item items[5] = { 0 }, *it;
	int seen = 0;

	(void)state;
	list_init(&head);
	list_init(&other);
	for (size_t i = 0; i < COUNT_OF(items); i++)
		list_append(&head, &items[i].link);
	LIST_EACH (it, &head, struct item, link) {
		if (seen++ % 2 == 0)
			list_remove(&it->link);
	}
	assert_int_equal(seen, 5);
	assert_ptr_equal(head.next, &items[1].link);
	list_move_all(&other, &head);
	assert_true(list_is_empty(&head));
	assert_ptr_equal(list_pop(&other), &items[1].link);
	assert_ptr_equal(list_pop(&other), &items[3].link);
	assert_null(list_pop(&other));
}

static void
a_map_finds_what_is_in_it_and_nothing_else(void **state)
{
	enum { N = 3000 };
	struct item *items = xcalloc(N, sizeof(*items));
	struct map map;
	size_t at = 0, seen = 0;

	(void)state;
	map_init(&map);
	for (int i = 0; i < N; i++) {
		int len = snprintf(items[i].name, sizeof(items[i].name), "key%d", i);

		items[i].node.key = slice_make(items[i].name, (size_t)len);
		assert_null(map_find(&map, items[i].node.key));
		map_insert(&map, &items[i].node);
	}
	for (int i = 0; i < N; i += 3)
		map_remove(&map, &items[i].node);
	for (int i = 0; i < N; i++) {
		struct map_node *node = map_find(&map, items[i].node.key);

		assert_ptr_equal(node, i % 3 == 0 ? NULL : &items[i].node);
	}
	while (map_next(&map, &at) != NULL)
		seen++;
	assert_int_equal(seen, map.count);
	for (int i = 0; i < N; i++) {
		if (i % 3 != 0)
			map_remove(&map, &items[i].node);
	}
	assert_int_equal(map.count, 0);
	assert_true(map.capacity < 64);
	map_finish(&map);
	free(items);
}

static void
siphash_depends_on_every_bit_of_key_and_data(void **state)
{
	struct hash_key key = { 1, 2 }, other = { 1, 3 };
	char text[] = "0123456789abcdef";
	uint64_t h = siphash(&key, slice_of(text));

	(void)state;
	assert_int_equal(h, siphash(&key, slice_of(text)));
	assert_int_not_equal(h, siphash(&other, slice_of(text)));
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		text[i] ^= 1;
		assert_int_not_equal(h, siphash(&key, slice_of(text)));
		text[i] ^= 1;
	}
}

static void
a_slab_reuses_pieces_and_gives_pages_back(void **state)
{
	enum { N = 2000 };
	struct slab slab;
	void *pieces[N];

	(void)state;
	slab_init(&slab, 100);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < N; i++) {
			pieces[i] = slab_alloc(&slab);
			memset(pieces[i], 0xff, 100);
		}
		assert_int_equal(slab.live, N);
		for (int i = 0; i < N; i++)
			slab_free(&slab, pieces[(i * 7) % N]);
		assert_int_equal(slab.live, 0);
		assert_int_equal(slab.free_pages, 1);
	}
	slab_finish(&slab);
}

static void
stamps_are_written_and_read_as_xep_0082_says(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1969-07-21T02:56:15Z", -14159025000 },
		{ "2026-11-23T04:15:00.250+01:00", 1795403700250 },
		{ "2002-09-10T23:41:07.123456789Z", 1031701267123 },
		{ "2024-02-29T00:00:00Z", 1709164800000 },
		{ "2023-02-29T00:00:00Z", -1 },
		{ "2023-13-01T00:00:00Z", -1 },
		{ "2023-01-01T00:00:00", -1 },
		{ "2023-01-01T00:00:00.1234567890Z", -1 },
		{ "2023-01-01 00:00:00Z", -1 },
		{ "2023-01-01T00:00:00+1:00", -1 },
		{ "", -1 },
	};
	char out[STAMP_CHARS + 1];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t ms = -1;
		int r = stamp_parse(slice_of(cases[i].text), &ms);

		assert_int_equal(r, cases[i].ms == -1 ? -EINVAL : 0);
		assert_int_equal(ms, cases[i].ms);
	}
	stamp_write(1031701267123, out);
	assert_string_equal(out, "2002-09-10T23:41:07.123Z");
	stamp_write(-1, out);
	assert_string_equal(out, "1969-12-31T23:59:59.999Z");
	stamp_write(INT64_MAX, out);
	assert_memory_equal(out, "9999-12-31", 10);
}

/* What the log writes of a value, which must be a part of it. */
static void
assert_logged(enum log_format format, struct slice value, const char *part)
{
	int ends[2];
	char text[1024] = { 0 };
	struct log *log;

	assert_int_equal(pipe(ends), 0);
	log = log_create(ends[1], format, LOG_INFO);
	log_info(log, "bad peer", F_TEXT("jid", value), F_UINT("n", 3));
	log_debug(log, "not seen", F_UINT("n", 1));
	log_destroy(&log);
	assert_null(log);
	assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
	if (strstr(text, part) == NULL)
		fail_msg("no %s in %s", part, text);
	assert_null(strstr(text, "not seen"));
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void
the_log_escapes_what_could_forge_a_line(void **state)
{
	/* NOLINTNEXTLINE(misc-misleading-bidirectional): on purpose */
	struct slice turned = SLICE("x\xe2\x80\xaetxt.exe\xe2\x80\xa8\xc2\x85");
	struct slice broken = SLICE("a\xffz\xc3");

	(void)state;
	assert_logged(LOG_TEXT, SLICE("a\nb \"c\"\x1b[31m"),
		" info: bad peer jid=\"a\\x0ab \\\"c\\\"\\x1b[31m\" n=3\n");
	assert_logged(LOG_JSON, SLICE("a\nb"), "\"jid\":\"a\\u000ab\",\"n\":3}\n");
	assert_logged(LOG_TEXT, turned, "jid=x\\u202etxt.exe\\u2028\\u0085 n");
	assert_logged(LOG_JSON, turned, "\"x\\u202etxt.exe\\u2028\\u0085\"");
	assert_logged(LOG_TEXT, broken, "jid=a\\xffz\\xc3 n");
	assert_logged(LOG_JSON, broken, "\"a\\ufffdz\\ufffd\"");
	assert_logged(LOG_TEXT, SLICE("J\xc3\xbcrgen"), "jid=J\xc3\xbcrgen n");
}

static void
tokens_are_long_and_differ(void **state)
{
	char a[TOKEN_CHARS + 1], b[TOKEN_CHARS + 1];

	(void)state;
	random_token(a);
	random_token(b);
	assert_int_equal(strlen(a), TOKEN_CHARS);
	assert_string_not_equal(a, b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_gives_zeroed_aligned_memory_of_any_size),
		cmocka_unit_test(slices_compare_parse_and_find),
		cmocka_unit_test(a_buffer_refuses_what_passes_its_limit_and_keeps_the_rest),
		cmocka_unit_test(a_list_survives_removal_while_walking),
		cmocka_unit_test(a_map_finds_what_is_in_it_and_nothing_else),
		cmocka_unit_test(siphash_depends_on_every_bit_of_key_and_data),
		cmocka_unit_test(a_slab_reuses_pieces_and_gives_pages_back),
		cmocka_unit_test(stamps_are_written_and_read_as_xep_0082_says),
		cmocka_unit_test(the_log_escapes_what_could_forge_a_line),
		cmocka_unit_test(tokens_are_long_and_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
