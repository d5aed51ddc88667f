/*
 * Pairs become friends: one asks, the other agrees and asks back, the first agrees. It is through
 * for a side when its roster says "both" by a push and it has seen the other's presence, so all of
 * it is on disk by then if the server stores before it tells. --concurrency pairs at once.
 *
 * Before that both ask for their rosters, which brings the pushes, and remove each other, in case
 * they were friends in an earlier run.
 */
#include "tools/kith-load/crew.h"

#include <stdio.h>
#include <stdlib.h>

/* What a session has; its mark. */
enum { HAS_BOTH = 1, HAS_PRESENCE = 2, HAS_ALL = 3 };

struct friends {
	unsigned cleaned; /* sessions that no longer have the other */
	unsigned begun;   /* pairs */
	unsigned through; /* sessions */
	bool measuring;
	uint64_t pushes, stanzas; /* while measuring */
	uint64_t *began_ns;       /* per pair */
	struct proc_sample before, after;
	uint64_t measure_began_ns, measured_ns;
	uint64_t own_before, own_after;
	struct histogram delays; /* from the first stanza of a pair until both have all */
};

static struct session *
other_of(struct crew *crew, const struct session *s)
{
	return &crew->sessions[s->number ^ 1];
}

static struct slice
bare(const struct session *s)
{
	struct slice jid = slice_of(s->jid);

	jid.len = slice_find(jid, '/');
	return jid;
}

static void
send_types(struct crew *crew, struct session *s, const char *const *types)
{
	struct slice to = bare(other_of(crew, s));
	struct buffer text;

	buffer_init(&text, 8192);
	for (; *types != NULL; types++)
		(void)buffer_printf(
			&text, "<presence type='%s' to='%.*s'/>", *types, SLICE_ARG(to));
	session_send(s, buffer_slice(&text));
	buffer_finish(&text);
}

static void
ask_first(struct crew *crew, struct friends *friends)
{
	unsigned pair = friends->begun++;

	friends->began_ns[pair] = crew_now_ns();
	send_types(crew, &crew->sessions[2 * pair], (const char *const[]){ "subscribe", NULL });
}

/* Who is asked first asks back. */
static void
agree(struct crew *crew, struct session *s)
{
	if (s->number % 2 == 1)
		send_types(crew, s, (const char *const[]){ "subscribed", "subscribe", NULL });
	else
		send_types(crew, s, (const char *const[]){ "subscribed", NULL });
}

static void
clean(struct crew *crew, struct session *s)
{
	struct slice contact = bare(other_of(crew, s));
	struct buffer text;

	buffer_init(&text, 8192);
	(void)buffer_printf(&text,
		"<iq type='get' id='get'><query xmlns='jabber:iq:roster'/></iq>"
		"<iq type='set' id='clean'><query xmlns='jabber:iq:roster'>"
		"<item jid='%.*s' subscription='remove'/></query></iq>",
		SLICE_ARG(contact));
	session_send(s, buffer_slice(&text));
	buffer_finish(&text);
}

static void
start_friends(struct crew *crew)
{
	struct friends *friends = xcalloc(1, sizeof(*friends));

	crew->state = friends;
	friends->began_ns = xcalloc(crew->wanted / 2, sizeof(*friends->began_ns));
	for (unsigned i = 0; i < crew->wanted; i++)
		clean(crew, &crew->sessions[i]);
}

/* The removals are through, but not all that follows from them. */
static void
begin_measuring(struct crew *crew, struct friends *friends)
{
	uint64_t rested_ns;

	friends->measuring = true;
	crew_look_rested(crew, &friends->before, &rested_ns);
	friends->own_before = proc_own_cpu_ns();
	friends->measure_began_ns = crew_now_ns();
	while (friends->begun < crew->wanted / 2 && friends->begun < crew->options->concurrency)
		ask_first(crew, friends);
}

static void
end_measuring(struct crew *crew, struct friends *friends)
{
	uint64_t rested_ns;

	friends->own_after = proc_own_cpu_ns();
	friends->measured_ns = crew_now_ns() - friends->measure_began_ns;
	crew_look_rested(crew, &friends->after, &rested_ns);
	crew_done(crew);
}

static void
gained(struct crew *crew, struct friends *friends, struct session *s, unsigned what)
{
	if (s->mark == HAS_ALL)
		return;
	s->mark |= what;
	if (s->mark != HAS_ALL)
		return;
	friends->through++;
	if (other_of(crew, s)->mark == HAS_ALL) {
		histogram_add(&friends->delays, crew_now_ns() - friends->began_ns[s->number / 2]);
		if (friends->begun < crew->wanted / 2)
			ask_first(crew, friends);
	}
	if (friends->through == crew->wanted)
		end_measuring(crew, friends);
}

static bool
is_push_of_both(struct slice stanza)
{
	static const char both[] = "subscription='both'", also[] = "subscription=\"both\"";

	return memmem(stanza.p, stanza.len, both, sizeof(both) - 1) != NULL ||
	       memmem(stanza.p, stanza.len, also, sizeof(also) - 1) != NULL;
}

static void
iq_seen(struct crew *crew, struct friends *friends, struct session *s, struct slice stanza)
{
	if (!friends->measuring) {
		/* Removed, or was not there. */
		if (slice_is_text(cut_attribute(stanza, "id"), "clean") &&
			++friends->cleaned == crew->wanted)
			begin_measuring(crew, friends);
	} else if (slice_is_text(cut_attribute(stanza, "type"), "set")) {
		friends->pushes++;
		if (is_push_of_both(stanza))
			gained(crew, friends, s, HAS_BOTH);
	}
}

static void
presence_seen(struct crew *crew, struct friends *friends, struct session *s, struct slice stanza)
{
	struct slice type = cut_attribute(stanza, "type");
	struct slice from = cut_attribute(stanza, "from");

	if (slice_is_text(type, "subscribe"))
		agree(crew, s);
	else if (slice_is_text(type, "error"))
		crew_fail(crew, s, "presence came back", stanza);
	else if (type.p == NULL && slice_is_text(from, other_of(crew, s)->jid))
		gained(crew, friends, s, HAS_PRESENCE);
}

static void
friends_stanza(struct crew *crew, struct session *s, struct slice stanza)
{
	struct friends *friends = crew->state;

	if (friends == NULL)
		return;
	friends->stanzas += friends->measuring;
	if (cut_is(stanza, "iq"))
		iq_seen(crew, friends, s, stanza);
	else if (friends->measuring && cut_is(stanza, "presence"))
		presence_seen(crew, friends, s, stanza);
}

static void
friends_tell(struct crew *crew, struct report *report)
{
	const struct friends *friends = crew->state;
	double pairs = (double)crew->wanted / 2;
	double seconds = (double)friends->measured_ns / 1e9;

	report_uint(report, "pairs", crew->wanted / 2);
	report_real(report, "seconds", seconds);
	report_real(report, "per_second", pairs / seconds);
	report_real(report, "cpu_us_each",
		(double)(friends->after.cpu_ns - friends->before.cpu_ns) / pairs / 1000);
	report_real(report, "own_cpu_us_each",
		(double)(friends->own_after - friends->own_before) / pairs / 1000);
	report_real(report, "pushes_each", (double)friends->pushes / pairs);
	report_real(report, "stanzas_each", (double)friends->stanzas / pairs);
	report_durations(report, "delay", &friends->delays);
	report_uint(report, "rss_kib", friends->after.rss_kib);
}

static void
friends_finish(struct crew *crew)
{
	struct friends *friends = crew->state;

	free(friends->began_ns);
}

const struct job job_subscribe = {
	.sessions_per_count = 2,
	.start = start_friends,
	.stanza = friends_stanza,
	.tell = friends_tell,
	.finish = friends_finish,
};
