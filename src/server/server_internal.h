/*
 * The server object: what all shards share and nobody changes after the start, and the shards
 * themselves. There is no global server; two of them can live in one process.
 */
#ifndef SERVER_SERVER_INTERNAL_H
#define SERVER_SERVER_INTERNAL_H

#include "base/log.h"
#include "base/map.h"
#include "base/slab.h"
#include "io/loop.h"
#include "io/timer.h"
#include "io/worker.h"
#include "proto/codec.h"
#include "server/config.h"
#include "server/core_config.h"
#include "server/key_maker.h"
#include "server/limits.h"
#include "server/module.h"
#include "server/pipeline.h"
#include "server/server.h"
#include "server/throttle.h"

#include <pthread.h>
#include <stdatomic.h>

/* What the core itself keeps. */
enum core_table {
	CORE_CREDENTIALS,
	CORE_ROSTER,
	CORE_REQUESTS,
	CORE_DISABLED,
	CORE_FAREWELL,
	CORE_TOKENS,
	CORE_KEPT,
	CORE_SESSIONS, /* these three: session_record.c, sm_store.c */
	CORE_COUNTS,
	CORE_OUTBOX,
	CORE_TABLES
};

/* The core's own counters; the names are in stats.c. */
enum core_metric {
	METRIC_CONNECTIONS_TOTAL,
	METRIC_TLS_HANDSHAKES_TOTAL,
	METRIC_TLS_FAILURES_TOTAL,
	METRIC_LOGINS_TOTAL,
	METRIC_LOGIN_FAILURES_TOTAL,
	METRIC_LOGIN_DELAYS_TOTAL,
	METRIC_LOGIN_REFUSALS_TOTAL,
	METRIC_SESSIONS_TOTAL,
	METRIC_RESUMPTIONS_TOTAL,
	METRIC_SESSIONS_LOST_TOTAL,
	METRIC_ACCOUNT_LOADS_TOTAL,
	METRIC_STANZAS_TOTAL,
	METRIC_MESSAGES_TOTAL,
	METRIC_PRESENCES_TOTAL,
	METRIC_IQS_TOTAL,
	METRIC_MESSAGES_DELIVERED_TOTAL,
	METRIC_LETTERS_TOTAL,
	METRIC_BOUNCES_TOTAL,
	METRIC_STREAM_ERRORS_TOTAL,
	CORE_METRICS
};

struct host {
	struct map_node node; /* by domain */
	struct server *server;
	bool is_gone;          /* a reload took it away; who still has it lets it go */
	struct slice caps_ver; /* of what it says of itself, see disco_settle */
};

/* Where a module's things are in the structs and tables of the server. */
struct module_slot {
	const struct module *module;
	const void *config;
	size_t account_offset, session_offset;
	unsigned first_table, first_metric, first_kept;
};

/* Something that hosts keep; see host_keep.h. */
struct kept_slot {
	const char *module;
	const struct kept_entry *entry;
};

enum { MODULE_PLACES = 256 };

struct server {
	struct log *log;
	struct config *config;
	const struct core_config *core; /* the core's sections of config */
	struct names *names;
	struct codec *codec;
	const struct codec_type *roster_item;    /* as it is stored */
	const struct codec_type *session_record; /* likewise */
	struct module_slot *modules;
	uint8_t module_places[MODULE_PLACES]; /* see server_module */
	size_t module_count;
	struct pipeline pipeline;
	struct iq_entry *routes;
	size_t route_count;
	struct transfer_type *transfers;
	size_t transfer_count;
	struct kept_slot *kept; /* by number */
	size_t kept_count;
	struct host **hosts; /* see hosts.c */
	size_t host_count;
	struct map host_map; // host.node
	struct host **gone;  /* kept, since accounts may still name them */
	size_t gone_count;
	struct sim *sim; /* NULL: shards have threads */
	struct store *store;
	unsigned tables[CORE_TABLES];
	unsigned metric_count;
	struct worker_pool *workers;
	struct throttle_policy guessing;
	struct throttle *networks; /* that guess passwords; any thread */
	struct control *control;   /* on shard 0 */
	struct backup *backup;     /* of control_backup.c, on shard 0; NULL: none */
	struct scrape *scrape;     /* likewise */
	struct timer certificates; /* likewise: when to look at them again */
	const char *directory;
	void (*wants_stop)(void *arg); /* these four: see server_setup */
	void (*wants_restart)(void *arg);
	void (*wants_reload)(void *arg, void *ticket);
	void *wants_arg;
	uint16_t port, tls_port;         /* that were picked */
	struct inherited *inherited;     /* while it is started, see server_setup */
	struct xml_limits client_limits; /* of a signed-in client */
	struct hash_key slot_key;
	uint8_t slots[SLOTS]; /* shard of each slot */
	struct shard **shards;
	unsigned shard_count;
	bool was_killed;              /* when it ended last */
	bool is_running;              /* between start and stop */
	pthread_barrier_t standstill; /* of all shards and the thread that reloads */
	_Atomic(bool) is_closing;     /* what the store still answers is for nobody */
	char fake_salt_secret[32];    /* so that unknown users look like known ones */
	char password_cache_key[32];
};

struct shard {
	struct server *server;
	unsigned number;
	struct loop *loop;
	uint64_t started_ms; /* on the loop's clock */
	struct map accounts; // account.node, by bare JID
	struct map kept;     // of host_keep.c: its copy of what hosts keep
	struct slab account_slab, session_slab;
	struct list sessions; // session.all
	struct list logins;   // login.link
	size_t login_count, session_count;
	struct arena scratch;       /* of the stanza that is being handled */
	struct xml_tokens tokens;   /* of the stanza that is being handled */
	_Atomic(size_t) mail_bytes; /* of letters in its mailbox */
	_Atomic(size_t) mail_most;  /* the most that ever were */
	bool mail_is_full;          /* some mailbox had too much when this shard posted to it */
	bool routing; /* a stanza is being handed to its home: further ones are queued */
	struct sasl_context *sasl;
	struct tls_context *tls;
	struct quota *quota;
	struct throttle *throttle; /* of accounts that live here */
	struct places *places;     /* likewise */
	struct password_cache *passwords;
	struct key_maker key_maker;  /* for new passwords */
	struct commands *commands;   /* under way, of users whose home this is */
	unsigned password_changes;   /* of accounts that live here; see credentials.h */
	struct listener **listeners; /* of c2s.c */
	size_t listener_count;
	uint64_t *metrics;        /* CORE_METRICS, then the modules' */
	struct timer others_wait; /* while sessions wait for the store or another shard */
	struct timer stop;        /* an admin's, of the whole server */
	struct map returning;     // of revival.c: accounts whose sessions are on the disk
	struct list to_revive;    /* those that nobody has asked for */
	struct timer revive;      /* of them */
	struct list spending;     // sm.idle: have rows that are not needed any more
	struct timer spend;       /* takes them out */
	struct timer tidy;        /* gives memory back after a storm */
	size_t most_conns;        /* since it was last given back */
	size_t free_bytes;        /* that the allocator had then, at least */
	struct task standstill;   /* its part of a reload */
	pthread_t thread;         /* while the server runs, but not in a simulation */
};

/* shard.c: one, with modules' state of that size in accounts and sessions. */
struct shard *shard_create(
	struct server *server, unsigned number, size_t account_size, size_t session_size);
void shard_destroy(struct shard *shard);
/* Starts their threads, unless they run in a simulation; server_stop ends them. */
void shards_run(struct server *server);

/* How shards start and end listening, and let everyone go; c2s.c. */
int c2s_start(struct server *server, struct config_error *error);
void c2s_stop(struct shard *shard);
void c2s_end(struct shard *shard);

/*
 * For each shard the certificates of that configuration; tls_out has a place for each. All NULL:
 * there are none, and none are needed. 0, or a negative error.
 */
int c2s_load_certificates(struct server *server, struct config *config,
	struct tls_context **tls_out, struct config_error *error);

/* The configuration changed: listeners take what they can of it. */
void c2s_adjust(struct shard *shard);

/* Lets those go whose domain is served no longer; on the shard's thread. */
void c2s_end_gone(struct shard *shard);

/* What a configuration says beyond its options' bounds. 0, or -EINVAL. */
int server_check_config(struct config *config, struct config_error *error);

/*
 * A checked configuration takes the place of the one before, and nothing can fail. No shard may be
 * running. The configuration before is needed no longer.
 */
void server_use_config(struct server *server, struct config *config);

/* The domains that are served; hosts.c. Checked domains are normalised in the config. */
void hosts_init(struct server *server);
int hosts_check(struct config *config, struct config_error *error);
void hosts_use(struct server *server);
void hosts_finish(struct server *server);

/* Makes the table of IQ routes. 0, or -EINVAL: two modules own one route, or one is missing. */
int modules_add_routes(struct server *server, struct config_error *error);

/* Finds for each host the string that stands for what it says of itself; disco.c. */
void disco_settle(struct server *server);

struct host *server_host(const struct server *server, struct slice domain);
struct shard *server_home(const struct server *server, struct slice bare);
/* Of a module of this server; for each hook of each stanza. */
const struct module_slot *server_module(const struct server *server, const struct module *module);
/* Once they are all there. */
void server_place_modules(struct server *server);

/*
 * How loud to be about a failed request. Of a disk that fails the store tells once, by its notices;
 * conditions that are not met are everyday.
 */
enum log_level server_level_of(int store_error);

static inline void
shard_count(struct shard *shard, enum core_metric metric)
{
	shard->metrics[metric]++;
}

#endif
