/* Client connections of each shard: listening sockets, certificates, and letting everyone go. */
#include "base/clock.h"
#include "io/listener.h"
#include "io/tls.h"
#include "proto/jid_domain.h"
#include "server/account_internal.h"
#include "server/certificates.h"
#include "server/login.h"
#include "server/login_internal.h"
#include "server/revival.h"
#include "server/server_internal.h"
#include "server/session_internal.h"
#include "server/tidy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

static void
accepted_plain(struct listener *listener, struct conn *conn, void *arg)
{
	(void)listener;
	login_create(arg, conn, false);
}

static void
accepted_tls(struct listener *listener, struct conn *conn, void *arg)
{
	(void)listener;
	login_create(arg, conn, true);
}

static void
exhausted(struct listener *listener, void *arg)
{
	struct shard *shard = arg;

	(void)listener;
	log_error(shard->server->log,
		"no file descriptors are left and clients are refused; raise the limit of open "
		"files",
		F_UINT("shard", shard->number));
}

static int
load_host(struct tls_context *tls, const struct host_config *host, struct config_error *error)
{
	struct tls_error why;
	struct arena arena;
	const char *ascii;
	int r;

	if (host->certificate == NULL || host->key == NULL)
		return 0;
	arena_init(&arena, 0);
	ascii = jid_domain_ascii(slice_of(host->domain), &arena).p;
	r = tls_context_add(tls, host->domain, host->certificate, host->key, &why);
	/* A handshake names an international domain by its A-labels (RFC 6066, 3). */
	if (r == 0 && strcmp(ascii, host->domain) != 0)
		r = tls_context_add(tls, ascii, host->certificate, host->key, &why);
	arena_finish(&arena);
	if (r == 0)
		return 1;
	(void)snprintf(
		error->text, sizeof(error->text), "host \"%s\": %.400s", host->domain, why.text);
	return -EINVAL;
}

/* The certificates of all hosts; *tls_out NULL: there are none. */
static int
load_hosts(const struct config *config, const struct core_config *core,
	const struct tls_ticket_seed *seed, struct tls_context **tls_out,
	struct config_error *error)
{
	struct tls_context *tls = tls_context_create("xmpp-client");
	int count = 0;

	if (core->c2s->tls_tickets)
		tls_context_use_tickets(tls, seed);
	if (core->c2s->tls_early_data)
		tls_context_take_early(tls, xml_limits_before_auth.stanza_bytes);
	if (core->auth->external)
		tls_context_ask_client(tls, core->c2s->client_ca);
	for (size_t i = 0; i < config->host_count; i++) {
		int r = load_host(tls, &config->hosts[i], error);

		if (r < 0) {
			tls_context_destroy(&tls);
			return r;
		}
		count += r;
	}
	if (count == 0)
		tls_context_destroy(&tls);
	*tls_out = tls;
	return 0;
}

int
c2s_load_certificates(struct server *server, struct config *config, struct tls_context **tls_out,
	struct config_error *error)
{
	const struct core_config *core = core_config_of(config);
	struct tls_ticket_seed seed;
	int r = 0;

	if (core->c2s->tls_early_data && !core->c2s->tls_tickets) {
		(void)snprintf(error->text, sizeof(error->text),
			"c2s.tls_early_data comes with a ticket only; set c2s.tls_tickets, too");
		return -EINVAL;
	}
	ticket_seed_make(&seed, clock_monotonic_ms());
	for (unsigned i = 0; r == 0 && i < server->shard_count; i++)
		r = load_hosts(config, core, &seed, &tls_out[i], error);
	ticket_seed_erase(&seed);
	if (r == 0 && tls_out[0] == NULL && core->c2s->require_tls) {
		(void)snprintf(error->text, sizeof(error->text),
			"no host has a certificate, so nobody could sign in; set certificate and "
			"key of a host, or c2s.require_tls = no on a trusted network");
		r = -EINVAL;
	}
	for (unsigned i = 0; r < 0 && i < server->shard_count; i++)
		tls_context_destroy(&tls_out[i]);
	/* An old one is no reason to serve nobody: its renewal may be on the way. */
	if (r == 0)
		certificates_warn(server, config, tls_out[0]);
	return r;
}

void
c2s_adjust(struct shard *shard)
{
	const struct c2s_config *conf = shard->server->core->c2s;

	for (size_t i = 0; i < shard->listener_count; i++)
		listener_adjust(shard->listeners[i], conf->accept_rate, conf->proxies.v);
}

void
c2s_end_gone(struct shard *shard)
{
	struct session *s;
	struct login *login;

	LIST_EACH (login, &shard->logins, struct login, link) {
		if (login->host != NULL && login->host->is_gone)
			login_end(login, STREAM_HOST_GONE, NULL);
	}
	LIST_EACH (s, &shard->sessions, struct session, all) {
		if (s->account->host->is_gone)
			session_end(s, STREAM_HOST_GONE, NULL);
	}
}

static int
fail(struct config_error *error, const char *address, uint32_t port, int why)
{
	(void)snprintf(error->text, sizeof(error->text),
		"cannot listen on %s port %u (%s); is another server running there?", address, port,
		strerror(-why));
	return why;
}

/* One address and port on all shards; the first picks the port if none is set. */
static int
listen_on(struct server *server, const char *address, bool is_tls, uint16_t *port,
	struct config_error *error)
{
	for (unsigned i = 0; i < server->shard_count; i++) {
		struct shard *shard = server->shards[i];
		struct listener_config config = {
			.address = address,
			.port = *port,
			.inherited = server->inherited,
			.accepts_per_second = server->core->c2s->accept_rate,
			.tls = is_tls ? shard->tls : NULL,
			.proxies = server->core->c2s->proxies.v,
			.accepted = is_tls ? accepted_tls : accepted_plain,
			.exhausted = exhausted,
			.arg = shard,
		};
		struct listener *listener;
		int r = listener_create(shard->loop, &config, &listener);

		if (r < 0)
			return fail(error, address, *port, r);
		shard->listeners = xrealloc(shard->listeners,
			size_mul(shard->listener_count + 1, sizeof(struct listener *)));
		shard->listeners[shard->listener_count++] = listener;
		*port = listener_port(listener);
	}
	return 0;
}

int
c2s_start(struct server *server, struct config_error *error)
{
	const struct c2s_config *conf = server->core->c2s;
	int r = 0;

	for (unsigned i = 0; i < server->shard_count; i++) {
		tidy_start(server->shards[i]);
		revival_begin(server->shards[i]);
	}
	server->port = (uint16_t)conf->port;
	server->tls_port = (uint16_t)conf->tls_port;
	if (!conf->require_tls)
		log_warning(server->log,
			"clients may sign in without TLS; use c2s.require_tls = no on a trusted "
			"network only");
	for (size_t i = 0; r == 0 && i < conf->addresses.count; i++) {
		r = listen_on(server, conf->addresses.v[i], false, &server->port, error);
		if (r == 0 && server->shards[0]->tls != NULL)
			r = listen_on(server, conf->addresses.v[i], true, &server->tls_port, error);
		/* A machine without IPv6 is no mistake of the configuration. */
		if (r == -EAFNOSUPPORT || (r == -EADDRNOTAVAIL && i > 0))
			r = 0;
	}
	return r;
}

size_t
server_listening(const struct server *server, int *fds_out, size_t most)
{
	size_t count = 0;

	for (unsigned i = 0; i < server->shard_count; i++) {
		const struct shard *shard = server->shards[i];

		for (size_t j = 0; j < shard->listener_count && count < most; j++) {
			int fd = fcntl(listener_fd(shard->listeners[j]), F_DUPFD_CLOEXEC, 0);

			if (fd >= 0)
				fds_out[count++] = fd;
		}
	}
	return count;
}

static void
close_listeners(struct shard *shard)
{
	for (size_t i = 0; i < shard->listener_count; i++)
		listener_destroy(&shard->listeners[i]);
	free(shard->listeners);
	shard->listeners = NULL;
	shard->listener_count = 0;
}

void
c2s_stop(struct shard *shard)
{
	struct session *s;
	struct login *login;
	struct map_node *node;
	size_t at = 0;

	tidy_stop(shard);
	revival_stop(shard);
	close_listeners(shard);
	LIST_EACH (login, &shard->logins, struct login, link)
		login_end(login, STREAM_SYSTEM_SHUTDOWN, NULL);
	LIST_EACH (s, &shard->sessions, struct session, all)
		session_dismiss(s);
	while ((node = map_next(&shard->accounts, &at)) != NULL)
		account_settle(container_of(node, struct account, node));
}

void
c2s_end(struct shard *shard)
{
	close_listeners(shard);
	tls_context_destroy(&shard->tls);
}
