/*
 * What the server keeps lies in a memory store that outlives it, as a disk would. It answers late,
 * and some questions before others.
 */
#include "sim_target.h"

#include "base/random.h"
#include "io/sim.h"
#include "io/timer.h"
#include "proto/scram_keys.h"
#include "server/modules.h"
#include "server/server.h"
#include "server/server_internal.h"
#include "store/store.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct sim_target {
	struct target target;
	struct sim_target_setup setup;
	struct store_memory *memory;
	struct arena arena;
	const struct option_section *sections;
	struct config *config;
	struct server *server;
	bool has_users;
	struct loop *disk; /* where the store works */
	struct timer work;
	unsigned rest_ms; /* until it looks again for something to do */
	char ca[PATH_MAX];
};

static int
complain(const char *what)
{
	(void)printf("%s\n", what);
	return -1;
}

static int
set(struct config *config, const char *setting)
{
	struct slice text = slice_of(setting);
	size_t equals = slice_find(text, '=');
	struct config_error error;

	if (equals == text.len)
		return complain("a setting is KEY=VALUE");
	if (config_set(config, slice_make(text.p, equals), slice_from(text, equals + 1), &error) <
		0)
		return complain(error.text);
	return 0;
}

/* All domains share the one certificate. */
static void
add_host(struct sim_target *t, const char *domain)
{
	char certificate[PATH_MAX], key[PATH_MAX];

	if (t->setup.directory == NULL) {
		config_add_host(t->config, domain, NULL, NULL);
		return;
	}
	(void)snprintf(certificate, sizeof(certificate), "%s/cert.pem", t->setup.directory);
	(void)snprintf(key, sizeof(key), "%s/key.pem", t->setup.directory);
	config_add_host(t->config, domain, certificate, key);
}

static int
configure(struct sim_target *t, const struct needs *needs)
{
	char shards[32];
	int r;

	t->config = config_create(t->sections);
	(void)snprintf(shards, sizeof(shards), "server.shards=%u", t->setup.shards);
	add_host(t, t->setup.domain);
	for (size_t i = 0; i < needs->domain_count; i++)
		add_host(t, needs->domains[i]);
	r = set(t->config, shards);
	for (size_t i = 0; r == 0 && i < needs->setting_count; i++)
		r = set(t->config, needs->settings[i]);
	return r;
}

static void
user_saved(struct store_request *request)
{
	if (request->error != 0)
		die("a user cannot be stored");
}

/* All users have one password, so all have the same keys. */
static void
add_users(struct sim_target *t, const struct needs *needs, const char *password)
{
	struct scram_credentials keys;
	struct buffer text;

	if (t->has_users || needs->user_count == 0)
		return;
	t->has_users = true;
	if (scram_credentials_make(slice_of(password), t->setup.iterations, &keys) < 0)
		die("no keys can be made of the password");
	buffer_init(&text, 4096);
	(void)scram_credentials_write(&keys, &text);
	for (size_t i = 0; i < needs->user_count; i++) {
		const char *user = needs->users[i];
		struct slice bare = strchr(user, '@') != NULL ? slice_of(user)
							      : arena_printf(&t->arena, "%s@%s",
									user, t->setup.domain);
		struct store_txn *txn = store_txn_create(t->server->store, bare);

		store_txn_value_create(
			txn, t->server->tables[CORE_CREDENTIALS], buffer_slice(&text));
		store_commit(txn, 0, user_saved, t);
	}
	buffer_finish(&text);
}

static int
start(struct target *target, const struct needs *needs, const char *password)
{
	struct sim_target *t = container_of(target, struct sim_target, target);
	struct server_setup setup = {
		.modules = all_modules,
		.hook_seed = t->setup.hook_seed,
		.memory = t->memory,
		.sim = t->setup.sim,
	};
	struct config_error error = { "" };

	if (configure(t, needs) < 0)
		return -1;
	setup.config = t->config;
	if (server_create(&setup, &t->server, &error) < 0 || server_start(t->server, &error) < 0)
		return complain(error.text);
	add_users(t, needs, password);
	t->target.port = server_port(t->server);
	t->target.tls_port = server_tls_port(t->server);
	return 0;
}

static int
stop(struct target *target)
{
	struct sim_target *t = container_of(target, struct sim_target, target);

	if (t->server != NULL)
		server_stop(t->server);
	server_destroy(&t->server);
	config_destroy(&t->config);
	return 0;
}

static void
let_time_pass(struct target *target, uint64_t ms)
{
	sim_pass(container_of(target, struct sim_target, target)->setup.sim, ms);
}

enum { STEPS_MOST = 4, BUSY_MS = 40, IDLE_MS = 500 };

static unsigned
draw(unsigned below)
{
	uint32_t number;

	random_bytes(&number, sizeof(number));
	return number % below;
}

/* Without work it looks less and less often, so that a day passes quickly. */
static void
work(struct timer *timer)
{
	struct sim_target *t = container_of(timer, struct sim_target, work);
	unsigned steps = 1 + draw(STEPS_MOST);
	bool worked = false;

	while (steps > 0 && store_memory_step(t->memory, draw(STEPS_MOST))) {
		worked = true;
		steps--;
	}
	t->rest_ms = worked ? 1 + draw(BUSY_MS) : t->rest_ms * 2;
	if (t->rest_ms > IDLE_MS)
		t->rest_ms = IDLE_MS;
	timer_start(t->disk, timer, t->rest_ms);
}

struct sim_target *
sim_target_create(const struct sim_target_setup *setup)
{
	struct sim_target *t = xcalloc(1, sizeof(*t));

	t->setup = *setup;
	t->memory = store_memory_create();
	store_memory_hold(t->memory, true);
	t->disk = sim_loop_create(setup->sim);
	t->work.fire = work;
	t->rest_ms = BUSY_MS;
	timer_start(t->disk, &t->work, 0);
	arena_init(&t->arena, 0);
	t->sections = server_sections(all_modules, &t->arena);
	if (setup->directory != NULL)
		(void)snprintf(t->ca, sizeof(t->ca), "%s/ca.pem", setup->directory);
	t->target = (struct target){
		.start = start, .stop = stop, .pass = let_time_pass, .ca = t->ca
	};
	return t;
}

void
sim_target_destroy(struct sim_target **target)
{
	struct sim_target *t = *target;

	*target = NULL;
	if (t == NULL)
		return;
	timer_stop(t->disk, &t->work);
	loop_destroy(&t->disk);
	store_memory_destroy(&t->memory);
	arena_finish(&t->arena);
	free(t);
}

struct target *
sim_target_interface(struct sim_target *target)
{
	return &target->target;
}

struct server *
sim_target_server(struct sim_target *target)
{
	return target->server;
}
