/* The core's own sections of kithd.conf. */
#ifndef SERVER_CORE_CONFIG_H
#define SERVER_CORE_CONFIG_H

#include "server/option.h"

struct server_config {
	uint32_t shards;
	uint32_t workers;
	const char *directory;
	const char *log_level, *log_format;
	uint32_t account_idle_ms;
	uint32_t stop_ms;
	uint32_t roster_items;
	struct text_list admins;
	bool sandbox;
};

struct c2s_config {
	struct text_list addresses;
	uint32_t port, tls_port;
	bool require_tls, tls_tickets, tls_early_data;
	struct text_list proxies;
	uint64_t stanza_bytes;
	uint64_t queue_bytes;
	uint32_t handshake_ms, login_ms, idle_ms, answer_ms, full_ms, resume_ms;
	uint32_t most_sessions;
	uint32_t accept_rate;
	const char *conflict;
	const char *see_other_host, *client_ca;
};

struct auth_config {
	bool plain, external, anonymous, scram_sha_1;
	uint32_t iterations;
	uint32_t failures;
	uint32_t backoff_ms;
	uint32_t token_lifetime_ms;
};

struct metrics_config {
	const char *listen;
	bool allow_remote;
};

struct core_config {
	const struct server_config *server;
	const struct c2s_config *c2s;
	const struct auth_config *auth;
	const struct metrics_config *metrics;
};

/* The sections, ending with a NULL name; the modules' follow them in the server's list. */
extern const struct option_section core_sections[];

struct config;

/* The core's sections of that configuration; lives in it. */
const struct core_config *core_config_of(struct config *config);

#endif
