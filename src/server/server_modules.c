/* The modules of a server: where their state lies, their configuration, counters and routes. */
#include "server/account_internal.h"
#include "server/iq_internal.h"
#include "server/server_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* Modules are static, each at an address of its own: that says where to begin to look. */
static size_t
place_of(const struct module *module)
{
	return (uintptr_t)module / 32 % MODULE_PLACES;
}

const struct module_slot *
server_module(const struct server *server, const struct module *module)
{
	size_t at = place_of(module);

	while (server->modules[server->module_places[at]].module != module)
		at = (at + 1) % MODULE_PLACES;
	return &server->modules[server->module_places[at]];
}

void
server_place_modules(struct server *server)
{
	bool is_taken[MODULE_PLACES] = { false };

	assert(server->module_count < MODULE_PLACES / 2);
	for (size_t i = 0; i < server->module_count; i++) {
		size_t at = place_of(server->modules[i].module);

		while (is_taken[at])
			at = (at + 1) % MODULE_PLACES;
		is_taken[at] = true;
		server->module_places[at] = (uint8_t)i;
	}
}

const void *
module_config(const struct host *host, const struct module *module)
{
	return server_module(host->server, module)->config;
}

unsigned
module_table(const struct host *host, const struct module *module, unsigned store)
{
	return server_module(host->server, module)->first_table + store;
}

static void
count(struct shard *shard, const struct module *module, unsigned metric)
{
	shard->metrics[server_module(shard->server, module)->first_metric + metric]++;
}

void
metric_add(struct account *acct, const struct module *module, unsigned metric)
{
	count(acct->shard, module, metric);
}

void
metric_add_iq(struct iq *iq, const struct module *module, unsigned metric)
{
	count(iq_shard(iq), module, metric);
}

/* Two owners of one route are a mistake of ours, and a start-up error. */
static int
add_route(struct server *server, const struct module *module, const struct iq_route *route,
	struct config_error *error)
{
	const struct codec_type *type = codec_add(server->codec, route->payload);
	struct iq_entry *entry;

	for (size_t i = 0; i < server->route_count; i++) {
		entry = &server->routes[i];
		if (entry->type != type || entry->route->type != route->type ||
			entry->route->scope != route->scope)
			continue;
		(void)snprintf(error->text, sizeof(error->text),
			"the modules %s and %s both answer <%s xmlns='%s'/>; leave one out of "
			"modules.list",
			entry->owner, module->name, route->payload->name, route->payload->ns);
		return -EINVAL;
	}
	server->routes = xrealloc(
		server->routes, size_mul(server->route_count + 1, sizeof(*server->routes)));
	server->routes[server->route_count++] = (struct iq_entry){ route, type, module->name };
	return 0;
}

static int
check_needs(const struct server *server, const struct module *module, struct config_error *error)
{
	for (size_t i = 0; module->needs != NULL && module->needs[i] != NULL; i++) {
		bool found = false;

		for (size_t j = 0; j < server->module_count; j++)
			found |= strcmp(server->modules[j].module->name, module->needs[i]) == 0;
		if (!found) {
			(void)snprintf(error->text, sizeof(error->text),
				"the module %s needs the module %s; add it to modules.list",
				module->name, module->needs[i]);
			return -EINVAL;
		}
	}
	return 0;
}

int
modules_add_routes(struct server *server, struct config_error *error)
{
	for (size_t i = 0; i < server->module_count; i++) {
		const struct module *module = server->modules[i].module;
		const struct iq_route *route = module->routes;

		if (check_needs(server, module, error) < 0)
			return -EINVAL;
		for (; route != NULL && route->payload != NULL; route++) {
			if (add_route(server, module, route, error) < 0)
				return -EINVAL;
		}
	}
	return 0;
}
