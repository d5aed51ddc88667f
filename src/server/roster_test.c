/* A roster takes no more than can be told in one answer, however its contacts are made. */
#include "server/roster.h"

#include "server/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NAME_BYTES = 1023, GROUPS = 50, MANY = 100000 };

struct made {
	char bare[32], name[NAME_BYTES];
	struct slice groups[GROUPS];
};

/* A contact that is as large as one may be, in groups whose names double when they are written. */
static struct roster_item
large_item(struct made *made, unsigned number)
{
	struct roster_item item = { .subscription = SLICE("none"), .groups = { made->groups, 0 } };

	(void)snprintf(made->bare, sizeof(made->bare), "friend%u@localhost", number);
	item.jid.full = slice_of(made->bare);
	item.jid.local_len = (uint16_t)(item.jid.full.len - sizeof("localhost"));
	item.jid.domain_len = sizeof("localhost") - 1;
	memset(made->name, '\'', NAME_BYTES);
	item.name = slice_make(made->name, NAME_BYTES);
	for (; item.groups.count < number % GROUPS; item.groups.count++)
		made->groups[item.groups.count] = item.name;
	return item;
}

static struct roster_item
small_item(struct made *made, unsigned number)
{
	struct roster_item item = large_item(made, number);

	item.name = NO_SLICE;
	item.groups.count = 0;
	return item;
}

static size_t
told_size(const struct roster *roster)
{
	struct buffer xml;
	struct map_node *node;
	size_t at = 0, size;

	buffer_init(&xml, SIZE_MAX / 2);
	while ((node = map_next(&roster->contacts, &at)) != NULL)
		codec_encode(&xml, &roster_item_payload,
			&container_of(node, struct contact, node)->item);
	size = xml.len;
	buffer_finish(&xml);
	return size;
}

static void fill(struct roster_item (*make)(struct made *made, unsigned number))
{
	struct roster roster;
	struct made made;

	roster_init(&roster);
	for (unsigned i = 0; i < MANY; i++) {
		struct roster_item item = make(&made, i);

		if (!roster_has_room(&roster, &item, MANY))
			break;
		roster_put_contact(&roster, &item);
	}
	assert_in_range(told_size(&roster), LIMIT_ROSTER / 8, LIMIT_ROSTER);
	while (roster.contacts.count > 0) {
		size_t at = 0;

		roster_drop_contact(&roster, map_next(&roster.contacts, &at)->key);
	}
	assert_int_equal(roster.contact_bytes, 0);
	roster_finish(&roster);
}

static void
a_full_roster_fits_into_an_answer(void **state)
{
	(void)state;
	fill(large_item);
	fill(small_item);
}

static void
what_is_there_may_become_smaller_when_there_is_no_room(void **state)
{
	struct roster roster;
	struct made made;
	struct roster_item item;

	(void)state;
	roster_init(&roster);
	item = large_item(&made, GROUPS - 1);
	roster_put_contact(&roster, &item);
	item = small_item(&made, GROUPS - 1);
	assert_true(roster_has_room(&roster, &item, 1));
	item = small_item(&made, 1);
	assert_false(roster_has_room(&roster, &item, 1));
	assert_true(roster_has_room(&roster, &item, 2));
	roster_finish(&roster);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_roster_fits_into_an_answer),
		cmocka_unit_test(what_is_there_may_become_smaller_when_there_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
