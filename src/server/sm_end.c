/*
 * The end of a session: what its client did not acknowledge goes the way that it would have gone
 * without it, and for a while it is known how many stanzas were handled.
 */
#include "server/sm_internal.h"

#include "proto/delay.h"
#include "server/account_internal.h"
#include "server/receipt.h"
#include "server/route.h"
#include "server/server_internal.h"
#include "server/session_internal.h"
#include "server/trace.h"

#include <stdlib.h>

/* The sessions of an account that ended last: an id, and how many stanzas were handled. */
enum { PAST_MOST = 8 };

struct sm_past {
	unsigned next;
	struct {
		char id[TOKEN_CHARS + 1];
		uint32_t handled;
	} v[PAST_MOST];
};

/* ---- What was lost with a connection ---- */

static void
tell_one(struct account *acct, const struct sent *sent)
{
	struct slice xml = slice_make(sent->bytes + SENT_NUMBER, sent->size);
	struct xml_tokens tokens;
	struct arena arena;
	struct stanza st;

	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	if (stanza_thaw(acct->shard->server->names, xml, &tokens, &arena, &st) == 0 &&
		st.kind == STANZA_MESSAGE)
		account_tell_unread(acct, &st, NULL);
	arena_finish(&arena);
	xml_tokens_finish(&tokens);
}

void
sm_tell_unread(struct session *s)
{
	bool was_inactive = s->is_inactive;
	struct sent *sent;

	if (s->sm == NULL)
		return;
	s->is_inactive = true;
	LIST_EACH (sent, &s->sm->unacked, struct sent, link) {
		if (!sent->is_unread)
			tell_one(s->account, sent);
		sent->is_unread = true;
	}
	s->is_inactive = was_inactive;
}

/* ---- Who comes too late ---- */

void
sm_write_failed_to_resume(struct buffer *out, const struct account *acct, struct slice id)
{
	const struct sm_past *past = acct == NULL ? NULL : acct->past;
	const uint32_t *number = NULL;

	for (unsigned i = 0; past != NULL && i < PAST_MOST; i++) {
		if (past->v[i].id[0] != '\0' && slice_is_text(id, past->v[i].id))
			number = &past->v[i].handled;
	}
	sm_write_failed(out, "item-not-found", number);
}

static void
remember_past(struct account *acct, const struct sm *sm)
{
	struct sm_past *past;

	if (!sm_is_resumable(sm))
		return;
	if (acct->past == NULL)
		acct->past = xcalloc(1, sizeof(*acct->past));
	past = acct->past;
	memcpy(past->v[past->next].id, sm->id, sizeof(sm->id));
	past->v[past->next].handled = sm_handled(sm);
	past->next = (past->next + 1) % PAST_MOST;
}

/* ---- The end ---- */

void
sm_write_again(struct buffer *out, const struct sent *sent, struct slice domain)
{
	static const char end[] = "</message>";
	struct slice xml = slice_make(sent->bytes + SENT_NUMBER, sent->size);
	size_t head = xml.len - (sizeof(end) - 1);

	if (xml.len < sizeof(end) || memcmp(xml.p + head, end, sizeof(end) - 1) != 0 ||
		delay_is_in(xml, domain)) {
		(void)buffer_append(out, xml);
		return;
	}
	(void)buffer_append(out, slice_make(xml.p, head));
	delay_write(out, domain, sent->wall_ms);
	(void)buffer_text(out, end);
}

/*
 * XEP-0198, 4: as what is sent to a resource that is not there. A message is tried again with the
 * others of its user, or kept; who asks something is told that nobody answers. Presence is old, and
 * a push of our own is in the next roster that is asked for. A copy of a message was for this one
 * device; the message itself goes its own way.
 */
static void
send_again(struct account *acct, struct stanza *st)
{
	bool is_own = jid_is(&st->from, &acct->jid);

	trace(acct->shard, st, "a stanza was not acknowledged", TRACE_NO_MORE);
	if (is_own)
		return;
	if (st->kind == STANZA_MESSAGE && st->type != TYPE_ERROR && st->type != TYPE_GROUPCHAT) {
		st->to = acct->jid;
		route(acct->shard, st);
	} else if (st->kind != STANZA_PRESENCE) {
		route_bounce(acct->shard, st, RECIPIENT_UNAVAILABLE, NULL, NULL);
	}
}

static void
send_one_again(struct account *acct, const struct sent *sent, struct receipt *receipt)
{
	struct xml_tokens tokens;
	struct arena arena;
	struct stanza st;
	struct buffer xml;

	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	buffer_init(&xml, LIMIT_FROZEN_STANZA);
	sm_write_again(&xml, sent, host_domain(acct->host));
	if (stanza_thaw(acct->shard->server->names, buffer_slice(&xml), &tokens, &arena, &st) ==
		0) {
		st.returned_ms = sent->wall_ms;
		st.receipt = receipt;
		send_again(acct, &st);
	}
	buffer_finish(&xml);
	arena_finish(&arena);
	xml_tokens_finish(&tokens);
}

void
sm_send_again(struct account *acct, const struct store_row *row, struct receipt *receipt)
{
	struct sent *sent;

	if (row->value.len <= SENT_NUMBER)
		return;
	sent = sent_create(slice_from(row->value, SENT_NUMBER), row->stamp_ms);
	send_one_again(acct, sent, receipt);
	free(sent);
}

static void
send_all_again(struct sm *sm, struct account *acct, struct receipt *receipt)
{
	while (!list_is_empty(&sm->unacked)) {
		struct sent *sent = sm_first_sent(sm);

		send_one_again(acct, sent, receipt);
		sm_drop_sent(sm, sent);
	}
}

void
sm_end(struct sm **ended, struct account *acct)
{
	struct sm *sm = *ended;
	struct receipt *receipt;

	*ended = NULL;
	if (sm == NULL)
		return;
	sm->session = NULL;
	remember_past(acct, sm);
	receipt = sm_forget_stored(sm, acct);
	send_all_again(sm, acct, receipt);
	if (receipt != NULL && receipt_is_over(receipt))
		receipt->done(receipt);
	sm_free_if_over(sm);
}

void
sm_destroy(struct sm **destroyed)
{
	struct sm *sm = *destroyed;

	*destroyed = NULL;
	if (sm == NULL)
		return;
	while (!list_is_empty(&sm->unacked))
		sm_drop_sent(sm, sm_first_sent(sm));
	list_remove(&sm->idle);
	sm->session = NULL;
	sm_free_if_over(sm);
}
