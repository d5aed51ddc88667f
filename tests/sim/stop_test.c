/*
 * A server that is taken apart in the middle of work: letters are in mailboxes, and what they lead
 * to would ask the store.
 */
#include "io/sim.h"
#include "server/account_internal.h"
#include "server/farewell.h"
#include "server/letter.h"
#include "server/modules.h"
#include "server/registrar.h"
#include "server/server.h"
#include "server/server_internal.h"
#include "store/store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct world {
	struct sim *sim;
	struct store_memory *memory;
	struct arena arena;
	struct config *config;
	struct server *server;
};

static void
set(struct world *w, const char *key, const char *value)
{
	struct config_error error = { "" };

	assert_int_equal(config_set(w->config, slice_of(key), slice_of(value), &error), 0);
}

static void
start(struct world *w, const char *stop_timeout)
{
	struct server_setup setup = { .modules = all_modules };
	struct config_error error = { "" };

	w->config = config_create(server_sections(all_modules, &w->arena));
	config_add_host(w->config, "localhost", NULL, NULL);
	set(w, "server.shards", "3");
	set(w, "server.stop_timeout", stop_timeout);
	set(w, "c2s.require_tls", "no");
	setup.config = w->config;
	setup.memory = w->memory;
	setup.sim = w->sim;
	(void)server_create(&setup, &w->server, &error);
	assert_string_equal(error.text, "");
}

static void
end(struct world *w)
{
	server_destroy(&w->server);
	config_destroy(&w->config);
}

static int
set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	arena_init(&w->arena, 0);
	w->sim = sim_create(1);
	w->memory = store_memory_create();
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	store_memory_destroy(&w->memory);
	sim_destroy(&w->sim);
	arena_finish(&w->arena);
	free(w);
	return 0;
}

static struct jid
address(struct world *w, const char *text)
{
	struct jid jid;

	assert_int_equal(jid_parse(slice_of(text), &w->arena, &jid), 0);
	return jid;
}

static void
add_account(struct world *w, const char *bare)
{
	struct store_txn *txn = store_txn_create(w->server->store, slice_of(bare));

	store_txn_value_create(txn, w->server->tables[CORE_CREDENTIALS], SLICE("x"));
	store_commit(txn, 0, NULL, NULL);
}

/* Puts a request to see the presence of `to` into the mailbox of its home. */
static void
send_subscribe(struct world *w, const char *from, const char *to)
{
	struct stanza st = {
		.kind = STANZA_PRESENCE,
		.type = TYPE_SUBSCRIBE,
		.from = address(w, from),
		.to = address(w, to),
	};
	struct shard *home = server_home(w->server, st.to.full);

	letter_send(letter_create(&st, NULL, 0), w->server->shards[0], home);
}

/* How many requests wait for the user's answer, as it is stored. */
static size_t
count_requests(struct world *w, const char *bare)
{
	struct jid jid = address(w, bare);
	struct shard *home = server_home(w->server, jid.full);
	struct account *acct = account_load(home, server_host(w->server, SLICE("localhost")), &jid);

	while (!account_is_ready(acct))
		loop_turn(home->loop, 0);
	return acct->roster.requests.count;
}

static void
what_is_under_way_is_finished(void **state)
{
	struct world *w = *state;

	start(w, "5s");
	add_account(w, "romeo@localhost");
	send_subscribe(w, "juliet@localhost", "romeo@localhost");
	end(w);
	start(w, "5s");
	assert_int_equal(count_requests(w, "romeo@localhost"), 1);
	end(w);
}

/* The store is held, so the deadline passes; then nothing may ask it any more. */
static void
what_is_not_finished_in_time_is_dropped(void **state)
{
	struct world *w = *state;

	start(w, "100ms");
	add_account(w, "romeo@localhost");
	store_memory_hold(w->memory, true);
	for (unsigned i = 0; i < 20; i++) {
		char from[32];

		(void)snprintf(from, sizeof(from), "user%u@localhost", i);
		send_subscribe(w, from, "romeo@localhost");
		send_subscribe(w, "romeo@localhost", from);
	}
	end(w);
}

/* The deadline has passed already when the server begins to wait. */
static void
letters_that_nobody_opened_ask_no_closed_store(void **state)
{
	struct world *w = *state;
	struct server_config *conf;

	start(w, "5s");
	conf = (struct server_config *)(uintptr_t)w->server->core->server;
	conf->stop_ms = 0;
	add_account(w, "romeo@localhost");
	send_subscribe(w, "juliet@localhost", "romeo@localhost");
	send_subscribe(w, "romeo@localhost", "juliet@localhost");
	end(w);
}

static void
add_contact(struct world *w, const char *bare, const char *contact)
{
	struct store_txn *txn = store_txn_create(w->server->store, slice_of(bare));
	struct slice item = arena_printf(&w->arena,
		"<item xmlns='jabber:iq:roster' jid='%s' subscription='both'/>", contact);

	store_txn_map_put(txn, w->server->tables[CORE_ROSTER], slice_of(contact), item);
	store_commit(txn, 0, NULL, NULL);
}

static struct account *
loaded(struct world *w, const char *bare)
{
	struct jid jid = address(w, bare);
	struct shard *home = server_home(w->server, jid.full);
	struct account *acct = account_load(home, server_host(w->server, SLICE("localhost")), &jid);

	while (!account_is_ready(acct))
		loop_turn(home->loop, 0);
	return acct;
}

static void
ignore_outcome(void *arg, int error)
{
	(void)arg;
	(void)error;
}

/* From the k-th transaction on nothing reaches the disk any more. Whether it was removed by then.
 */
static bool
remove_until(struct world *w, uint64_t k)
{
	static const char *const friends[] = { "romeo@localhost", "nurse@localhost",
		"paris@localhost" };
	struct jid juliet;
	bool is_gone;

	start(w, "5s");
	juliet = address(w, "juliet@localhost");
	add_account(w, "juliet@localhost");
	for (size_t i = 0; i < COUNT_OF(friends); i++) {
		add_account(w, friends[i]);
		add_contact(w, "juliet@localhost", friends[i]);
		add_contact(w, friends[i], "juliet@localhost");
	}
	store_memory_fail(w->memory, k, UINT64_MAX, -EIO);
	registrar_remove(w->server->shards[0], &juliet, ignore_outcome, NULL);
	end(w);
	store_memory_fail(w->memory, 0, 0, 0);

	start(w, "5s");
	farewell_resume(w->server);
	end(w);

	start(w, "5s");
	is_gone = !account_exists(loaded(w, "juliet@localhost"));
	for (size_t i = 0; i < COUNT_OF(friends); i++) {
		const struct contact *c = roster_find(
			&loaded(w, friends[i])->roster, SLICE("juliet@localhost"));

		assert_int_equal(c->subscription, is_gone ? SUBSCRIPTION_NONE : SUBSCRIPTION_BOTH);
	}
	end(w);
	return is_gone;
}

/* Wherever a removal is cut: nobody is subscribed to somebody who is not there. */
static void
who_is_removed_leaves_no_subscription(void **state)
{
	struct world *w = *state;

	for (uint64_t k = 0; k < 12; k++) {
		assert_int_equal(remove_until(w, k), k > 0);
		store_memory_destroy(&w->memory);
		w->memory = store_memory_create();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_under_way_is_finished, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_not_finished_in_time_is_dropped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			letters_that_nobody_opened_ask_no_closed_store, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			who_is_removed_leaves_no_subscription, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
