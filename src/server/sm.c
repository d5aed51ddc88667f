/* Two counters, the stanzas that were sent and not acknowledged, and those that wait for the disk.
 */
#include "server/sm.h"

#include "base/random.h"
#include "proto/delay.h"
#include "server/account_internal.h"
#include "server/pressure.h"
#include "server/receipt.h"
#include "server/route.h"
#include "server/session_away.h"
#include "server/session_internal.h"
#include "server/trace.h"

#include <stdlib.h>

/* A stanza as it was written; its bytes follow. */
struct sent {
	struct list link;
	int64_t wall_ms;
	uint32_t size;
};

struct sm {
	struct session *session; /* NULL: it is over */
	uint32_t received;       /* stanzas of the client */
	uint32_t told;           /* how many of them we said are handled */
	bool owes;               /* it asked, and was told of fewer than it had sent */
	struct list waiting;     // receipt.link, in the order of their numbers
	uint32_t sent, acked;    /* stanzas to the client */
	struct list unacked;     // sent.link
	size_t unacked_bytes;
	bool asks;                /* and has no answer yet */
	char id[TOKEN_CHARS + 1]; /* for who resumes it; empty: nobody can */
	uint32_t patience_ms;
};

/* The sessions of an account that ended last: an id, and how many stanzas were handled. */
enum { PAST_MOST = 8 };

struct sm_past {
	unsigned next;
	struct {
		char id[TOKEN_CHARS + 1];
		uint32_t handled;
	} v[PAST_MOST];
};

/* ---- What comes in ---- */

/* Numbers wrap at 2^32, and so does this. */
static uint32_t
handled(const struct sm *sm)
{
	if (list_is_empty(&sm->waiting))
		return sm->received;
	return container_of(sm->waiting.next, struct receipt, link)->number - 1;
}

static void
acknowledge(struct sm *sm)
{
	if (sm->session->conn == NULL)
		return; /* it is told when it comes back */
	sm->told = handled(sm);
	sm->owes = sm->told != sm->received;
	(void)buffer_printf(
		conn_output(sm->session->conn), "<a xmlns='" NS_SM "' h='%u'/>", sm->told);
}

static void
receipt_done(struct receipt *receipt)
{
	struct sm *sm = receipt->maker;

	list_remove(&receipt->link);
	free(receipt);
	if (sm->session != NULL) {
		if (sm->owes && handled(sm) != sm->told)
			acknowledge(sm);
		session_settled(sm->session);
	} else if (list_is_empty(&sm->waiting)) {
		free(sm);
	}
}

struct receipt *
sm_count(struct session *s, const struct stanza *st)
{
	struct sm *sm = s->sm;
	struct receipt *receipt;

	if (sm == NULL)
		return NULL;
	sm->received++;
	if (st->kind == STANZA_PRESENCE || (st->kind == STANZA_IQ && st->type != TYPE_SET))
		return NULL; /* these are handled when they are routed */
	receipt = receipt_create(s->account->shard, sm, sm->received, receipt_done);
	list_append(&sm->waiting, &receipt->link);
	return receipt;
}

void
sm_taken(struct receipt *receipt)
{
	if (receipt != NULL && receipt_is_over(receipt))
		receipt_done(receipt);
}

/* ---- What goes out ---- */

/*
 * One question at a time, with the first stanza that is not acknowledged, in the same packet. A
 * client that leaves without a word has then mostly said what it had, and gets nothing twice.
 */
static void
ask(struct sm *sm)
{
	if (sm->asks || sm->session->conn == NULL || list_is_empty(&sm->unacked))
		return;
	sm->asks = true;
	(void)buffer_append(conn_output(sm->session->conn), SLICE("<r xmlns='" NS_SM "'/>"));
}

void
sm_sent(struct sm *sm, struct slice xml)
{
	struct sent *sent = xmalloc(sizeof(*sent) + xml.len);

	memcpy(sent + 1, xml.p, xml.len);
	sent->size = (uint32_t)xml.len;
	sent->wall_ms = loop_wall_ms(sm->session->account->shard->loop);
	list_append(&sm->unacked, &sent->link);
	sm->sent++;
	sm->unacked_bytes += xml.len;
	ask(sm);
}

size_t
sm_unacknowledged(const struct sm *sm)
{
	return sm == NULL ? 0 : sm->unacked_bytes;
}

static struct sent *
take_sent(struct sm *sm)
{
	struct sent *sent = container_of(list_pop(&sm->unacked), struct sent, link);

	sm->unacked_bytes -= sent->size;
	return sent;
}

bool
sm_has_sent(const struct sm *sm, uint32_t handled)
{
	return handled - sm->acked <= sm->sent - sm->acked;
}

void
sm_write_too_high(const struct sm *sm, uint32_t handled, char detail[SM_DETAIL])
{
	(void)snprintf(detail, SM_DETAIL,
		"<handled-count-too-high xmlns='" NS_SM "' h='%u' send-count='%u'/>", handled,
		sm->sent);
}

static void
forget_acknowledged(struct sm *sm, uint32_t handled)
{
	for (; sm->acked != handled; sm->acked++)
		free(take_sent(sm));
}

/* XEP-0198, 6: more than was sent is an error that ends the stream. */
static bool
is_acknowledged(struct session *s, struct slice text)
{
	struct sm *sm = s->sm;
	bool was_full = session_is_full(s);
	char detail[SM_DETAIL];
	uint64_t h;

	if (slice_to_uint(text, UINT32_MAX, &h) < 0) {
		session_end(s, STREAM_BAD_FORMAT, "<a/> has a number h");
		return false;
	}
	if (!sm_has_sent(sm, (uint32_t)h)) {
		sm_write_too_high(sm, (uint32_t)h, detail);
		session_end_with(s, STREAM_UNDEFINED_CONDITION, SM_TOO_HIGH, slice_of(detail));
		return false;
	}
	forget_acknowledged(sm, (uint32_t)h);
	sm->asks = false;
	ask(sm);
	if (was_full)
		session_relieve(s);
	return true;
}

/* ---- What the client asks for ---- */

void
sm_write_failed(struct buffer *out, const char *condition, const uint32_t *handled)
{
	(void)buffer_text(out, "<failed xmlns='" NS_SM "'");
	if (handled != NULL)
		(void)buffer_printf(out, " h='%u'", *handled);
	(void)buffer_printf(
		out, "><%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>", condition);
}

/* How long the client wants it to be resumable, within what we allow; 0: not. */
static uint32_t
read_patience_ms(const struct session *s, struct slice resume, struct slice max)
{
	uint32_t most = s->account->shard->server->core->c2s->resume_ms;
	uint64_t seconds;

	if (s->account->is_anonymous ||
		!(slice_is_text(resume, "true") || slice_is_text(resume, "1")))
		return 0;
	if (slice_to_uint(max, UINT32_MAX, &seconds) < 0 || seconds * 1000 > most)
		return most;
	return (uint32_t)seconds * 1000;
}

void
sm_enable(struct session *s, struct slice resume, struct slice max, struct buffer *out)
{
	struct sm *sm;

	if (s->sm != NULL) {
		sm_write_failed(out, "unexpected-request", NULL);
		return;
	}
	sm = xcalloc(1, sizeof(*sm));
	sm->session = s;
	list_init(&sm->waiting);
	list_init(&sm->unacked);
	s->sm = sm;
	sm->patience_ms = read_patience_ms(s, resume, max);
	if (sm->patience_ms == 0) {
		(void)buffer_append(out, SLICE("<enabled xmlns='" NS_SM "'/>"));
		return;
	}
	random_token(sm->id);
	(void)buffer_printf(out, "<enabled xmlns='" NS_SM "' id='%s' resume='true' max='%u'/>",
		sm->id, sm->patience_ms / 1000);
}

bool
sm_take(struct session *s, const struct xml_token *element)
{
	bool is_enable = slice_is_text(element->local, "enable");

	if (is_enable && s->sm == NULL) {
		sm_enable(s, xml_attribute(element, NAME_RESUME), xml_attribute(element, NAME_MAX),
			conn_output(s->conn));
	} else if (is_enable || slice_is_text(element->local, "resume")) {
		sm_write_failed(conn_output(s->conn), "unexpected-request", NULL);
		session_end(s, STREAM_POLICY_VIOLATION,
			"Stream management is enabled once, and resumed before binding");
		return false;
	} else if (s->sm == NULL) {
		session_end(s, STREAM_POLICY_VIOLATION, "Stream management is not enabled");
		return false;
	} else if (slice_is_text(element->local, "r")) {
		acknowledge(s->sm);
	} else if (slice_is_text(element->local, "a")) {
		return is_acknowledged(s, xml_attribute(element, NAME_H));
	} else {
		session_end(s, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
		return false;
	}
	return true;
}

/* ---- Resumption ---- */

bool
sm_is_resumable(const struct sm *sm)
{
	return sm != NULL && sm->id[0] != '\0';
}

uint32_t
sm_patience_ms(const struct sm *sm)
{
	return sm->patience_ms;
}

bool
sm_is_named(const struct sm *sm, struct slice id)
{
	return sm_is_resumable(sm) && slice_is_text(id, sm->id);
}

bool
sm_is_settled(const struct sm *sm)
{
	return list_is_empty(&sm->waiting);
}

/* A message says when it was written first, unless it says so already (XEP-0203). */
static void
write_again(struct buffer *out, const struct sent *sent, struct slice domain)
{
	static const char end[] = "</message>";
	struct slice xml = slice_make((const char *)(sent + 1), sent->size);
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

void
sm_write_resumed(struct session *s, struct buffer *out)
{
	struct sm *sm = s->sm;

	sm->told = sm->received;
	sm->owes = false;
	(void)buffer_printf(
		out, "<resumed xmlns='" NS_SM "' previd='%s' h='%u'/>", sm->id, sm->received);
}

void
sm_resume(struct session *s, uint32_t number)
{
	struct buffer *out = conn_output(s->conn);
	struct sm *sm = s->sm;
	const struct sent *sent;

	sm->asks = false;
	forget_acknowledged(sm, number);
	LIST_EACH (sent, &sm->unacked, const struct sent, link)
		write_again(out, sent, host_domain(s->account->host));
	ask(sm);
}

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
	past->v[past->next].handled = handled(sm);
	past->next = (past->next + 1) % PAST_MOST;
}

/* ---- The end ---- */

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
send_all_again(struct sm *sm, struct account *acct)
{
	struct xml_tokens tokens;
	struct arena arena;
	struct stanza st;
	struct buffer xml;

	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	buffer_init(&xml, LIMIT_FROZEN_STANZA);
	while (!list_is_empty(&sm->unacked)) {
		struct sent *sent = take_sent(sm);

		write_again(&xml, sent, host_domain(acct->host));
		if (stanza_thaw(acct->shard->server->names, buffer_slice(&xml), &tokens, &arena,
			    &st) == 0) {
			st.returned_ms = sent->wall_ms;
			send_again(acct, &st);
		}
		buffer_clear(&xml);
		arena_reset(&arena);
		free(sent);
	}
	buffer_finish(&xml);
	arena_finish(&arena);
	xml_tokens_finish(&tokens);
}

void
sm_end(struct sm **ended, struct account *acct)
{
	struct sm *sm = *ended;

	*ended = NULL;
	if (sm == NULL)
		return;
	sm->session = NULL;
	remember_past(acct, sm);
	send_all_again(sm, acct);
	if (list_is_empty(&sm->waiting))
		free(sm);
}
