/*
 * What a module is: one const struct that declares tables, and the functions that they name. The
 * core derives the rest (parser, manual, dispatch, storage, metrics). A module registers nothing
 * at run time, has no globals that change, and never meets another module but at hooks and
 * routes.
 *
 * All functions of a module run on the shard of the account or host that they are called for.
 */
#ifndef SERVER_MODULE_H
#define SERVER_MODULE_H

#include "proto/codec.h"
#include "proto/stanza.h"
#include "proto/stream.h"
#include "server/account.h"
#include "server/command.h"
#include "server/disco.h"
#include "server/hooks.h"
#include "server/host.h"
#include "server/host_keep.h"
#include "server/iq.h"
#include "server/metric.h"
#include "server/option.h"
#include "server/session.h"
#include "server/transfer.h"

enum xep_status { XEP_PARTIAL, XEP_COMPLETE };

struct xep {
	unsigned number; /* 0 ends a table */
	const char *version;
	enum xep_status status;
};

/* Something that a module keeps for an account. Its full name is "module.name". */
struct store_entry {
	const char *name; /* NULL ends a table */
	enum store_kind kind;
	unsigned version;
};

struct module {
	const char *name;  /* also its section in kithd.conf */
	const char *about; /* one sentence */
	const struct xep *xeps;
	const char *const *features; /* disco#info features of every host, NULL at the end */
	const char *const *account_features; /* the same of every account's bare address */
	const struct option *options;
	size_t config_size;
	size_t account_size; /* zeroed state in each account */
	size_t session_size; /* zeroed state in each session */
	const struct store_entry *stores;
	const struct transfer_entry *transfers; /* must be there when stores are */
	const struct kept_entry *kept;          /* by each host */
	const struct metric *metrics;
	const struct iq_route *routes;
	const struct command_entry *commands;
	const char *const *needs; /* names of modules, NULL at the end */
	struct hooks on;
};

/* The module's options as they stand, for this host. Never NULL when it has options. */
const void *module_config(const struct host *host, const struct module *module);

/* The number by which the store knows a module's store; of an account there is account_table. */
unsigned module_table(const struct host *host, const struct module *module, unsigned store);

/* The module's zeroed state of an account or a session; lives as long as that. */
void *account_state(struct account *acct, const struct module *module);
void *session_state(struct session *s, const struct module *module);

/* Counts one event of the module's metric with that index, on the account's or session's shard. */
void metric_add(struct account *acct, const struct module *module, unsigned metric);

/* The same for a request, which may be to a host; before it is answered. */
void metric_add_iq(struct iq *iq, const struct module *module, unsigned metric);

#endif
