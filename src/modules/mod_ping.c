/* XEP-0199: XMPP Ping. The server answers for itself and for bare addresses. */
#include "server/module.h"

static const struct payload payload = { "ping", "urn:xmpp:ping", NULL };

enum { METRIC_PINGS };

extern const struct module mod_ping;

static void
answer_ping(struct iq *iq)
{
	metric_add_iq(iq, &mod_ping, METRIC_PINGS);
	iq_result(iq, NULL, NULL);
}

static const struct xep xeps[] = {
	{ 199, "2.0.1", XEP_COMPLETE },
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_PINGS] = { "pings_total", "Pings that were answered." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_GET, TO_HOST, &payload, answer_ping },
	{ IQ_GET, TO_ACCOUNT, &payload, answer_ping },
	{ 0 },
};

const struct module mod_ping = {
	.name = "ping",
	.about = "Answers pings.",
	.xeps = xeps,
	.features = (const char *const[]){ "urn:xmpp:ping", NULL },
	.metrics = metrics,
	.routes = routes,
};
