/*
 * What goes out to a session: the one place where stanzas are written to it, and what happens when
 * it takes them too slowly.
 */
#include "server/session_internal.h"

#include "base/random.h"
#include "proto/codec.h"
#include "server/account_internal.h"
#include "server/pressure.h"
#include "server/route.h"
#include "server/sm.h"
#include "server/trace.h"

static void
end_overfull(struct timer *timer)
{
	session_end(container_of(timer, struct session, timer), STREAM_RESOURCE_CONSTRAINT,
		"Too much waits for you to read it; come back when you can");
}

/* Row 92: its client has not read for too long. Who delivers to it may still hold it, so it ends
 * a moment later. */
static void
become_overfull(struct session *s)
{
	s->is_overfull = true;
	s->timer.fire = end_overfull;
	timer_start(s->account->shard->loop, &s->timer, 0);
}

/* Of stanzas that the client does not acknowledge no more is kept than of those it does not read.
 */
static bool
has_room(const struct session *s, size_t bytes)
{
	return sm_unacknowledged(s->sm) + bytes <=
	       s->account->shard->server->core->c2s->queue_bytes;
}

bool
session_deliver(struct session *s, struct stanza *st)
{
	struct shard *shard = s->account->shard;
	struct buffer *out;
	size_t before;

	if (s->ended || s->is_overfull)
		return false;
	if (!route_verdict(shard, st, hook_egress(&shard->server->pipeline, st, s)))
		return true;
	out = conn_output(s->conn);
	before = out->len;
	stanza_write(out, st);
	if (out->overflowed || !has_room(s, out->len - before)) {
		out->len = before; /* its tags may have found room, but not what is between */
		become_overfull(s);
		return false;
	}
	if (s->sm != NULL)
		sm_sent(s->sm, slice_make(out->data + before, out->len - before));
	/* Not against who answers: else one could stop others by asking and not reading. */
	if (st->type != TYPE_RESULT && st->type != TYPE_ERROR)
		pressure_check(s, &st->from);
	if (st->kind == STANZA_MESSAGE)
		shard_count(shard, METRIC_MESSAGES_DELIVERED_TOTAL);
	trace(shard, st, "a stanza is delivered", F_TEXT("session", s->jid.full));
	hook_delivered(&shard->server->pipeline, st, s);
	return true;
}

void
session_push(struct session *s, const struct payload *payload, const void *data)
{
	struct stanza push = {
		.kind = STANZA_IQ,
		.type = TYPE_SET,
		.from = s->account->jid,
		.to = s->jid,
	};
	char id[TOKEN_CHARS + 1];
	struct buffer content;

	random_token(id);
	push.id = slice_of(id);
	buffer_init(&content, LIMIT_STORED_STANZA);
	codec_encode(&content, payload, data);
	push.content = buffer_slice(&content);
	(void)session_deliver(s, &push);
	buffer_finish(&content);
}

bool
session_is_full(const struct session *s)
{
	/* The full mark of the connection is half of what it takes, too. */
	return conn_is_full(s->conn) ||
	       sm_unacknowledged(s->sm) > s->account->shard->server->core->c2s->queue_bytes / 2;
}

void
session_relieve(struct session *s)
{
	if (session_is_full(s))
		return;
	pressure_release(s);
	hook_session_drained(&s->account->shard->server->pipeline, s);
}
