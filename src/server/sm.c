/* Two counters, the stanzas that were sent and not acknowledged, and those that wait for the disk.
 */
#include "server/sm.h"

#include "server/account_internal.h"
#include "server/pressure.h"
#include "server/receipt.h"
#include "server/route.h"
#include "server/session_internal.h"
#include "server/trace.h"

#include <stdlib.h>

/* A stanza as it was written; its bytes follow. */
struct sent {
	struct list link;
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
	bool asks; /* and has no answer yet */
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
	if (sm->session == NULL && list_is_empty(&sm->waiting))
		free(sm);
	else if (sm->session != NULL && sm->owes && handled(sm) != sm->told)
		acknowledge(sm);
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
	if (sm->asks || list_is_empty(&sm->unacked))
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

/* XEP-0198, 6: more than was sent is an error that ends the stream. */
static bool
is_acknowledged(struct session *s, struct slice text)
{
	struct sm *sm = s->sm;
	bool was_full = session_is_full(s);
	char detail[160];
	uint64_t h;

	if (slice_to_uint(text, UINT32_MAX, &h) < 0) {
		session_end(s, STREAM_BAD_FORMAT, "<a/> has a number h");
		return false;
	}
	if ((uint32_t)h - sm->acked > sm->sent - sm->acked) {
		(void)snprintf(detail, sizeof(detail),
			"<handled-count-too-high xmlns='" NS_SM "' h='%u' send-count='%u'/>",
			(unsigned)h, sm->sent);
		session_end_with(s, STREAM_UNDEFINED_CONDITION,
			"You acknowledged more than was sent to you", slice_of(detail));
		return false;
	}
	for (; sm->acked != (uint32_t)h; sm->acked++)
		free(take_sent(sm));
	sm->asks = false;
	ask(sm);
	if (was_full)
		session_relieve(s);
	return true;
}

/* ---- Beginning and end ---- */

static void
write_failed(struct buffer *out, const char *condition)
{
	(void)buffer_printf(out,
		"<failed xmlns='" NS_SM "'><%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
		"</failed>",
		condition);
}

static void
enable(struct session *s)
{
	struct sm *sm = xcalloc(1, sizeof(*sm));

	sm->session = s;
	list_init(&sm->waiting);
	list_init(&sm->unacked);
	s->sm = sm;
	(void)buffer_append(conn_output(s->conn), SLICE("<enabled xmlns='" NS_SM "'/>"));
}

bool
sm_take(struct session *s, const struct xml_token *element)
{
	bool is_enable = slice_is_text(element->local, "enable");

	if (is_enable && s->sm == NULL) {
		enable(s);
	} else if (is_enable || slice_is_text(element->local, "resume")) {
		write_failed(conn_output(s->conn), "unexpected-request");
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

void
sm_answer_early(struct buffer *out, const struct xml_token *element, bool is_authenticated)
{
	bool resumes = slice_is_text(element->local, "resume");

	write_failed(out, is_authenticated && resumes ? "item-not-found" : "unexpected-request");
}

/*
 * XEP-0198, 4: as what is sent to a resource that is not there. A message is tried again with the
 * others of its user, or kept; who asks something is told that nobody answers. Presence is old, and
 * a push of our own is in the next roster that is asked for.
 */
static void
send_again(struct account *acct, struct stanza *st)
{
	bool is_own = jid_is(&st->from, &acct->jid);

	trace(acct->shard, st, "a stanza was not acknowledged", TRACE_NO_MORE);
	if (st->kind == STANZA_MESSAGE && st->type != TYPE_ERROR && st->type != TYPE_GROUPCHAT) {
		st->to = acct->jid;
		route(acct->shard, st);
	} else if (st->kind != STANZA_PRESENCE && !is_own) {
		route_bounce(acct->shard, st, RECIPIENT_UNAVAILABLE, NULL, NULL);
	}
}

static void
send_all_again(struct sm *sm, struct account *acct)
{
	struct xml_tokens tokens;
	struct arena arena;
	struct stanza st;

	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	while (!list_is_empty(&sm->unacked)) {
		struct sent *sent = take_sent(sm);
		struct slice xml = slice_make((const char *)(sent + 1), sent->size);

		if (stanza_thaw(acct->shard->server->names, xml, &tokens, &arena, &st) == 0)
			send_again(acct, &st);
		arena_reset(&arena);
		free(sent);
	}
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
	send_all_again(sm, acct);
	if (list_is_empty(&sm->waiting))
		free(sm);
}
