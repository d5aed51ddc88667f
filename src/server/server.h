/*
 * A server: shards, hosts, modules and a store, made from a configuration. Nothing of it is
 * global. It is made, started, stopped and destroyed by one thread.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/log.h"
#include "server/config.h"

struct module;
struct server;
struct sim;
struct store_memory;

struct server_setup {
	struct config *config;               /* must outlive the server */
	struct log *log;                     /* may be NULL */
	const struct module *const *modules; /* NULL at the end */
	uint64_t hook_seed;    /* the order of hooks: 0: of the list; else shuffled, for tests */
	const char *directory; /* data; NULL: nothing is kept (tests) */
	struct store_memory *memory; /* without a directory: what outlives the server; or NULL */
	struct sim *sim; /* not NULL: shards run on its loops, on the thread that turns those */
	/* Sockets that listen already, while the server is started; or NULL. */
	struct inherited *inherited;
	bool has_control; /* whether to listen for kithctl in the directory */
	/* What kithctl asks for, on a shard's thread; NULL: it cannot be had. */
	void (*wants_stop)(void *arg);
	void (*wants_restart)(void *arg);              /* to stop, and to be made anew */
	void (*wants_reload)(void *arg, void *ticket); /* answered by server_answer_reload */
	void *wants_arg;
};

/* The sections of the core and of the modules. In the arena. */
const struct option_section *server_sections(
	const struct module *const *modules, struct arena *arena);

/* 0, or a negative error with cause and cure in one sentence each. Nothing listens yet. */
int server_create(
	const struct server_setup *setup, struct server **server_out, struct config_error *error);

/* Listens and runs. 0, or a negative error; the server must be destroyed then. */
int server_start(struct server *server, struct config_error *error);

/*
 * A new configuration takes the place of the old one, and certificates are read anew, for what
 * begins from now on; nobody is sent away but users of domains that are served no longer. On an
 * error, which says what is wrong, nothing changes. After 0 the old configuration is needed no
 * longer; it may also be the same one. By the thread that started the server, while it runs.
 */
int server_reload(struct server *server, struct config *config, struct config_error *error);

/* How the reload of that ticket went; error NULL: well. While the server runs; any thread. */
void server_answer_reload(struct server *server, void *ticket, const char *error);

/* Tells everyone, waits for what is under way, and ends all threads. */
void server_stop(struct server *server);
void server_destroy(struct server **server);

/*
 * Copies of the sockets on which clients are awaited, at most so many, while it runs; they are the
 * caller's and outlive the server. How many there are.
 */
size_t server_listening(const struct server *server, int *fds_out, size_t most);

/* The ports that clients connect to; 0: none. */
uint16_t server_port(const struct server *server);
uint16_t server_tls_port(const struct server *server);

/* For kithd --explain pipeline. */
void server_explain(const struct server *server, FILE *out);

#endif
