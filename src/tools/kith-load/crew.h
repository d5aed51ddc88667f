/*
 * All sessions of one run, the loop that drives them, and the job that they do. A job is a table of
 * functions; the modes of kith-load are jobs. One thread does everything, so that the measuring
 * side stays small beside what it measures.
 */
#ifndef TOOLS_KITH_LOAD_CREW_H
#define TOOLS_KITH_LOAD_CREW_H

#include "tools/kith-load/histogram.h"
#include "tools/kith-load/options.h"
#include "tools/kith-load/report.h"
#include "tools/kith-load/session.h"
#include "tools/kith-load/sign_in.h"

struct job {
	unsigned sessions_per_count; /* of --count */
	unsigned sessions_extra;     /* and these */
	bool leaves_at_once;         /* each session signs out as soon as it is ready */
	bool comes_unseen;           /* becoming available is the job's business */
	/*
	 * What a session tells the relay first, as a line without its end; NULL: to pair it with
	 * its neighbour. Good until the next call.
	 */
	const char *(*relay_line)(struct crew *crew, const struct session *s);
	/* All sessions are ready; not called when leaves_at_once. */
	void (*start)(struct crew *crew);
	void (*stanza)(struct crew *crew, struct session *s, struct slice stanza);
	/* At or after the time set by crew_wake(). */
	void (*wake)(struct crew *crew);
	/* All done, nothing failed: adds the job's figures. */
	void (*tell)(struct crew *crew, struct report *report);
	/* Frees what is in the state; the state itself is freed by the crew. May be NULL. */
	void (*finish)(struct crew *crew);
};

struct crew {
	const struct options *options;
	const struct job *job;
	struct conn_set *set;
	struct session *sessions;
	struct sasl_context *sasl;
	struct sign_in_keys *keys;
	char user[256]; /* what crew_user() gave last */
	char line[512]; /* what relay_line() gave last */
	unsigned wanted, begun, ready, left;
	bool done, failed;
	uint64_t wake_ns;           /* 0: no wake-up wanted */
	struct histogram *sign_ins; /* time from connect to ready */
	struct proc_sample before;  /* before the first connection */
	uint64_t began_ns, ended_ns, own_cpu_ns;
	char tls_name[64];
	void *state; /* the job's; from malloc */
};

/* Runs the job to its end and writes the report. 0, or -1 after a failure was reported. */
int crew_run(const struct options *options, const struct job *job, struct report *report);

/* For jobs. */
void crew_wake(struct crew *crew, uint64_t at_ns);
void crew_done(struct crew *crew);
void crew_look(const struct crew *crew, struct proc_sample *sample_out);
uint64_t crew_now_ns(void);

/* Looks when the watched processes have come to rest, at most a second later. */
void crew_look_settled(const struct crew *crew, struct proc_sample *sample_out);

/*
 * Looks until they have rested for 30 ms. *rested_out: the moment from which on they did, to within
 * 2 ms.
 */
void crew_look_rested(
	const struct crew *crew, struct proc_sample *sample_out, uint64_t *rested_out);

/* For sessions. crew_fail says it on stderr (with the stanza if any) and ends the run. */
void crew_ready(struct crew *crew, struct session *s);
void crew_left(struct crew *crew, struct session *s);
void crew_fail(struct crew *crew, struct session *s, const char *what, struct slice stanza);
unsigned crew_account(const struct crew *crew, unsigned number);
struct slice crew_user(struct crew *crew, unsigned number); /* good until the next call */

extern const struct job job_login, job_handshake, job_idle, job_chat, job_presence, job_subscribe,
	job_store, job_fetch;

#endif
