/*
 * XEP-0050: Ad-Hoc Commands, of hosts. What there is to run is in the modules' tables, and how it
 * is run in server/command.h; here is where requests come in.
 */
#include "server/module.h"

struct commands_config {
	uint32_t each, all, timeout_ms;
};

enum { METRIC_STEPS };

extern const struct module mod_commands;

static void
take(struct iq *iq)
{
	const struct commands_config *conf = module_config(iq->host, &mod_commands);
	struct command_limits limits = { conf->each, conf->all, conf->timeout_ms };

	metric_add_iq(iq, &mod_commands, METRIC_STEPS);
	command_take(iq, &limits);
}

static const struct xep xeps[] = {
	{ 50, "1.3.0", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_UINT(struct commands_config, each, "max_sessions", 10, 1, 1000,
		"How many commands one connection may have under way."),
	OPTION_UINT(struct commands_config, all, "max_sessions_per_shard", 1000, 1, 100000,
		"How many commands one thread may have under way."),
	OPTION_DURATION(struct commands_config, timeout_ms, "session_timeout", 600000, 1000,
		86400000, "How long a command waits for the answer to a form."),
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_STEPS] = { "command_steps_total", "Steps of ad-hoc commands that were asked for." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_SET, TO_HOST, &command_payload, take },
	{ 0 },
};

const struct module mod_commands = {
	.name = "commands",
	.about = "Runs the commands that other modules declare.",
	.xeps = xeps,
	.features = (const char *const[]){ NS_COMMANDS, NULL },
	.options = options,
	.config_size = sizeof(struct commands_config),
	.metrics = metrics,
	.routes = routes,
	.on.disco_host_node = command_discover,
	.on.session_gone = command_forget_session,
};
