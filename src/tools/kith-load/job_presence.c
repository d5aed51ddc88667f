/*
 * A presence storm: one user, the hub, whose every change of presence goes to all contacts. The
 * contacts subscribe first, in case they did not in an earlier run; whether that is through is seen
 * from presence that arrives, not from the answers, which differ when it was through before.
 */
#include "tools/kith-load/crew.h"

#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>

static const uint64_t try_again_ns = 500000000;

struct storm {
	char run[TOKEN_CHARS + 1];
	bool measuring;
	unsigned update; /* 0 while subscriptions are tried out */
	unsigned seen;   /* contacts that have the present update */
	uint64_t update_ns;
	uint64_t measure_began_ns, measured_ns;
	struct proc_sample before, after;
	struct histogram delays;
};

static void
send_update(struct crew *crew, struct storm *storm)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "<presence><status>%s %u</status></presence>",
		storm->run, storm->update);
	storm->update_ns = crew_now_ns();
	session_send(&crew->sessions[0], slice_of(text));
}

static void
send_to(struct session *s, const char *type, struct slice to)
{
	struct buffer text;

	buffer_init(&text, 4096);
	(void)buffer_printf(&text, "<presence type='%s' to='%.*s'/>", type, SLICE_ARG(to));
	session_send(s, buffer_slice(&text));
	buffer_finish(&text);
}

static void
start_storm(struct crew *crew)
{
	struct storm *storm = xcalloc(1, sizeof(*storm));
	struct slice hub = slice_of(crew->sessions[0].jid);

	crew->state = storm;
	random_token(storm->run);
	hub.len = slice_find(hub, '/');
	for (unsigned i = 1; i < crew->wanted; i++)
		send_to(&crew->sessions[i], "subscribe", hub);
	crew_wake(crew, crew_now_ns() + try_again_ns);
}

static void
begin_measuring(struct crew *crew, struct storm *storm)
{
	storm->measuring = true;
	crew_look_settled(crew, &storm->before);
	storm->measure_began_ns = crew_now_ns();
}

static void
end_measuring(struct crew *crew, struct storm *storm)
{
	storm->measured_ns = crew_now_ns() - storm->measure_began_ns;
	crew_look(crew, &storm->after);
	crew_done(crew);
}

/* All contacts have the present update. */
static void
next_update(struct crew *crew, struct storm *storm)
{
	if (!storm->measuring)
		begin_measuring(crew, storm);
	if (storm->update == crew->options->updates) {
		end_measuring(crew, storm);
		return;
	}
	storm->update++;
	storm->seen = 0;
	send_update(crew, storm);
	crew_wake(crew, storm->update_ns + (uint64_t)crew->options->timeout_ms * 1000000);
}

static void
presence_seen(struct crew *crew, struct storm *storm, struct session *s, struct slice status)
{
	char wanted[TOKEN_CHARS + 16];

	(void)snprintf(wanted, sizeof(wanted), "%s %u", storm->run, storm->update);
	if (!slice_is_text(status, wanted) || s->mark > storm->update)
		return;
	s->mark = storm->update + 1;
	if (storm->measuring)
		histogram_add(&storm->delays, crew_now_ns() - storm->update_ns);
	if (++storm->seen == crew->wanted - 1)
		next_update(crew, storm);
}

static void
storm_stanza(struct crew *crew, struct session *s, struct slice stanza)
{
	struct storm *storm = crew->state;

	if (storm == NULL || !cut_is(stanza, "presence"))
		return;
	if (s->number > 0)
		presence_seen(crew, storm, s, cut_text(stanza, "status"));
	else if (slice_is_text(cut_attribute(stanza, "type"), "subscribe"))
		send_to(s, "subscribed", cut_attribute(stanza, "from"));
}

static void
storm_wake(struct crew *crew)
{
	struct storm *storm = crew->state;
	uint64_t limit = (uint64_t)crew->options->timeout_ms * 1000000;

	if (storm->measuring || crew_now_ns() - crew->began_ns > limit * 2) {
		crew_fail(
			crew, &crew->sessions[0], "presence did not reach all contacts", NO_SLICE);
		return;
	}
	send_update(crew, storm);
	crew_wake(crew, crew_now_ns() + try_again_ns);
}

static void
storm_tell(struct crew *crew, struct report *report)
{
	const struct storm *storm = crew->state;
	double count = (double)(crew->wanted - 1) * crew->options->updates;

	report_uint(report, "contacts", crew->wanted - 1);
	report_uint(report, "updates", crew->options->updates);
	report_real(report, "per_second", count / ((double)storm->measured_ns / 1e9));
	report_real(report, "cpu_us_each",
		(double)(storm->after.cpu_ns - storm->before.cpu_ns) / count / 1000);
	report_durations(report, "delay", &storm->delays);
	report_uint(report, "rss_kib", storm->after.rss_kib);
}

const struct job job_presence = {
	.sessions_per_count = 1,
	.sessions_extra = 1,
	.start = start_storm,
	.stanza = storm_stanza,
	.wake = storm_wake,
	.tell = storm_tell,
};
