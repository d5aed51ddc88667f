/* Putting a server together and taking it apart. */
#include "server/server.h"

#include "base/random.h"
#include "proto/sasl.h"
#include "server/account_internal.h"
#include "server/certificates.h"
#include "server/command_internal.h"
#include "server/control.h"
#include "server/credentials.h"
#include "server/early_read.h"
#include "server/farewell.h"
#include "server/host_keep.h"
#include "server/iq_internal.h"
#include "server/revival.h"
#include "server/roster.h"
#include "server/scrape.h"
#include "server/secret.h"
#include "server/server_internal.h"
#include "server/session_internal.h"
#include "server/session_record.h"
#include "server/transfer_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { JOBS_QUEUED = 20000, ALIGN = 16 };

static const struct store_table core_tables[CORE_TABLES] = {
	[CORE_CREDENTIALS] = { "core.credentials", STORE_VALUE, 1 },
	[CORE_ROSTER] = { "core.roster", STORE_MAP, 1 },
	[CORE_REQUESTS] = { "core.requests", STORE_MAP, 1 },
	[CORE_DISABLED] = { "core.disabled", STORE_VALUE, 1 },
	[CORE_FAREWELL] = { "core.farewell", STORE_VALUE, 1 },
	[CORE_TOKENS] = { "core.tokens", STORE_MAP, 1 },
	[CORE_KEPT] = { "core.kept", STORE_MAP, 1 },
	[CORE_SESSIONS] = { "core.sessions", STORE_MAP, 1 },
	[CORE_COUNTS] = { "core.counts", STORE_MAP, 1 },
	[CORE_OUTBOX] = { "core.outbox", STORE_LOG, 1 },
};

const char *
server_name(void)
{
	return "Kith";
}

const char *
server_version(void)
{
	return KITH_VERSION;
}

static size_t
count_modules(const struct module *const *modules)
{
	size_t n = 0;

	while (modules[n] != NULL)
		n++;
	return n;
}

const struct option_section *
server_sections(const struct module *const *modules, struct arena *arena)
{
	size_t core = 0, n = count_modules(modules);
	struct option_section *sections;

	while (core_sections[core].name != NULL)
		core++;
	sections = arena_array(arena, core + n + 1, struct option_section);
	memcpy(sections, core_sections, core * sizeof(*sections));
	for (size_t i = 0; i < n; i++)
		sections[core + i] = (struct option_section){
			.name = modules[i]->name,
			.about = modules[i]->about,
			.options = modules[i]->options,
			.size = modules[i]->config_size,
		};
	return sections;
}

struct shard *
server_home(const struct server *server, struct slice bare)
{
	if (server->shard_count == 1)
		return server->shards[0];
	return server->shards[server->slots[siphash(&server->slot_key, bare) % SLOTS]];
}

static unsigned
count_metrics(const struct module *module)
{
	unsigned n = 0;

	while (module->metrics != NULL && module->metrics[n].name != NULL)
		n++;
	return n;
}

static unsigned
count_stores(const struct module *module)
{
	unsigned n = 0;

	while (module->stores != NULL && module->stores[n].name != NULL)
		n++;
	return n;
}

static size_t
aligned(size_t size)
{
	return (size + ALIGN - 1) / ALIGN * ALIGN;
}

/* Where each module's state lies; the sizes of a whole account and a whole session. */
static void
lay_out_modules(struct server *server, const struct module *const *modules, size_t *account_out,
	size_t *session_out)
{
	unsigned table = CORE_TABLES;

	*account_out = sizeof(struct account);
	*session_out = sizeof(struct session);
	server->metric_count = CORE_METRICS;
	server->module_count = count_modules(modules);
	server->modules = xcalloc(server->module_count + 1, sizeof(*server->modules));
	for (size_t i = 0; i < server->module_count; i++) {
		struct module_slot *slot = &server->modules[i];

		slot->module = modules[i];
		slot->account_offset = *account_out - sizeof(struct account);
		slot->session_offset = *session_out - sizeof(struct session);
		slot->first_table = table;
		slot->first_metric = server->metric_count;
		*account_out += aligned(modules[i]->account_size);
		*session_out += aligned(modules[i]->session_size);
		table += count_stores(modules[i]);
		server->metric_count += count_metrics(modules[i]);
	}
	server_place_modules(server);
}

static struct store_request *
request_of(struct task *task)
{
	return (struct store_request *)(void *)((char *)task -
						offsetof(struct store_request, mailbox));
}

/* A completed request in a mailbox. */
struct answer {
	struct task task;
	struct server *server;
};

static void
take_answer(struct task *task)
{
	struct store_request *request = request_of(task);

	if (atomic_load(&container_of(task, struct answer, task)->server->is_closing))
		store_request_drop(request);
	else
		store_request_finish(request);
}

static void
post_request(void *arg, unsigned target, struct store_request *request)
{
	struct server *server = arg;
	struct answer *answer = (struct answer *)(void *)request->mailbox;

	_Static_assert(sizeof(*answer) <= sizeof(request->mailbox), "an answer fits");
	if (target == server->shard_count) {
		early_read_arrived(request);
		return;
	}
	answer->task.run = take_answer;
	answer->server = server;
	loop_post(server->shards[target]->loop, &answer->task);
}

static void
store_notice(void *arg, enum store_notice notice, struct slice sentence)
{
	struct server *server = arg;
	bool was_killed = notice == STORE_KILLED || notice == STORE_CHECKING;
	bool is_good = was_killed || notice == STORE_HAS_ROOM || notice == STORE_RECOVERED;

	if (was_killed)
		server->was_killed = true;
	if (is_good)
		log_info(server->log, "the store has news", F_TEXT("notice", sentence));
	else
		log_error(server->log, "the store is in trouble", F_TEXT("notice", sentence));
}

enum log_level
server_level_of(int store_error)
{
	switch (-store_error) {
	case ENOSPC:
	case EIO:
	case ECANCELED:
	case EEXIST:
	case ENOENT:
		return LOG_DEBUG;
	default:
		return LOG_ERROR;
	}
}

static int
open_store(struct server *server, const struct server_setup *setup, struct config_error *error)
{
	struct store_table *tables;
	struct arena arena;
	struct store_config config = { .dir = setup->directory, .memory = setup->memory };
	struct store_env env = { server, post_request, store_notice };
	struct store_fault fault;
	size_t count = CORE_TABLES;
	int r;

	arena_init(&arena, 0);
	for (size_t i = 0; i < server->module_count; i++)
		count += count_stores(server->modules[i].module);
	tables = arena_array(&arena, count, struct store_table);
	memcpy(tables, core_tables, sizeof(core_tables));
	for (size_t i = 0, at = CORE_TABLES; i < server->module_count; i++) {
		const struct module *module = server->modules[i].module;

		for (unsigned j = 0; j < count_stores(module); j++, at++)
			tables[at] = (struct store_table){
				arena_printf(&arena, "%s.%s", module->name, module->stores[j].name)
					.p,
				module->stores[j].kind,
				module->stores[j].version,
			};
	}
	for (unsigned i = 0; i < CORE_TABLES; i++)
		server->tables[i] = i;
	r = store_open(&config, tables, count, &env, &arena, &server->store, &fault);
	if (r < 0)
		(void)snprintf(error->text, sizeof(error->text), "%.*s %.*s",
			SLICE_ARG(fault.cause), SLICE_ARG(fault.cure));
	arena_finish(&arena);
	return r;
}

static unsigned
count_cores(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores < 1 ? 1 : cores > SHARDS_MOST ? SHARDS_MOST : (unsigned)cores;
}

/* The last core is for the kernel's network work, the store and the workers. */
static unsigned
count_shards(const struct server_config *conf)
{
	unsigned cores = count_cores();

	if (conf->shards > 0)
		return conf->shards;
	return cores > 1 ? cores - 1 : 1;
}

static void
make_shards(struct server *server, size_t account_size, size_t session_size)
{
	const struct server_config *conf = server->core->server;
	unsigned count = count_shards(conf);

	server->slot_key = hash_key_random();
	for (unsigned i = 0; i < SLOTS; i++)
		server->slots[i] = (uint8_t)(i % count);
	server->shards = xcalloc(count, sizeof(struct shard *));
	for (; server->shard_count < count; server->shard_count++)
		server->shards[server->shard_count] = shard_create(
			server, server->shard_count, account_size, session_size);
}

/* In a simulation work is done at once, by the loop that wants it. */
static unsigned
count_workers(const struct server *server)
{
	uint32_t workers = server->core->server->workers;

	if (server->sim != NULL)
		return 0;
	return workers > 0 ? workers : count_cores();
}

static void
make_pipeline(struct server *server, const struct server_setup *setup)
{
	pipeline_init(&server->pipeline, setup->modules, server->module_count, setup->hook_seed);
	if (setup->hook_seed != 0)
		log_info(server->log, "hooks run in a shuffled order",
			F_UINT("seed", setup->hook_seed));
}

void
server_use_config(struct server *server, struct config *config)
{
	server->config = config;
	server->core = core_config_of(config);
	server->client_limits = xml_limits_client;
	server->client_limits.stanza_bytes = (uint32_t)server->core->c2s->stanza_bytes;
	server->guessing = (struct throttle_policy){ server->core->auth->failures,
		server->core->auth->backoff_ms };
	for (size_t i = 0; i < server->module_count; i++)
		server->modules[i].config = config_section(config, server->modules[i].module->name);
	hosts_use(server);
	disco_settle(server);
}

int
server_check_config(struct config *config, struct config_error *error)
{
	const struct core_config *core = core_config_of(config);
	int r = admins_check(core->server, error);

	if (r == 0)
		r = scrape_check(core->metrics, error);
	return r < 0 ? r : hosts_check(config, error);
}

static int
load_certificates(struct server *server, struct config_error *error)
{
	struct tls_context *tls[SHARDS_MOST] = { NULL };
	int r = c2s_load_certificates(server, server->config, tls, error);

	for (unsigned i = 0; i < server->shard_count; i++)
		server->shards[i]->tls = tls[i];
	return r;
}

int
server_create(
	const struct server_setup *setup, struct server **server_out, struct config_error *error)
{
	struct server *server = xcalloc(1, sizeof(*server));
	size_t account_size, session_size;
	int r;

	server->log = setup->log;
	server->sim = setup->sim;
	server->directory = setup->has_control ? setup->directory : NULL;
	server->wants_stop = setup->wants_stop;
	server->wants_restart = setup->wants_restart;
	server->wants_reload = setup->wants_reload;
	server->wants_arg = setup->wants_arg;
	server->inherited = setup->inherited;
	server->names = names_create();
	server->codec = codec_create(server->names);
	hosts_init(server);
	lay_out_modules(server, setup->modules, &account_size, &session_size);
	host_keep_settle(server);
	server->roster_item = codec_add(server->codec, &roster_item_payload);
	server->session_record = codec_add(server->codec, &session_record_payload);
	make_pipeline(server, setup);
	r = modules_add_routes(server, error);
	if (r == 0)
		r = transfer_settle(server, error);
	if (r == 0)
		r = commands_check(server, error);
	if (r == 0)
		r = server_check_config(setup->config, error);
	if (r == 0) {
		server_use_config(server, setup->config);
		server->networks = throttle_create(&server->guessing);
		make_shards(server, account_size, session_size);
		server->workers = worker_pool_create(count_workers(server), JOBS_QUEUED);
		r = load_certificates(server, error);
	}
	if (r == 0)
		r = open_store(server, setup, error);
	if (r == 0)
		r = host_keep_load(server, setup->memory, error);
	if (r == 0)
		r = revival_load(server, setup->memory, error);
	if (r == 0)
		r = secret_load(setup->directory, server->fake_salt_secret,
			sizeof(server->fake_salt_secret), error);
	if (r < 0)
		server_destroy(&server);
	*server_out = server;
	return r;
}

int
server_start(struct server *server, struct config_error *error)
{
	int r;

	farewell_resume(server);
	r = c2s_start(server, error);
	if (r == 0 && server->directory != NULL)
		r = control_start(server, error);
	if (r == 0)
		r = scrape_start(server, error);
	if (r < 0)
		return r;
	certificates_watch(server);
	shards_run(server);
	return 0;
}

uint16_t
server_port(const struct server *server)
{
	return server->port;
}

uint16_t
server_tls_port(const struct server *server)
{
	return server->tls_port;
}

void
server_explain(const struct server *server, FILE *out)
{
	pipeline_explain(&server->pipeline, out);
}
