/* kithd: the server's program. Options, signals, and the order of starting and stopping. */
#include "io/inherited.h"
#include "io/sandbox.h"
#include "kithd/args.h"
#include "kithd/handover.h"
#include "kithd/notify.h"
#include "server/core_config.h"
#include "server/modules.h"
#include "server/pulse.h"
#include "server/server.h"
#include "server/try.h"
#include "server/xeps.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { LARGE_BYTES = 128 * 1024 };

/* Ended in order to begin anew, which is up to who started us: EX_TEMPFAIL of sysexits.h. */
enum { EXIT_RESTART = 75 };

struct program {
	sigset_t signals; /* that end the server, or reload */
	struct args args;
	struct try_options try;
	struct try_state try_state;
	struct arena arena;
	const struct option_section *sections;
	struct config *config;
	struct log *log;
	struct server *server;
	struct notify notify;
	struct inherited *inherited; /* sockets that listened before we did; NULL: none */
	struct handover handover;    /* and those for who comes after us */
	struct pulse *pulse;
	struct config_error error;
	bool is_confined;   /* to its files and calls: it starts no program any more */
	bool wants_restart; /* it ends to begin anew */
};

static int
complain(const struct program *p, const char *what)
{
	(void)fprintf(stderr, "kithd: %s%s%s\n", what, what[0] == '\0' ? "" : ": ", p->error.text);
	return EXIT_FAILURE;
}

static int
apply_sets(struct program *p, struct config *config)
{
	for (size_t i = 0; i < p->args.sets.count; i++) {
		struct slice text = slice_of(p->args.sets.v[i]);
		size_t equals = slice_find(text, '=');

		if (equals == text.len) {
			(void)snprintf(p->error.text, sizeof(p->error.text),
				"--set %s: give KEY=VALUE", p->args.sets.v[i]);
			return -EINVAL;
		}
		if (config_set(config, slice_make(text.p, equals), slice_from(text, equals + 1),
			    &p->error) < 0)
			return -EINVAL;
	}
	return 0;
}

static int
configure(struct program *p)
{
	int r = 0;

	p->config = config_create(p->sections);
	if (p->args.is_try)
		r = try_prepare(&p->try, p->config, &p->try_state, &p->error);
	else if (p->args.config_path != NULL)
		r = config_read(p->config, p->args.config_path, &p->error);
	if (r == 0)
		r = apply_sets(p, p->config);
	if (r == 0 && p->args.is_try && p->args.mode == MODE_EXPLAIN)
		return 0;
	return r;
}

static enum log_level
level_of(const char *name)
{
	if (strcmp(name, "error") == 0)
		return LOG_ERROR;
	if (strcmp(name, "warning") == 0)
		return LOG_WARNING;
	return strcmp(name, "debug") == 0 ? LOG_DEBUG : LOG_INFO;
}

static enum log_level
log_level_of(const struct config *config)
{
	const struct server_config *conf = config_section(config, "server");

	return level_of(conf->log_level);
}

static enum log_format
format_of(const char *name)
{
	if (strcmp(name, "json") == 0)
		return LOG_JSON;
	return strcmp(name, "journal") == 0 ? LOG_JOURNAL : LOG_TEXT;
}

static void
ask_to_stop(void *arg)
{
	(void)arg;
	(void)kill(getpid(), SIGTERM);
}

/* kithctl wants a reload and its outcome: a SIGHUP of our own, which is queued and has a ticket. */
static int
reload_signal(void)
{
	return SIGRTMIN;
}

static void
ask_to_reload(void *arg, void *ticket)
{
	(void)arg;
	(void)sigqueue(getpid(), reload_signal(), (union sigval){ .sival_ptr = ticket });
}

/* Likewise, and without a ticket. */
static int
restart_signal(void)
{
	return SIGRTMIN + 1;
}

static void
ask_to_restart(void *arg)
{
	(void)arg;
	(void)sigqueue(getpid(), restart_signal(), (union sigval){ .sival_ptr = NULL });
}

/* The file as it is now, and the command line's settings; a throwaway server has no file. */
static int
read_again(struct program *p, struct config **config_out)
{
	struct config *config;
	int r;

	*config_out = p->config;
	if (p->args.config_path == NULL)
		return 0;
	config = config_create(p->sections);
	r = config_read(config, p->args.config_path, &p->error);
	if (r == 0)
		r = apply_sets(p, config);
	*config_out = config;
	return r;
}

/* All of it, or nothing: see server_reload. */
static int
reload(struct program *p)
{
	struct config *before = p->config, *fresh;
	int r = read_again(p, &fresh);

	if (r == 0)
		r = server_reload(p->server, fresh, &p->error);
	if (r == 0) {
		/* Said when the old level or the new one lets it be said. */
		if (log_level_of(fresh) > log_level_of(before))
			log_set_level(p->log, log_level_of(fresh));
		log_info(p->log, "the configuration and the certificates are read anew");
		log_set_level(p->log, log_level_of(fresh));
		p->config = fresh;
	} else {
		log_error(p->log,
			"the configuration was not reloaded and the old one stays; mend it and "
			"reload again",
			F_STR("why", p->error.text));
	}
	if (before != fresh)
		config_destroy(r == 0 ? &before : &fresh);
	return r;
}

/* ticket: whose reload it is; NULL: nobody waits. */
static void
reload_for(struct program *p, void *ticket)
{
	int r;

	notify_reloading(&p->notify);
	r = reload(p);
	notify_ready(&p->notify);
	if (ticket != NULL)
		server_answer_reload(p->server, ticket, r < 0 ? p->error.text : NULL);
}

/* The next signal; meanwhile the watchdog hears of us, as long as all shards answer. */
static int
next_signal(struct program *p, const sigset_t *signals, siginfo_t *info)
{
	uint64_t ms = p->notify.watchdog_ms;
	const struct timespec pause = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	if (ms == 0)
		return sigwaitinfo(signals, info);
	if (pulse_take(p->pulse))
		notify_alive(&p->notify);
	return sigtimedwait(signals, info, &pause);
}

/*
 * Waits for SIGINT or SIGTERM, or until an admin wants a restart; SIGHUP reloads. Blocked before
 * any thread began, so only this thread gets them.
 */
static void
wait_for_end(struct program *p, const sigset_t *signals)
{
	siginfo_t info;
	int signal;

	do {
		signal = next_signal(p, signals, &info);
		if (signal == SIGHUP)
			reload_for(p, NULL);
		else if (signal == reload_signal() && info.si_pid == getpid())
			reload_for(p, info.si_value.sival_ptr);
		else if (signal == restart_signal() && info.si_pid == getpid())
			p->wants_restart = true;
	} while (signal != SIGINT && signal != SIGTERM && !p->wants_restart);
}

static int
serve(struct program *p)
{
	int r = server_start(p->server, &p->error);

	if (p->inherited != NULL)
		notify_forget_stored(&p->notify);
	inherited_destroy(&p->inherited);
	if (r == 0 && p->args.is_try)
		r = try_add_users(&p->try, &p->try_state, &p->error);
	if (r == 0) {
		log_info(p->log, "kithd is ready", F_STR("version", KITH_VERSION),
			F_UINT("c2s", server_port(p->server)),
			F_UINT("c2s_tls", server_tls_port(p->server)));
		if (p->args.is_try)
			try_announce(&p->try_state, p->config, server_port(p->server),
				server_tls_port(p->server));
		notify_ready(&p->notify);
		wait_for_end(p, &p->signals);
		notify_stopping(&p->notify);
		log_info(p->log, p->wants_restart ? "kithd restarts" : "kithd stops");
		if (p->wants_restart)
			handover_collect(&p->handover, p->server);
	}
	server_stop(p->server);
	return r < 0 ? complain(p, "") : EXIT_SUCCESS;
}

/*
 * Before there is any thread. A throwaway server goes without: it removes the directory that it
 * made, which needs rights on the one above.
 */
static unsigned
enter_sandbox(struct program *p)
{
	const struct server_config *conf = config_section(p->config, "server");
	const struct c2s_config *c2s = config_section(p->config, "c2s");
	const struct metrics_config *metrics = config_section(p->config, "metrics");
	const char **readable = arena_array(&p->arena, 2 * p->config->host_count + 3, const char *);
	struct sandbox sandbox = { .data = conf->directory, .readable = readable };
	size_t count = 0;

	if (!conf->sandbox || p->args.config_path == NULL || p->args.mode != MODE_RUN)
		return SANDBOX_ALL;
	if (metrics->listen != NULL && metrics->listen[0] == '/')
		sandbox.socket = metrics->listen;
	readable[count++] = p->args.config_path;
	if (c2s->client_ca != NULL)
		readable[count++] = c2s->client_ca;
	for (size_t i = 0; i < p->config->host_count; i++) {
		const struct host_config *host = &p->config->hosts[i];

		if (host->certificate != NULL)
			readable[count++] = host->certificate;
		if (host->key != NULL)
			readable[count++] = host->key;
	}
	readable[count] = NULL;
	p->is_confined = true;
	return sandbox_enter(&sandbox);
}

static void
tell_sandbox(struct program *p, unsigned held)
{
	if ((held & SANDBOX_FILES) == 0)
		log_warning(p->log,
			"the kernel does not confine the server to its files; use one with "
			"landlock");
	if ((held & SANDBOX_CALLS) == 0)
		log_warning(p->log,
			"the kernel does not confine the server's system calls; use one with "
			"seccomp filters");
}

static int
run(struct program *p)
{
	const struct server_config *conf = config_section(p->config, "server");
	struct server_setup setup = {
		.config = p->config,
		.modules = all_modules,
		.directory = conf->directory,
		.has_control = true,
		.wants_stop = ask_to_stop,
		/* A throwaway server has nothing to come back to. */
		.wants_restart = p->args.is_try ? NULL : ask_to_restart,
		.wants_reload = ask_to_reload,
		.inherited = p->inherited,
	};
	unsigned held = enter_sandbox(p);
	int status;

	p->log = log_create(STDERR_FILENO, format_of(conf->log_format), log_level_of(p->config));
	if (format_of(conf->log_format) == LOG_JOURNAL)
		log_use_journal(p->log, NULL);
	setup.log = p->log;
	tell_sandbox(p, held);
	if (p->args.mode != MODE_RUN)
		setup.directory = NULL;
	if (server_create(&setup, &p->server, &p->error) < 0)
		return complain(p, "");
	if (p->args.mode == MODE_RUN) {
		p->pulse = pulse_create(p->server);
		status = serve(p);
	} else {
		if (p->args.mode == MODE_EXPLAIN)
			server_explain(p->server, stdout);
		status = EXIT_SUCCESS;
	}
	server_destroy(&p->server);
	pulse_destroy(&p->pulse);
	return status;
}

static int
dispatch(struct program *p)
{
	if (p->args.mode == MODE_DUMP_DEFAULTS) {
		config_dump_defaults(p->sections, stdout);
		return EXIT_SUCCESS;
	}
	if (p->args.mode == MODE_DUMP_MANUAL) {
		config_dump_manual(p->sections, stdout);
		return EXIT_SUCCESS;
	}
	if (p->args.mode == MODE_DUMP_XEPS) {
		xeps_dump(all_modules, stdout);
		return EXIT_SUCCESS;
	}
	if (p->args.mode == MODE_EXPLAIN)
		p->args.is_try = true;
	if (!p->args.is_try && p->args.config_path == NULL)
		return args_usage();
	if (configure(p) < 0)
		return complain(p, "");
	return run(p);
}

/*
 * From the beginning, so that a signal during the start ends a server that cleans up behind
 * itself, and before there is any thread, so that only this one takes signals.
 */
static void
block_signals(sigset_t *signals)
{
	(void)sigemptyset(signals);
	(void)sigaddset(signals, SIGINT);
	(void)sigaddset(signals, SIGTERM);
	(void)sigaddset(signals, SIGHUP);
	(void)sigaddset(signals, reload_signal());
	(void)sigaddset(signals, restart_signal());
	(void)pthread_sigmask(SIG_BLOCK, signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a limit of the file size is a full disk */
}

/*
 * glibc raises its own thresholds when large pieces are freed, and then keeps what queues of slow
 * readers needed. Fixed ones send large pieces back at once.
 */
static void
set_up_malloc(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
}

/*
 * The server has ended well and is to begin anew. Systemd (or whoever else said where to send
 * notices) does that, in clean surroundings; a confined process cannot start a program at all, as
 * the confinement would outlive it. Else it is this process's own affair.
 */
static int
begin_anew(struct program *p, char **argv)
{
	if (p->notify.fd < 0 && !p->is_confined)
		handover_exec(&p->handover, argv);
	handover_store(&p->handover, &p->notify);
	return EXIT_RESTART;
}

int
main(int argc, char **argv)
{
	struct program p = { 0 };
	int status;

	block_signals(&p.signals);
	set_up_malloc();
	notify_init(&p.notify);
	p.inherited = inherited_create();
	handover_init(&p.handover);
	arena_init(&p.arena, 0);
	p.sections = server_sections(all_modules, &p.arena);
	status = args_read(&p.args, &p.arena, argc, argv);
	p.try = (struct try_options){
		p.args.domains.v,
		p.args.domains.count,
		p.args.directory,
		p.args.port_base,
		p.args.users.v,
		p.args.users.count,
	};
	if (status < 0)
		status = dispatch(&p);
	try_clean(&p.try_state);
	log_destroy(&p.log);
	inherited_destroy(&p.inherited);
	config_destroy(&p.config);
	arena_finish(&p.arena);
	if (status == EXIT_SUCCESS && p.wants_restart)
		status = begin_anew(&p, argv);
	notify_finish(&p.notify);
	return status;
}
