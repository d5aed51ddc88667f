/*
 * The hosts of a server: the domains of its configuration. A host stays where it is as long as the
 * server lives, because accounts and streams point to it; one that a reload took away is found no
 * longer, and comes back when its domain does.
 */
#include "server/server_internal.h"

#include <errno.h>
#include <stdlib.h>

struct host *
server_host(const struct server *server, struct slice domain)
{
	struct map_node *node = map_find(&server->host_map, domain);

	return node == NULL ? NULL : container_of(node, struct host, node);
}

struct slice
host_domain(const struct host *host)
{
	return host->node.key;
}

struct server *
host_server(const struct host *host)
{
	return host->server;
}

bool
host_has_neighbour(const struct host *host, struct slice domain)
{
	return server_host(host->server, domain) != NULL;
}

void
hosts_init(struct server *server)
{
	map_init(&server->host_map);
}

static bool
is_twice(const struct config *config, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (strcmp(config->hosts[i].domain, config->hosts[at].domain) == 0)
			return true;
	}
	return false;
}

int
hosts_check(struct config *config, struct config_error *error)
{
	for (size_t i = 0; i < config->host_count; i++) {
		struct host_config *host = &config->hosts[i];
		const char *typed = host->domain;
		struct slice domain;

		if (jid_prepare_domain(slice_of(typed), &config->arena, &domain) < 0) {
			(void)snprintf(error->text, sizeof(error->text),
				"host \"%s\": this is no domain; give one such as example.org",
				typed);
			return -EINVAL;
		}
		/* With a NUL behind it: OpenSSL and listeners want C strings. */
		host->domain = arena_copy(&config->arena, domain).p;
		if (is_twice(config, i)) {
			(void)snprintf(error->text, sizeof(error->text),
				"host \"%s\" is there twice; remove one", typed);
			return -EINVAL;
		}
	}
	if (config->host_count > 0)
		return 0;
	(void)snprintf(error->text, sizeof(error->text),
		"no host is configured; add a line such as: host \"example.org\" { certificate = "
		"\"cert.pem\" key = \"key.pem\" }");
	return -EINVAL;
}

static struct host *
host_create(struct server *server, struct slice domain)
{
	struct host *host = xcalloc(1, sizeof(*host));

	host->server = server;
	host->node.key = slice_make(xstrndup(domain.p, domain.len), domain.len);
	return host;
}

static void
host_destroy(struct host *host)
{
	free((void *)(uintptr_t)host->node.key.p);
	free(host);
}

/* The one that had the domain before a reload, or a new one. */
static struct host *
find_or_create(struct server *server, struct slice domain)
{
	struct host *host = server_host(server, domain);

	for (size_t i = 0; host == NULL && i < server->gone_count; i++) {
		if (slice_is(host_domain(server->gone[i]), domain)) {
			host = server->gone[i];
			server->gone[i] = server->gone[--server->gone_count];
		}
	}
	return host == NULL ? host_create(server, domain) : host;
}

static void
give_up(struct server *server, struct host *host)
{
	map_remove(&server->host_map, &host->node);
	server->gone = xrealloc(
		server->gone, size_mul(server->gone_count + 1, sizeof(struct host *)));
	server->gone[server->gone_count++] = host;
}

void
hosts_use(struct server *server)
{
	const struct config *config = server->config;
	struct host **before = server->hosts;
	size_t count = server->host_count;

	for (size_t i = 0; i < count; i++)
		before[i]->is_gone = true;
	server->hosts = xcalloc(config->host_count, sizeof(struct host *));
	server->host_count = config->host_count;
	for (size_t i = 0; i < config->host_count; i++) {
		struct slice domain = slice_of(config->hosts[i].domain);
		struct host *host = find_or_create(server, domain);

		if (server_host(server, domain) == NULL)
			map_insert(&server->host_map, &host->node);
		host->is_gone = false;
		server->hosts[i] = host;
	}
	for (size_t i = 0; i < count; i++) {
		if (before[i]->is_gone)
			give_up(server, before[i]);
	}
	free(before);
}

void
hosts_finish(struct server *server)
{
	map_finish(&server->host_map);
	for (size_t i = 0; i < server->host_count; i++)
		host_destroy(server->hosts[i]);
	for (size_t i = 0; i < server->gone_count; i++)
		host_destroy(server->gone[i]);
	free(server->hosts);
	free(server->gone);
}
