/*
 * Whether certificates are still good is looked at when they are loaded, and once a day. A renewal
 * that failed is noticed by nobody until everyone is locked out, so it is said in time, and again.
 */
#include "server/certificates.h"

#include "io/tls.h"
#include "server/server_internal.h"

enum { DAY_MS = 24 * 3600 * 1000, SOON_DAYS = 14 };

/* Short-lived ones are renewed at half of their life, so that is no reason to warn. */
static int64_t
warning_time_ms(int64_t first_ms, int64_t last_ms)
{
	int64_t soon_ms = (int64_t)SOON_DAYS * DAY_MS, half_ms = (last_ms - first_ms) / 2;

	return half_ms < soon_ms ? half_ms : soon_ms;
}

static void
look_at(struct server *server, const struct host_config *host, const struct tls_context *tls)
{
	int64_t now_ms = loop_wall_ms(server->shards[0]->loop), first_ms, last_ms;

	if (!tls_context_dates(tls, host->domain, &first_ms, &last_ms))
		return;
	if (now_ms < first_ms || now_ms >= last_ms)
		log_warning(server->log,
			"a certificate is not valid today and clients may refuse it; renew it and "
			"reload",
			F_STR("host", host->domain), F_STR("file", host->certificate));
	else if (last_ms - now_ms < warning_time_ms(first_ms, last_ms))
		log_warning(server->log,
			"a certificate ends soon and clients will refuse it; renew it and reload",
			F_STR("host", host->domain), F_STR("file", host->certificate),
			F_INT("days", (last_ms - now_ms) / DAY_MS));
}

void
certificates_warn(struct server *server, const struct config *config, const struct tls_context *tls)
{
	for (size_t i = 0; tls != NULL && i < config->host_count; i++)
		look_at(server, &config->hosts[i], tls);
}

static void
look_again(struct timer *timer)
{
	struct server *server = container_of(timer, struct server, certificates);
	struct shard *shard = server->shards[0];

	certificates_warn(server, server->config, shard->tls);
	timer_start(shard->loop, timer, DAY_MS);
}

void
certificates_watch(struct server *server)
{
	server->certificates.fire = look_again;
	timer_start(server->shards[0]->loop, &server->certificates, DAY_MS);
}

void
certificates_unwatch(struct server *server)
{
	timer_stop(server->shards[0]->loop, &server->certificates);
}
