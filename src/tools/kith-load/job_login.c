/* Sign in, sign out, again and again; or only the TLS handshake of it. And sessions that idle. */
#include "tools/kith-load/crew.h"

#include <stdlib.h>

static void
ignore(struct crew *crew, struct session *s, struct slice stanza)
{
	(void)crew;
	(void)s;
	(void)stanza;
}

static void
tell_sign_ins(struct crew *crew, struct report *report)
{
	struct proc_sample after;
	double seconds = (double)(crew->ended_ns - crew->began_ns) / 1e9;

	crew_look_settled(crew, &after);
	report_real(report, "seconds", seconds);
	report_real(report, "per_second", crew->wanted / seconds);
	report_real(report, "cpu_us_each",
		(double)(after.cpu_ns - crew->before.cpu_ns) / crew->wanted / 1000);
	report_real(report, "own_cpu_us_each", (double)crew->own_cpu_ns / crew->wanted / 1000);
	report_uint(report, "rss_kib", after.rss_kib);
}

const struct job job_login = {
	.sessions_per_count = 1,
	.leaves_at_once = true,
	.stanza = ignore,
	.tell = tell_sign_ins,
};

const struct job job_handshake = {
	.sessions_per_count = 1,
	.leaves_at_once = true,
	.stanza = ignore,
	.tell = tell_sign_ins,
};

/* Idle: what the watched processes used while nothing happened, and what they hold at its end. */
struct idle {
	struct proc_sample full, after;
};

static void
start_idle(struct crew *crew)
{
	struct idle *idle = xcalloc(1, sizeof(*idle));

	crew->state = idle;
	crew_look_settled(crew, &idle->full);
	crew_wake(crew, crew_now_ns() + (uint64_t)crew->options->duration_ms * 1000000);
}

static void
end_idle(struct crew *crew)
{
	struct idle *idle = crew->state;

	crew_look(crew, &idle->after);
	crew_done(crew);
}

static void
tell_idle(struct crew *crew, struct report *report)
{
	const struct idle *idle = crew->state;
	double each = 1.0 / crew->wanted;

	report_uint(report, "rss_before_kib", crew->before.rss_kib);
	report_uint(report, "rss_kib", idle->after.rss_kib);
	report_real(report, "rss_kib_each",
		((double)idle->after.rss_kib - (double)crew->before.rss_kib) * each);
	report_real(report, "anon_kib_each",
		((double)idle->after.anon_kib - (double)crew->before.anon_kib) * each);
	report_real(report, "idle_cpu_ms", (double)(idle->after.cpu_ns - idle->full.cpu_ns) / 1e6);
	report_real(report, "cpu_us_each",
		(double)(idle->full.cpu_ns - crew->before.cpu_ns) * each / 1000);
}

const struct job job_idle = {
	.sessions_per_count = 1,
	.start = start_idle,
	.stanza = ignore,
	.wake = end_idle,
	.tell = tell_idle,
};
