/*
 * Messages for people who are away, in two runs. Store: --count senders, each with one recipient
 * (the accounts that follow theirs), who is not there; each sends --messages in one go, and a ping
 * behind them whose answer says that the server has read all. It has done all when it rests.
 *
 * Fetch: the recipients come, at first unseen. Then all become available at once, and each must
 * get 1, 2, 3, … --messages, each once and in this order; when the server rests there must not be
 * one more.
 */
#include "tools/kith-load/crew.h"

#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE_LIMIT = 131072, NUMBER_DIGITS = 8 };

struct offline {
	struct proc_sample before, after;
	uint64_t began_ns, ended_ns;
	uint64_t own_before, own_after;
	unsigned through; /* sessions that have all they wait for */
	bool rested;      /* fetch: what comes now is one too many */
};

static struct offline *
begin(struct crew *crew)
{
	struct offline *offline = xcalloc(1, sizeof(*offline));

	crew->state = offline;
	crew_look_settled(crew, &offline->before);
	offline->own_before = proc_own_cpu_ns();
	offline->began_ns = crew_now_ns();
	return offline;
}

/* No digit is in the body but those of the number, so the receiver finds it at the end. */
static void
write_message(struct crew *crew, struct session *s, unsigned number, struct buffer *text)
{
	struct slice to = crew_user(crew, crew->wanted + s->number);

	(void)buffer_printf(text, "<message to='%.*s@%s' type='chat' id='m%u'><body>",
		SLICE_ARG(to), crew->options->domain, number);
	for (unsigned i = NUMBER_DIGITS; i < crew->options->body_bytes; i++)
		(void)buffer_text(text, "x");
	(void)buffer_printf(text, "%0*u</body></message>", NUMBER_DIGITS, number);
}

static void
send_messages(struct crew *crew, struct session *s)
{
	struct buffer text;

	buffer_init(&text, MESSAGE_LIMIT);
	for (unsigned i = 1; i <= crew->options->messages; i++) {
		write_message(crew, s, i, &text);
		session_send(s, buffer_slice(&text));
		buffer_clear(&text);
	}
	buffer_finish(&text);
	session_send(s, SLICE("<iq type='get' id='all'><ping xmlns='urn:xmpp:ping'/></iq>"));
}

static void
start_store(struct crew *crew)
{
	(void)begin(crew);
	for (unsigned i = 0; i < crew->wanted; i++)
		send_messages(crew, &crew->sessions[i]);
}

static void
store_stanza(struct crew *crew, struct session *s, struct slice stanza)
{
	struct offline *offline = crew->state;

	if (offline == NULL)
		return;
	if (cut_is(stanza, "message")) {
		crew_fail(crew, s, "a message came back", stanza);
	} else if (slice_is_text(cut_attribute(stanza, "id"), "all") &&
		   ++offline->through == crew->wanted) {
		offline->own_after = proc_own_cpu_ns();
		crew_look_rested(crew, &offline->after, &offline->ended_ns);
		crew_done(crew);
	}
}

static void
start_fetch(struct crew *crew)
{
	struct offline *offline = begin(crew);

	for (unsigned i = 0; i < crew->wanted; i++)
		session_send(&crew->sessions[i], SLICE("<presence/>"));
	offline->ended_ns = offline->began_ns;
	if (crew->options->messages == 0)
		crew_wake(crew, offline->began_ns + 500000000);
}

static bool
is_in_turn(const struct session *s, struct slice body)
{
	uint64_t number;

	return body.len >= NUMBER_DIGITS &&
	       slice_to_uint(slice_from(body, body.len - NUMBER_DIGITS), UINT32_MAX, &number) ==
		       0 &&
	       number == s->mark + 1;
}

static void
fetch_stanza(struct crew *crew, struct session *s, struct slice stanza)
{
	struct offline *offline = crew->state;

	if (offline == NULL || !cut_is(stanza, "message"))
		return;
	if (!is_in_turn(s, cut_text(stanza, "body")) || s->mark == crew->options->messages) {
		crew_fail(crew, s, "a message out of turn, or one too many", stanza);
		return;
	}
	if (++s->mark == crew->options->messages && ++offline->through == crew->wanted) {
		offline->ended_ns = crew_now_ns();
		offline->own_after = proc_own_cpu_ns();
		crew_wake(crew, offline->ended_ns);
	}
}

/* All came. One more may still be in a socket: they are looked at once the server rests. */
static void
fetch_wake(struct crew *crew)
{
	struct offline *offline = crew->state;
	uint64_t rested_ns;

	if (offline->rested) {
		crew_done(crew);
		return;
	}
	offline->rested = true;
	crew_look_rested(crew, &offline->after, &rested_ns);
	crew_wake(crew, crew_now_ns() + 50000000);
}

static void
offline_tell(struct crew *crew, struct report *report)
{
	const struct offline *offline = crew->state;
	double messages = (double)crew->wanted * crew->options->messages;
	double seconds = (double)(offline->ended_ns - offline->began_ns) / 1e9;
	double each = messages > 0 ? 1 / messages : 1;

	report_uint(report, "messages", (uint64_t)messages);
	report_uint(report, "body_bytes", crew->options->body_bytes);
	report_real(report, "seconds", seconds);
	report_real(report, "per_second", seconds > 0 ? messages / seconds : 0);
	report_real(report, "cpu_us_each",
		(double)(offline->after.cpu_ns - offline->before.cpu_ns) * each / 1000);
	report_real(report, "own_cpu_us_each",
		(double)(offline->own_after - offline->own_before) * each / 1000);
	report_uint(report, "rss_kib", offline->after.rss_kib);
}

const struct job job_store = {
	.sessions_per_count = 1,
	.start = start_store,
	.stanza = store_stanza,
	.tell = offline_tell,
};

const struct job job_fetch = {
	.sessions_per_count = 1,
	.comes_unseen = true,
	.start = start_fetch,
	.stanza = fetch_stanza,
	.wake = fetch_wake,
	.tell = offline_tell,
};
