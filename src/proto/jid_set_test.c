/* Sets of JIDs: what covers what, order, and that change for ever costs no memory. */
#include "proto/jid_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
	struct arena arena;
	struct jid_set set;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena, 0);
	jid_set_init(&f->set, &f->arena);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	arena_finish(&f->arena);
	free(f);
	return 0;
}

static struct jid
jid(struct fixture *f, const char *text)
{
	struct jid jid;

	assert_int_equal(jid_parse(slice_of(text), &f->arena, &jid), 0);
	return jid;
}

static bool
add(struct fixture *f, const char *text)
{
	struct jid added = jid(f, text);

	return jid_set_add(&f->set, &added);
}

static bool
drop(struct fixture *f, const char *text)
{
	struct jid removed = jid(f, text);

	return jid_set_remove(&f->set, &removed);
}

static bool
covers(struct fixture *f, const char *text)
{
	struct jid asked = jid(f, text);

	return jid_set_covers(&f->set, &asked);
}

static void
a_full_bare_domain_resource_or_domain_jid_covers(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *member;
		bool covers[6];
	} rows[] = {
		/* a@b.c/d, a@b.c/x, a@b.c, z@b.c/d, b.c/d, b.c */
		{ "a@b.c/d", { true, false, false, false, false, false } },
		{ "a@b.c", { true, true, true, false, false, false } },
		{ "b.c/d", { true, false, false, true, true, false } },
		{ "b.c", { true, true, true, true, true, true } },
		{ "c", { false, false, false, false, false, false } },
		{ "b@b.c", { false, false, false, false, false, false } },
	};
	static const char *const asked[] = { "a@b.c/d", "a@b.c/x", "a@b.c", "z@b.c/d", "b.c/d",
		"b.c" };

	assert_false(covers(f, "a@b.c"));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_true(add(f, rows[i].member));
		for (size_t j = 0; j < COUNT_OF(asked); j++) {
			struct jid pattern = jid(f, rows[i].member), one = jid(f, asked[j]);

			if (covers(f, asked[j]) != rows[i].covers[j] ||
				jid_covers(&pattern, &one) != rows[i].covers[j])
				fail_msg("%s covers %s", rows[i].member, asked[j]);
		}
		assert_true(drop(f, rows[i].member));
	}
	add(f, "b.c");
	assert_false(jid_set_covers(&f->set, &NO_JID));
}

static void
members_are_there_once_and_listed_in_order(void **state)
{
	struct fixture *f = *state;
	struct jid asked;
	struct jid_list list;

	assert_true(add(f, "b@x"));
	assert_true(add(f, "a@x/2"));
	assert_true(add(f, "a@x"));
	assert_false(add(f, "B@x"));
	assert_false(drop(f, "c@x"));
	assert_int_equal(jid_set_count(&f->set), 3);
	list = jid_set_list(&f->set, &f->arena);
	assert_int_equal(list.count, 3);
	asked = jid(f, "a@x");
	assert_true(jid_set_has(&f->set, &asked));
	asked = jid(f, "a@x/1");
	assert_false(jid_set_has(&f->set, &asked));
	assert_true(drop(f, "a@x"));
	jid_set_clear(&f->set);
	assert_int_equal(jid_set_count(&f->set), 0);
	assert_false(covers(f, "a@x"));
	/* the list is a copy, with its parts */
	assert_true(slice_is_text(list.v[0].full, "a@x"));
	assert_true(slice_is_text(list.v[1].full, "a@x/2"));
	assert_true(slice_is_text(jid_resource(&list.v[1]), "2"));
	assert_true(slice_is_text(list.v[2].full, "b@x"));
	assert_int_equal(jid_set_list(&f->set, &f->arena).count, 0);
}

static struct jid
numbered(struct arena *arena, int number)
{
	struct jid made;
	struct slice text = arena_printf(
		arena, "user%d@example.com/%*d", number * 7919 % 1000, 1 + number % 40, number);

	assert_int_equal(jid_parse(text, arena, &made), 0);
	return made;
}

static void
a_set_that_changes_for_ever_does_not_grow(void **state)
{
	struct fixture *f = *state;
	struct arena names;
	size_t taken = 0;

	arena_init(&names, 0);
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 200; i++) {
			struct jid one = numbered(&names, i);

			assert_true(jid_set_add(&f->set, &one));
		}
		if (round == 0)
			taken = f->arena.taken;
		for (int i = 199; i >= 0; i--) {
			struct jid one = numbered(&names, i);

			assert_true(jid_set_remove(&f->set, &one));
		}
		arena_reset(&names);
	}
	assert_int_equal(f->arena.taken, taken);
	assert_int_equal(jid_set_count(&f->set), 0);
	arena_finish(&names);
}

static void
the_longest_jid_fits(void **state)
{
	struct fixture *f = *state;
	char text[LIMIT_JID + 1];
	size_t at = 0;

	for (at = 0; at < 1023; at++)
		text[at] = 'a';
	text[at++] = '@';
	for (int i = 0; i < 1023; i++)
		text[at++] = i % 64 == 63 ? '.' : 'b';
	text[at++] = '/';
	while (at < LIMIT_JID)
		text[at++] = 'c';
	text[at] = '\0';
	assert_true(add(f, text));
	assert_true(covers(f, text));
	assert_true(drop(f, text));
	assert_true(add(f, text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_full_bare_domain_resource_or_domain_jid_covers, setup, teardown),
		cmocka_unit_test_setup_teardown(
			members_are_there_once_and_listed_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_set_that_changes_for_ever_does_not_grow, setup, teardown),
		cmocka_unit_test_setup_teardown(the_longest_jid_fits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
