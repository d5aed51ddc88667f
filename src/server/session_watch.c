/* A client that says nothing for long is asked whether it is there, and has a while to answer. */
#include "server/session_internal.h"

#include "base/random.h"
#include "server/account_internal.h"
#include "server/server_internal.h"

static void ask_if_alive(struct timer *timer);

static void
watch_silence(struct session *s, uint64_t ms)
{
	s->timer.fire = ask_if_alive;
	timer_start(s->account->shard->loop, &s->timer, ms);
}

/* False: it is about to end. */
static bool
send_ping(struct session *s)
{
	struct stanza ping = {
		.kind = STANZA_IQ,
		.type = TYPE_GET,
		.from = s->account->jid,
		.to = s->jid,
		.content = SLICE("<ping xmlns='urn:xmpp:ping'/>"),
	};
	char id[TOKEN_CHARS + 1];

	random_token(id);
	ping.id = slice_of(id);
	return session_deliver(s, &ping);
}

/* The timer runs for the longest silence; what was heard meanwhile only shortens the next one. */
static void
ask_if_alive(struct timer *timer)
{
	struct session *s = container_of(timer, struct session, timer);
	struct shard *shard = s->account->shard;
	const struct c2s_config *conf = shard->server->core->c2s;
	uint64_t silence = loop_now_ms(shard->loop) - s->heard_ms;

	if (s->holders != NULL || s->waits_for_others) {
		s->heard_ms = loop_now_ms(shard->loop); /* it may well speak, but nobody listens */
		watch_silence(s, conf->idle_ms);
	} else if (s->pinged) {
		session_lose(s, STREAM_CONNECTION_TIMEOUT);
	} else if (silence < conf->idle_ms) {
		watch_silence(s, conf->idle_ms - silence);
	} else {
		s->pinged = true;
		if (send_ping(s))
			watch_silence(s, conf->answer_ms);
	}
}

void
session_watch(struct session *s)
{
	watch_silence(s, s->account->shard->server->core->c2s->idle_ms);
}
