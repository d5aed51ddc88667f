/*
 * The loop: keep --concurrency sign-ins going until all sessions are ready, then let the job work.
 * The first failure ends the run, because figures of a run in which something failed mislead.
 */
#include "tools/kith-load/crew.h"

#include "tools/kith-load/give_up.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, SPARE_FDS = 32, SHOWN_BYTES = 300 };

static const uint64_t ns_per_ms = 1000000;

uint64_t
crew_now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void
crew_wake(struct crew *crew, uint64_t at_ns)
{
	crew->wake_ns = at_ns;
}

void
crew_done(struct crew *crew)
{
	crew->done = true;
}

void
crew_look(const struct crew *crew, struct proc_sample *sample_out)
{
	if (proc_look(&crew->options->procs, sample_out) < 0)
		give_up("a watched process has ended");
}

void
crew_look_settled(const struct crew *crew, struct proc_sample *sample_out)
{
	const struct timespec pause = { 0, 50 * (long)ns_per_ms };
	struct proc_sample last;

	crew_look(crew, &last);
	for (int i = 0; i < 20; i++) {
		(void)nanosleep(&pause, NULL);
		crew_look(crew, sample_out);
		if (sample_out->cpu_ns - last.cpu_ns < ns_per_ms / 5)
			return;
		last = *sample_out;
	}
}

void
crew_look_rested(const struct crew *crew, struct proc_sample *sample_out, uint64_t *rested_out)
{
	const struct timespec pause = { 0, 2 * (long)ns_per_ms };
	uint64_t now = crew_now_ns();
	uint64_t limit = now + crew->options->timeout_ms * ns_per_ms;
	struct proc_sample last;

	*rested_out = now;
	crew_look(crew, &last);
	do {
		(void)nanosleep(&pause, NULL);
		crew_look(crew, sample_out);
		now = crew_now_ns();
		if (sample_out->cpu_ns - last.cpu_ns > ns_per_ms / 5)
			*rested_out = now;
		last = *sample_out;
	} while (now - *rested_out < 30 * ns_per_ms && now < limit);
}

unsigned
crew_account(const struct crew *crew, unsigned number)
{
	unsigned accounts = crew->options->accounts;

	return crew->options->first_account + (accounts == 0 ? number : number % accounts);
}

struct slice
crew_user(struct crew *crew, unsigned number)
{
	(void)snprintf(crew->user, sizeof(crew->user), "%s%u", crew->options->user_prefix,
		crew_account(crew, number));
	return slice_of(crew->user);
}

void
crew_fail(struct crew *crew, struct session *s, const char *what, struct slice stanza)
{
	if (!crew->failed) {
		int shown = stanza.len < SHOWN_BYTES ? (int)stanza.len : SHOWN_BYTES;
		(void)fprintf(stderr,
			"kith-load: session %u of %u, account %s, waiting for %s: %s%s%.*s\n",
			s->number + 1, crew->wanted, crew_user(crew, s->number).p,
			phase_name(s->phase), what, shown > 0 ? ": " : "", shown,
			shown > 0 ? stanza.p : "");
	}
	crew->failed = true;
	crew->done = true;
	conn_close(&s->conn);
}

static void
note_tls(struct crew *crew, const struct session *s)
{
	const SSL *ssl = s->conn.ssl;

	if (crew->tls_name[0] == '\0' && ssl != NULL)
		(void)snprintf(crew->tls_name, sizeof(crew->tls_name), "%s %s",
			SSL_get_version(ssl), SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)));
}

void
crew_ready(struct crew *crew, struct session *s)
{
	histogram_add(crew->sign_ins, crew_now_ns() - s->began_ns);
	crew->ready++;
	note_tls(crew, s);
	if (crew->job->leaves_at_once) {
		/* A bare TLS server closes by itself, after it has read our half of the handshake.
		 */
		if (crew->options->depth != DEPTH_CONNECTED)
			session_leave(s);
	} else if (crew->ready == crew->wanted) {
		crew->job->start(crew);
	}
}

void
crew_left(struct crew *crew, struct session *s)
{
	(void)s;
	crew->left++;
	if (crew->left == crew->wanted)
		crew->done = true;
}

/* How many connections are on their way in or out. */
static unsigned
busy(const struct crew *crew)
{
	return crew->begun - (crew->job->leaves_at_once ? crew->left : crew->ready);
}

static void
begin_more(struct crew *crew)
{
	while (!crew->done && crew->begun < crew->wanted &&
		busy(crew) < crew->options->concurrency) {
		unsigned number = crew->begun++;
		session_begin(&crew->sessions[number], crew, number);
	}
}

/* The oldest session that is not where it should be, for the message about a stall. */
static struct session *
stalled(struct crew *crew)
{
	for (unsigned i = 0; i < crew->begun; i++) {
		struct session *s = &crew->sessions[i];
		if (s->phase != PHASE_LEFT &&
			(s->phase != PHASE_READY || crew->ready == crew->wanted))
			return s;
	}
	return &crew->sessions[0];
}

/* Waits for events until the job's wake-up time or the stall limit, and handles them. */
static void
turn(struct crew *crew)
{
	struct epoll_event events[EVENTS];
	uint64_t now = crew_now_ns();
	uint64_t limit = crew->options->timeout_ms * ns_per_ms;
	bool wakes = crew->wake_ns != 0;
	uint64_t wait = !wakes ? limit : crew->wake_ns > now ? crew->wake_ns - now : 0;
	const struct timespec timeout = { (time_t)(wait / 1000000000), (long)(wait % 1000000000) };
	int n = epoll_pwait2(crew->set->epoll, events, EVENTS, &timeout, NULL);

	if (n < 0 && errno != EINTR)
		give_up("epoll_pwait2: %s", strerror(errno));
	for (int i = 0; i < n && !crew->done; i++)
		conn_handle(events[i].data.ptr, events[i].events);
	if (!crew->done && wakes && crew_now_ns() >= crew->wake_ns) {
		crew->wake_ns = 0;
		crew->job->wake(crew);
	} else if (n == 0 && !wakes) {
		crew_fail(crew, stalled(crew), "nothing happens any more", NO_SLICE);
	}
}

static SSL_CTX *
tls_client(const struct options *o)
{
	static const unsigned char alpn[] = "\013xmpp-client";

	if (o->tls == TLS_NONE)
		return NULL;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	if (ctx == NULL)
		give_up("OpenSSL does not start");
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(ctx, 1);
	if (o->tls == TLS_DIRECT && o->depth == DEPTH_SESSION)
		(void)SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn) - 1);
	if (o->ca != NULL) {
		if (SSL_CTX_load_verify_locations(ctx, o->ca, NULL) != 1)
			give_up("cannot read certificates from %s", o->ca);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	}
	return ctx;
}

/* As many descriptors as we may have; the message names the remedy when that is too few. */
static void
check_descriptors(unsigned wanted)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < (rlim_t)wanted + SPARE_FDS)
		give_up("%u sessions need more than the %lu descriptors that a process may "
			"have here; run several with --first-account",
			wanted, (unsigned long)limit.rlim_cur);
}

static void
crew_init(struct crew *crew, const struct options *o, const struct job *job)
{
	unsigned wanted = o->count * job->sessions_per_count + job->sessions_extra;

	*crew = (struct crew){ .options = o, .job = job, .wanted = wanted };
	check_descriptors(job->leaves_at_once ? o->concurrency : wanted);
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	crew->set = xcalloc(1, sizeof(*crew->set));
	crew->set->epoll = epoll_create1(EPOLL_CLOEXEC);
	crew->set->tls = tls_client(o);
	crew->set->server_name = o->domain;
	crew->sessions = xcalloc(wanted, sizeof(*crew->sessions));
	for (unsigned i = 0; i < wanted; i++)
		crew->sessions[i].conn.fd = -1;
	crew->keys = xcalloc(1, sizeof(*crew->keys));
	crew->sasl = sasl_context_create();
	crew->sign_ins = xcalloc(1, sizeof(*crew->sign_ins));
}

static void
crew_finish(struct crew *crew)
{
	if (crew->job->finish != NULL && crew->state != NULL)
		crew->job->finish(crew);
	for (unsigned i = 0; i < crew->wanted; i++)
		session_drop(&crew->sessions[i]);
	(void)close(crew->set->epoll);
	SSL_CTX_free(crew->set->tls);
	free(crew->set);
	free(crew->sessions);
	free(crew->keys);
	sasl_context_destroy(&crew->sasl);
	free(crew->sign_ins);
	free(crew->state);
}

static void
tell(struct crew *crew, struct report *report)
{
	static const char *const tls_names[] = { "none", "starttls", "direct" };
	const struct options *o = crew->options;

	report_text(report, "mode", o->mode);
	report_uint(report, "sessions", crew->wanted);
	report_text(report, "tls", tls_names[o->tls]);
	report_text(report, "tls_version", crew->tls_name[0] == '\0' ? NULL : crew->tls_name);
	report_durations(report, "sign_in", crew->sign_ins);
	crew->job->tell(crew, report);
}

int
crew_run(const struct options *options, const struct job *job, struct report *report)
{
	struct crew crew;

	crew_init(&crew, options, job);
	crew_look_settled(&crew, &crew.before);
	crew.began_ns = crew_now_ns();
	begin_more(&crew);
	while (!crew.done) {
		turn(&crew);
		begin_more(&crew);
	}
	crew.ended_ns = crew_now_ns();
	crew.own_cpu_ns = proc_own_cpu_ns();
	if (!crew.failed)
		tell(&crew, report);
	int r = crew.failed ? -1 : 0;
	crew_finish(&crew);
	return r;
}
