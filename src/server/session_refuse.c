/*
 * The error to a session about what it sent, when the policy of its own side stopped that. It goes
 * straight to the session: it says that it comes from the address that was written to, and the
 * account's policy for what arrives would judge it by that.
 */
#include "server/session_internal.h"
#include "server/trace.h"

#include "server/account_internal.h"

void
session_refuse(struct session *s, const struct stanza *st, const struct verdict *verdict)
{
	const struct payload *detail = verdict->detail;
	struct stanza error = {
		.kind = st->kind,
		.type = TYPE_ERROR,
		.id = st->id,
		.from = st->to,
		.to = s->jid,
	};
	struct buffer content;

	trace(s->account->shard, st, "a stanza is refused by a module", TRACE_NO_MORE);
	if (verdict->kind != VERDICT_BOUNCE || st->type == TYPE_ERROR || st->type == TYPE_RESULT)
		return;
	shard_count(s->account->shard, METRIC_BOUNCES_TOTAL);
	buffer_init(&content, LIMIT_STORED_STANZA);
	stanza_error_write(&content, verdict->condition, verdict->text,
		detail == NULL ? NULL : detail->name, detail == NULL ? NULL : detail->ns);
	error.content = buffer_slice(&content);
	(void)session_deliver(s, &error);
	buffer_finish(&content);
}
