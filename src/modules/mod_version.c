/* XEP-0092: Software Version. */
#include "server/module.h"

struct version {
	struct slice name, version, os;
};

static const struct field fields[] = {
	CHILD_TEXT(struct version, name, "name"),
	CHILD_TEXT(struct version, version, "version"),
	CHILD_TEXT(struct version, os, "os"),
	FIELDS_END(struct version),
};
static const struct payload payload = { "query", "jabber:iq:version", fields };

struct version_config {
	bool show_os;
};

enum { METRIC_REQUESTS };

extern const struct module mod_version;

static void
tell_version(struct iq *iq)
{
	const struct version_config *conf = module_config(iq->host, &mod_version);
	struct version answer = {
		.name = slice_of(server_name()),
		.version = slice_of(server_version()),
		.os = conf->show_os ? SLICE("Linux") : NO_SLICE,
	};

	metric_add_iq(iq, &mod_version, METRIC_REQUESTS);
	iq_result(iq, &payload, &answer);
}

static const struct xep xeps[] = {
	{ 92, "1.1", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_BOOL(struct version_config, show_os, "show_os", false,
		"Whether to tell the operating system as well."),
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_REQUESTS] = { "version_requests_total", "Times that the version was told." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_GET, TO_HOST, &payload, tell_version },
	{ 0 },
};

const struct module mod_version = {
	.name = "version",
	.about = "Tells the name and version of this server.",
	.xeps = xeps,
	.features = (const char *const[]){ "jabber:iq:version", NULL },
	.options = options,
	.config_size = sizeof(struct version_config),
	.metrics = metrics,
	.routes = routes,
};
