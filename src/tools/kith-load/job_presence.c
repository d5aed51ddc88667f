/*
 * A presence storm: one user, the hub, whose every change of presence goes to all contacts. They
 * are friends both ways; who is not yet becomes one first. Whether that is through is seen from
 * presence that arrives, not from the answers, which differ when it was through before.
 *
 * Then each update must reach each contact exactly once and in its turn; anything else is a
 * failure. Through bench/relay it is the same, but for the friendship.
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
	uint64_t own_before, own_after;
	struct proc_sample before, after;
	struct histogram delays;
};

static void
send_update(struct crew *crew, struct storm *storm)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "<presence><status>%s %06u</status></presence>",
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

	crew->state = storm;
	random_token(storm->run);
	if (crew->options->depth == DEPTH_SESSION) {
		struct slice hub = slice_of(crew->sessions[0].jid);

		hub.len = slice_find(hub, '/');
		for (unsigned i = 1; i < crew->wanted; i++)
			send_to(&crew->sessions[i], "subscribe", hub);
	}
	crew_wake(crew, crew_now_ns());
}

static void
begin_measuring(struct crew *crew, struct storm *storm)
{
	storm->measuring = true;
	crew_look_settled(crew, &storm->before);
	storm->own_before = proc_own_cpu_ns();
	storm->measure_began_ns = crew_now_ns();
}

static void
end_measuring(struct crew *crew, struct storm *storm)
{
	storm->measured_ns = crew_now_ns() - storm->measure_began_ns;
	crew_look(crew, &storm->after);
	storm->own_after = proc_own_cpu_ns();
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

/* The update's number; of the present run only. Several of number 0 may be on their way. */
static bool
read_update(const struct storm *storm, struct slice status, unsigned *number_out)
{
	uint64_t number;

	if (status.len <= TOKEN_CHARS + 1 || memcmp(status.p, storm->run, TOKEN_CHARS) != 0 ||
		slice_to_uint(slice_from(status, TOKEN_CHARS + 1), UINT32_MAX, &number) < 0)
		return false;
	*number_out = (unsigned)number;
	return true;
}

static void
presence_seen(struct crew *crew, struct storm *storm, struct session *s, struct slice stanza)
{
	unsigned number;

	if (!read_update(storm, cut_text(stanza, "status"), &number))
		return;
	if (number == 0 && (storm->measuring || s->mark > 0))
		return;
	if (number != storm->update || s->mark > number) {
		crew_fail(crew, s, "an update out of turn, or twice", stanza);
		return;
	}
	s->mark = number + 1;
	if (storm->measuring)
		histogram_add(&storm->delays, crew_now_ns() - storm->update_ns);
	if (++storm->seen == crew->wanted - 1)
		next_update(crew, storm);
}

/* Everyone agrees, and the hub asks back. */
static void
befriend(struct session *s, struct slice from)
{
	send_to(s, "subscribed", from);
	if (s->number == 0)
		send_to(s, "subscribe", from);
}

static void
storm_stanza(struct crew *crew, struct session *s, struct slice stanza)
{
	struct storm *storm = crew->state;

	if (storm == NULL || !cut_is(stanza, "presence"))
		return;
	if (slice_is_text(cut_attribute(stanza, "type"), "subscribe"))
		befriend(s, cut_attribute(stanza, "from"));
	else if (s->number > 0)
		presence_seen(crew, storm, s, stanza);
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

/* The relay is told which addresses to write, those that a server would. */
static const char *
storm_relay_line(struct crew *crew, const struct session *s)
{
	const char *domain = crew->options->domain;

	if (s->number == 0)
		(void)snprintf(crew->line, sizeof(crew->line), "hub %s@%s/load0",
			crew_user(crew, 0).p, domain);
	else
		(void)snprintf(crew->line, sizeof(crew->line), "member %s@%s",
			crew_user(crew, s->number).p, domain);
	return crew->line;
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
	report_real(report, "own_cpu_us_each",
		(double)(storm->own_after - storm->own_before) / count / 1000);
	report_durations(report, "delay", &storm->delays);
	report_uint(report, "rss_kib", storm->after.rss_kib);
}

const struct job job_presence = {
	.sessions_per_count = 1,
	.sessions_extra = 1,
	.relay_line = storm_relay_line,
	.start = start_storm,
	.stanza = storm_stanza,
	.wake = storm_wake,
	.tell = storm_tell,
};
