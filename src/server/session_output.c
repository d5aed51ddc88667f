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

/* Into the output of its client; while that is away, into the queue only. False: no room. */
static bool
write_stanza(struct session *s, const struct stanza *st)
{
	struct buffer queued, *out = s->conn == NULL ? &queued : conn_output(s->conn);
	size_t before;
	bool has_taken;

	if (s->conn == NULL)
		buffer_init(&queued, LIMIT_STORED_STANZA);
	before = out->len;
	stanza_write(out, st);
	has_taken = !out->overflowed && has_room(s, out->len - before);
	if (!has_taken)
		out->len = before; /* its tags may have found room, but not what is between */
	else if (s->sm != NULL)
		sm_sent(s->sm, st, slice_make(out->data + before, out->len - before));
	if (s->conn == NULL)
		buffer_finish(&queued);
	return has_taken;
}

bool
session_deliver(struct session *s, struct stanza *st)
{
	struct shard *shard = s->account->shard;

	if (s->ended || s->is_overfull)
		return false;
	if (!route_verdict(shard, st, hook_egress(&shard->server->pipeline, st, s)))
		return true;
	if (!write_stanza(s, st)) {
		become_overfull(s);
		return false;
	}
	/* Not against who answers: else one could stop others by asking and not reading. */
	if (st->type != TYPE_RESULT && st->type != TYPE_ERROR)
		pressure_check(s, &(st->copied == NULL ? st : st->copied)->from);
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
	return (s->conn != NULL && conn_is_full(s->conn)) ||
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
