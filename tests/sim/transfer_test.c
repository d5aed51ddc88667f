/* A module that keeps something and does not say how it leaves with its account has no place. */
#include "io/sim.h"
#include "server/module.h"
#include "server/server.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct store_entry stores[] = {
	{ "things", STORE_SET, .version = 1 },
	{ 0 },
};
static const struct transfer_entry transfers[] = { { 0 } };

/* What a server with that module alone says at its start; "": nothing. */
static struct slice
start_with(const struct module *module, struct arena *arena)
{
	const struct module *const modules[] = { module, NULL };
	struct server_setup setup = { .modules = modules };
	struct config_error error = { "" };
	struct server *server = NULL;
	struct sim *sim = sim_create(1);

	setup.config = config_create(server_sections(modules, arena));
	config_add_host(setup.config, "localhost", NULL, NULL);
	assert_int_equal(
		config_set(setup.config, SLICE("c2s.require_tls"), SLICE("no"), &error), 0);
	setup.memory = store_memory_create();
	setup.sim = sim;
	(void)server_create(&setup, &server, &error);
	server_destroy(&server);
	config_destroy(&setup.config);
	store_memory_destroy(&setup.memory);
	sim_destroy(&sim);
	return arena_copy(arena, slice_of(error.text));
}

static void
nothing_that_a_module_keeps_is_left_behind(void **state)
{
	static const struct module silent = { .name = "silent", .stores = stores };
	static const struct module honest = {
		.name = "honest", .stores = stores, .transfers = transfers
	};
	struct arena arena;

	(void)state;
	arena_init(&arena, 0);
	assert_string_equal(start_with(&honest, &arena).p, "");
	assert_non_null(strstr(start_with(&silent, &arena).p, "the module silent"));
	arena_finish(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_that_a_module_keeps_is_left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
