/*
 * Pairs of sessions that send each other messages: one in flight per pair, each answered by the
 * next, or at a fixed rate for all pairs together, whatever the server's answer takes.
 *
 * The body begins with the run's mark and the moment of sending, so that the receiver knows the
 * delay without any book-keeping, and a message of an earlier run (kept for an offline user) is
 * not counted. Before the end everything in flight is waited for; what does not come is a failure.
 */
#include "tools/kith-load/crew.h"

#include "base/random.h"

#include <stdlib.h>

enum { HEX = 16, MARK = HEX + HEX, MESSAGE_LIMIT = 131072 };

static const uint64_t ns_per_ms = 1000000;

enum chat_phase { CHAT_WARM, CHAT_MEASURE, CHAT_DRAIN };

struct chat {
	enum chat_phase phase;
	char run[HEX + 1];
	struct buffer *texts; /* one per session: its message, with a place for the moment */
	size_t *moment_at;
	uint64_t phase_end_ns;
	uint64_t sent, delivered;
	uint64_t next_send_ns; /* with a rate */
	unsigned next_sender;
	uint64_t counted; /* delivered while measuring */
	uint64_t measure_began_ns, measured_ns;
	uint64_t own_before, own_after;
	struct proc_sample before, after;
	struct histogram delays;
};

static void
write_hex(char out[HEX], uint64_t value)
{
	for (int i = HEX - 1; i >= 0; i--, value >>= 4)
		out[i] = "0123456789abcdef"[value & 15];
}

/* The value of HEX lower-case digits; anything else gives nonsense, which the mark excludes. */
static uint64_t
read_hex(const char *p)
{
	uint64_t value = 0;

	for (int i = 0; i < HEX; i++)
		value = value << 4 | (uint64_t)(p[i] <= '9' ? p[i] - '0' : p[i] - 'a' + 10);
	return value;
}

static void
write_message(struct crew *crew, struct chat *chat, unsigned number)
{
	const char *partner = crew->sessions[number ^ 1].jid;
	struct buffer *text = &chat->texts[number];

	buffer_init(text, MESSAGE_LIMIT);
	(void)buffer_printf(text, "<message to='%s' type='chat' id='m%u'><body>%s",
		partner == NULL ? "partner@example.test/load" : partner, number, chat->run);
	chat->moment_at[number] = text->len;
	for (unsigned i = HEX; i < crew->options->body_bytes; i++)
		(void)buffer_text(text, "x");
	(void)buffer_text(text, "</body></message>");
}

static void
send_message(struct chat *chat, struct session *s)
{
	struct buffer *text = &chat->texts[s->number];

	chat->sent++;
	write_hex(text->data + chat->moment_at[s->number], crew_now_ns());
	session_send(s, buffer_slice(text));
}

/* Sends what is due and wakes for the next, or for the end of the phase. */
static void
send_due(struct crew *crew, struct chat *chat, uint64_t now)
{
	uint64_t wake = chat->phase_end_ns;

	if (crew->options->rate > 0 && chat->phase != CHAT_DRAIN) {
		uint64_t interval = 1000 * ns_per_ms / crew->options->rate;

		while (chat->next_send_ns <= now) {
			send_message(chat, &crew->sessions[chat->next_sender]);
			chat->next_sender = (chat->next_sender + 1) % crew->wanted;
			chat->next_send_ns += interval;
		}
		wake = chat->next_send_ns < wake ? chat->next_send_ns : wake;
	}
	crew_wake(crew, wake);
}

static void
start_chat(struct crew *crew)
{
	struct chat *chat = xcalloc(1, sizeof(*chat));
	uint64_t mark;

	crew->state = chat;
	random_bytes(&mark, sizeof(mark));
	write_hex(chat->run, mark);
	chat->texts = xcalloc(crew->wanted, sizeof(*chat->texts));
	chat->moment_at = xcalloc(crew->wanted, sizeof(*chat->moment_at));
	for (unsigned i = 0; i < crew->wanted; i++)
		write_message(crew, chat, i);
	uint64_t now = crew_now_ns();
	chat->phase_end_ns = now + crew->options->warmup_ms * ns_per_ms;
	chat->next_send_ns = now;
	for (unsigned i = 0; crew->options->rate == 0 && i < crew->wanted; i += 2)
		send_message(chat, &crew->sessions[i]);
	send_due(crew, chat, now);
}

static void
delivered(struct crew *crew, struct session *s, struct slice stanza)
{
	struct chat *chat = crew->state;

	if (!cut_is(stanza, "message"))
		return;
	struct slice body = cut_text(stanza, "body");
	if (body.len < MARK || memcmp(body.p, chat->run, HEX) != 0)
		return;
	if (slice_is_text(cut_attribute(stanza, "type"), "error")) {
		crew_fail(crew, s, "a message came back", stanza);
		return;
	}
	chat->delivered++;
	if (chat->phase == CHAT_MEASURE) {
		chat->counted++;
		histogram_add(&chat->delays, crew_now_ns() - read_hex(body.p + HEX));
	}
	if (crew->options->rate == 0 && chat->phase != CHAT_DRAIN)
		send_message(chat, s);
	else if (chat->phase == CHAT_DRAIN && chat->delivered == chat->sent)
		crew_done(crew);
}

static void
next_phase(struct crew *crew, struct chat *chat, uint64_t now)
{
	switch (chat->phase) {
	case CHAT_WARM:
		chat->phase = CHAT_MEASURE;
		chat->phase_end_ns = now + crew->options->duration_ms * ns_per_ms;
		crew_look(crew, &chat->before);
		chat->own_before = proc_own_cpu_ns();
		chat->measure_began_ns = crew_now_ns();
		break;
	case CHAT_MEASURE:
		chat->phase = CHAT_DRAIN;
		chat->phase_end_ns = now + crew->options->timeout_ms * ns_per_ms;
		crew_look(crew, &chat->after);
		chat->own_after = proc_own_cpu_ns();
		chat->measured_ns = crew_now_ns() - chat->measure_began_ns;
		if (chat->delivered == chat->sent)
			crew_done(crew);
		break;
	case CHAT_DRAIN:
		crew_fail(crew, &crew->sessions[0], "messages were lost", NO_SLICE);
		break;
	}
}

static void
wake_chat(struct crew *crew)
{
	struct chat *chat = crew->state;
	uint64_t now = crew_now_ns();

	if (now >= chat->phase_end_ns)
		next_phase(crew, chat, now);
	if (!crew->done)
		send_due(crew, chat, now);
}

static void
tell_chat(struct crew *crew, struct report *report)
{
	struct chat *chat = crew->state;
	double seconds = (double)chat->measured_ns / 1e9;
	double messages = chat->counted == 0 ? 1 : (double)chat->counted;

	report_uint(report, "pairs", crew->wanted / 2);
	report_uint(report, "body_bytes", crew->options->body_bytes);
	report_uint(report, "rate", crew->options->rate);
	report_real(report, "seconds", seconds);
	report_uint(report, "delivered", chat->counted);
	report_real(report, "per_second", (double)chat->counted / seconds);
	report_real(report, "cpu_us_each",
		(double)(chat->after.cpu_ns - chat->before.cpu_ns) / messages / 1000);
	report_real(report, "own_cpu_us_each",
		(double)(chat->own_after - chat->own_before) / messages / 1000);
	report_durations(report, "delay", &chat->delays);
	report_uint(report, "rss_kib", chat->after.rss_kib);
}

static void
finish_chat(struct crew *crew)
{
	struct chat *chat = crew->state;

	for (unsigned i = 0; i < crew->wanted; i++)
		buffer_finish(&chat->texts[i]);
	free(chat->texts);
	free(chat->moment_at);
}

const struct job job_chat = {
	.sessions_per_count = 2,
	.start = start_chat,
	.stanza = delivered,
	.wake = wake_chat,
	.tell = tell_chat,
	.finish = finish_chat,
};
