/*
 * Whoever comes back with a version, of whenever, ends with the right roster: random changes to a
 * roster of few contacts, so that states come again, and clients that stay away for a while.
 */
#include "server/roster_history.h"

#include "server/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PEOPLE = 8, NAMES = 3, CLIENTS = 6, ROUNDS = 20000, SEEDS = 5 };

/* What a roster says of each of the people: 0 nothing, else one of the names. */
struct state {
	unsigned name[PEOPLE];
};

struct client {
	char version[ROSTER_VERSION_CHARS + 1];
	struct state state;
};

struct world {
	uint64_t random;
	struct roster roster;
	struct state state;
	struct client clients[CLIENTS];
	unsigned updated, whole;
};

/* A linear congruence: the same numbers everywhere. */
static unsigned
draw(struct world *world, unsigned below)
{
	world->random = world->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(world->random >> 33) % below;
}

static const char *const people[PEOPLE] = { "a@x", "b@x", "c@x", "d@x", "e@x", "f@x", "g@x",
	"h@x" };
static const char *const names[] = { NULL, "One", "Two", "Three" };

static struct roster_item
item_of(unsigned person, unsigned name)
{
	return (struct roster_item){
		.jid = { .full = slice_of(people[person]), .local_len = 1, .domain_len = 1 },
		.name = slice_of(names[name]),
		.subscription = SLICE("none"),
	};
}

static void
put(struct roster *roster, unsigned person, unsigned name)
{
	struct roster_item item = item_of(person, name);

	if (name == 0)
		roster_drop_contact(roster, slice_of(people[person]));
	else
		roster_put_contact(roster, &item);
}

/* The version of a roster in that state which never had another one: as after a restart. */
static void
version_of(const struct state *state, char out[ROSTER_VERSION_CHARS + 1])
{
	struct roster roster;

	roster_init(&roster);
	for (unsigned i = 0; i < PEOPLE; i++)
		put(&roster, i, state->name[i]);
	roster_version_write(roster_history_now(roster_history_begin(&roster)), out);
	roster_finish(&roster);
}

static unsigned
person_called(struct slice bare)
{
	unsigned i = 0;

	while (!slice_is_text(bare, people[i]))
		i++;
	return i;
}

static void
is_at(const struct client *client)
{
	char version[ROSTER_VERSION_CHARS + 1];

	version_of(&client->state, version);
	assert_string_equal(client->version, version);
}

/* The client takes some of the pushes, or all; then its connection may end. */
static void
take_pushes(struct world *world, struct client *client, const struct roster_step *steps, int count,
	bool all)
{
	for (int i = 0; i < count; i++) {
		unsigned person = person_called(steps[i].bare);

		if (!all && draw(world, 4) == 0)
			return;
		assert_int_not_equal(client->state.name[person], world->state.name[person]);
		client->state.name[person] = world->state.name[person];
		roster_version_write(steps[i].version, client->version);
		is_at(client);
	}
	assert_memory_equal(&client->state, &world->state, sizeof(client->state));
}

static void
come_back(struct world *world, struct client *client)
{
	struct roster_step steps[ROSTER_CHANGES_MOST];
	const struct roster_history *history = world->roster.history;
	int count = roster_history_since(history, slice_of(client->version), steps);

	if (count >= 0) {
		world->updated++;
		take_pushes(world, client, steps, count, draw(world, 2) == 0);
		return;
	}
	world->whole++;
	client->state = world->state;
	roster_version_write(roster_history_now(history), client->version);
}

/* The account leaves memory, or the server restarts: what was remembered is gone. */
static void
restart(struct world *world)
{
	roster_finish(&world->roster);
	roster_init(&world->roster);
	for (unsigned i = 0; i < PEOPLE; i++)
		put(&world->roster, i, world->state.name[i]);
	(void)roster_history_begin(&world->roster);
}

static void
happen(struct world *world)
{
	unsigned person = draw(world, PEOPLE);
	unsigned what = draw(world, 1000);

	if (what == 0) {
		restart(world);
	} else if (what < 80) {
		come_back(world, &world->clients[draw(world, CLIENTS)]);
	} else {
		world->state.name[person] = draw(world, NAMES + 1);
		put(&world->roster, person, world->state.name[person]);
	}
}

static void
whoever_comes_back_ends_with_the_right_roster(void **state)
{
	unsigned updated = 0, whole = 0;

	(void)state;
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct world world = { .random = seed };

		roster_init(&world.roster);
		(void)roster_history_begin(&world.roster);
		for (unsigned i = 0; i < ROUNDS; i++)
			happen(&world);
		updated += world.updated;
		whole += world.whole;
		roster_finish(&world.roster);
	}
	assert_true(updated > 1000);
	assert_true(whole > 1000);
}

static void
what_was_changed_back_is_not_told(void **state)
{
	struct roster_step steps[ROSTER_CHANGES_MOST];
	char before[ROSTER_VERSION_CHARS + 1], after[ROSTER_VERSION_CHARS + 1];
	struct roster roster;

	(void)state;
	roster_init(&roster);
	put(&roster, 0, 1);
	put(&roster, 1, 1);
	roster_version_write(roster_history_now(roster_history_begin(&roster)), before);
	put(&roster, 0, 2);
	put(&roster, 1, 2);
	put(&roster, 0, 1);
	assert_int_equal(roster_history_since(roster.history, slice_of(before), steps), 1);
	assert_true(slice_is_text(steps[0].bare, people[1]));
	put(&roster, 1, 1);
	roster_version_write(roster_history_now(roster.history), after);
	assert_string_equal(before, after);
	assert_int_equal(roster_history_since(roster.history, slice_of(before), steps), 0);
	roster_finish(&roster);
}

static void
a_version_that_never_was_is_not_known(void **state)
{
	static const char *const strange[] = { "", "0", "ver14", "0123456789abcdef0123456789abcdef",
		"0123456789abcdef0123456789abcdef0" };
	struct roster_step steps[ROSTER_CHANGES_MOST];
	struct roster roster;

	(void)state;
	roster_init(&roster);
	(void)roster_history_begin(&roster);
	put(&roster, 0, 1);
	for (size_t i = 0; i < COUNT_OF(strange); i++)
		assert_int_equal(
			roster_history_since(roster.history, slice_of(strange[i]), steps), -1);
	roster_finish(&roster);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_comes_back_ends_with_the_right_roster),
		cmocka_unit_test(what_was_changed_back_is_not_told),
		cmocka_unit_test(a_version_that_never_was_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
