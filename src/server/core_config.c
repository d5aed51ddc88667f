/* The options of the core. */
#include "server/core_config.h"

#include "server/config.h"

static const struct option server_options[] = {
	OPTION_UINT(struct server_config, shards, "shards", 0, 0, 64,
		"How many threads own accounts; 0: one for each core but one."),
	OPTION_UINT(struct server_config, workers, "workers", 0, 0, 64,
		"How many threads do slow work such as deriving keys from passwords; 0: one per "
		"core."),
	OPTION_TEXT(struct server_config, directory, "directory", "/var/lib/kith",
		"Where the server keeps its data."),
	OPTION_CHOICE(struct server_config, log_level, "log_level", "info",
		"error, warning, info or debug", "What to log: error, warning, info or debug."),
	OPTION_CHOICE(struct server_config, log_format, "log_format", "text",
		"text, json or journal",
		"How to log: text or json on standard error, or journal (systemd's, with fields)."),
	OPTION_DURATION(struct server_config, account_idle_ms, "account_idle", 60000, 1000,
		86400000, "How long an account without sessions stays in memory."),
	OPTION_DURATION(struct server_config, stop_ms, "stop_timeout", 5000, 100, 600000,
		"How long a stopping server waits for its clients to close."),
	OPTION_UINT(struct server_config, roster_items, "max_roster_items", 5000, 1, 1000000,
		"How many contacts and how many waiting requests one account may have; besides, "
		"at most 1 MiB of either."),
	OPTION_BOOL(struct server_config, sandbox, "sandbox", true,
		"Whether the server gives up files beyond its own, programs and rare system "
		"calls."),
	OPTION_TEXTS(struct server_config, admins, "admins", "",
		"The accounts that may run the commands of administrators, as a@example.org."),
	{ 0 },
};

static const struct option c2s_options[] = {
	OPTION_TEXTS(struct c2s_config, addresses, "addresses",
		"0.0.0.0, ::", "The addresses to listen on for clients."),
	OPTION_UINT(struct c2s_config, port, "port", 5222, 0, 65535,
		"The port for clients that start in plain text and go on with STARTTLS."),
	OPTION_UINT(struct c2s_config, tls_port, "tls_port", 5223, 0, 65535,
		"The port for clients that begin with TLS (XEP-0368)."),
	OPTION_BOOL(struct c2s_config, require_tls, "require_tls", true,
		"Whether clients must use TLS before they sign in; switch it off on a trusted "
		"network only."),
	OPTION_BOOL(struct c2s_config, tls_tickets, "tls_tickets", false,
		"Whether clients get a ticket for a shorter TLS handshake when they come back; "
		"never "
		"with auth.external."),
	OPTION_BOOL(struct c2s_config, tls_early_data, "tls_early_data", false,
		"Whether clients with such a ticket may sign in by a token in the first bytes that "
		"they send (XEP-0484), without any round trip; with tls_tickets only."),
	OPTION_TEXTS(struct c2s_config, proxies, "proxies", "",
		"Addresses of proxies that send a PROXY protocol header on each connection."),
	OPTION_SIZE(struct c2s_config, stanza_bytes, "stanza_size", 262144, 10000, 16777216,
		"How large a stanza of a signed-in client may be."),
	OPTION_SIZE(struct c2s_config, queue_bytes, "queue_size", 4194304, 65536, 1073741824,
		"How much output may wait for one client before its producers are paused."),
	OPTION_DURATION(struct c2s_config, handshake_ms, "handshake_timeout", 10000, 100, 600000,
		"How long a client may take for the TLS handshake."),
	OPTION_DURATION(struct c2s_config, login_ms, "login_timeout", 30000, 100, 600000,
		"How long a client may take from connecting to a bound resource."),
	OPTION_DURATION(struct c2s_config, idle_ms, "idle_timeout", 300000, 100, 86400000,
		"After how long a silent client is asked whether it is there (XEP-0199)."),
	OPTION_DURATION(struct c2s_config, answer_ms, "answer_timeout", 60000, 100, 3600000,
		"How long a client may take to answer that before its connection is closed."),
	OPTION_DURATION(struct c2s_config, full_ms, "full_timeout", 60000, 1000, 3600000,
		"How long a client whose queue is full may hold up those who write to it."),
	OPTION_DURATION(struct c2s_config, resume_ms, "resume_timeout", 600000, 0, 86400000,
		"How long a session waits for a client that lost its connection to resume it "
		"(XEP-0198); 0: not at all."),
	OPTION_UINT(struct c2s_config, most_sessions, "max_sessions", 100, 1, 10000,
		"How many resources one account may have at a time."),
	OPTION_UINT(struct c2s_config, accept_rate, "accept_rate", 10000, 1, 1000000,
		"How many connections a second one thread accepts at most."),
	OPTION_TEXT(struct c2s_config, see_other_host, "see_other_host", NULL,
		"Where a stopping server sends its clients, as host or host:port; without it they "
		"are told that it stops."),
	OPTION_TEXT(struct c2s_config, client_ca, "client_ca", NULL,
		"PEM file of the authorities whose client certificates are believed "
		"(auth.external)."),
	OPTION_CHOICE(struct c2s_config, conflict, "conflict", "replace",
		"replace, rename or refuse",
		"What happens when a resource is bound twice: replace (the newer one wins), rename "
		"(the newer one gets another name) or refuse."),
	{ 0 },
};

static const struct option auth_options[] = {
	OPTION_BOOL(struct auth_config, plain, "plain", true,
		"Whether clients may sign in by PLAIN, over TLS."),
	OPTION_BOOL(struct auth_config, scram_sha_1, "scram_sha_1", true,
		"Whether clients may sign in by SCRAM-SHA-1; SHA-256 and SHA-512 are always "
		"there."),
	OPTION_BOOL(struct auth_config, external, "external", false,
		"Whether clients may sign in by a certificate with their address (XEP-0178)."),
	OPTION_BOOL(struct auth_config, anonymous, "anonymous", false,
		"Whether anyone may sign in without an account."),
	OPTION_UINT(struct auth_config, iterations, "iterations", 10000, 4096, 10000000,
		"PBKDF2 rounds for the keys of new passwords."),
	OPTION_UINT(struct auth_config, failures, "failures", 5, 1, 1000,
		"Failed sign-ins of one address or account after which answers are delayed."),
	OPTION_DURATION(struct auth_config, backoff_ms, "backoff", 1000, 1, 60000,
		"The first delay after too many failures; it doubles up to a minute."),
	OPTION_DURATION(struct auth_config, token_lifetime_ms, "token_lifetime", 1814400000, 0,
		4233600000,
		"How long a token is good with which a client signs in again quickly (XEP-0484); "
		"new ones are given out in the second half of that. 0: none are given out."),
	{ 0 },
};

static const struct option metrics_options[] = {
	OPTION_TEXT(struct metrics_config, listen, "listen", NULL,
		"Where monitoring may read the server's numbers (OpenMetrics, by HTTP), such as "
		"127.0.0.1:9469, [::1]:9469 or the absolute path of a Unix socket; without it "
		"nowhere."),
	OPTION_BOOL(struct metrics_config, allow_remote, "allow_remote", false,
		"Whether that may be an address that other machines reach; nothing asks them for a "
		"password."),
	{ 0 },
};

static const char *const server_fixed[] = { "shards", "workers", "directory", "log_format",
	"sandbox", NULL };
static const char *const c2s_fixed[] = { "addresses", "port", "tls_port", "tls_tickets",
	"tls_early_data", NULL };
static const char *const metrics_fixed[] = { "listen", "allow_remote", NULL };

const struct option_section core_sections[] = {
	{ "server", "The server as a whole.", server_options, sizeof(struct server_config),
		server_fixed },
	{ "c2s", "Connections of clients.", c2s_options, sizeof(struct c2s_config), c2s_fixed },
	{ "auth", "Signing in.", auth_options, sizeof(struct auth_config), NULL },
	{ "metrics", "Numbers for monitoring.", metrics_options, sizeof(struct metrics_config),
		metrics_fixed },
	{ 0 },
};

const struct core_config *
core_config_of(struct config *config)
{
	struct core_config *core = arena_new(&config->arena, struct core_config);

	core->server = config_section(config, "server");
	core->c2s = config_section(config, "c2s");
	core->auth = config_section(config, "auth");
	core->metrics = config_section(config, "metrics");
	return core;
}
