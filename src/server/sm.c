/* Two counters, the stanzas that were sent and not acknowledged, and those that wait for the disk.
 */
#include "server/sm_internal.h"

#include "server/account_internal.h"
#include "server/pressure.h"
#include "server/receipt.h"
#include "server/server_internal.h"
#include "server/session_away.h"
#include "server/session_internal.h"
#include "server/session_record.h"

#include <stdlib.h>

/* ---- What comes in ---- */

uint32_t
sm_handled(const struct sm *sm)
{
	if (list_is_empty(&sm->waiting))
		return sm->received;
	return container_of(sm->waiting.next, struct receipt, link)->number - 1;
}

void
sm_free_if_over(struct sm *sm)
{
	if (sm->session == NULL && list_is_empty(&sm->waiting) && !sm->is_storing &&
		!sm->is_anchoring)
		free(sm);
}

/* What may be said: of a session that outlives a crash only what is on disk. */
static uint32_t
sayable(const struct sm *sm)
{
	return sm_is_resumable(sm) ? sm->stored : sm_handled(sm);
}

static void
acknowledge(struct sm *sm)
{
	sm->is_late = false;
	if (sm->session->conn == NULL)
		return; /* it is told when it comes back */
	sm->told = sayable(sm);
	sm->owes = sm->told != sm->received;
	(void)buffer_printf(
		conn_output(sm->session->conn), "<a xmlns='" NS_SM "' h='%u'/>", sm->told);
}

/* More is handled than was. */
static void
make_progress(struct sm *sm)
{
	bool is_away = sm->session->conn == NULL;

	if (sm_is_resumable(sm) && (sm->owes || sm->is_late || is_away))
		sm_store_counts(sm);
	if (sm->owes && sayable(sm) != sm->told)
		acknowledge(sm);
	session_settled(sm->session);
}

void
sm_counts_stored(struct sm *sm, bool are_stored)
{
	/* Better a count that a crash might take back than a client that waits for ever. */
	if (!are_stored && sm->session->returning != NULL)
		sm->stored = sm_handled(sm);
	if (sm->is_late)
		acknowledge(sm);
	if (are_stored)
		make_progress(sm);
	else
		session_settled(sm->session);
}

/*
 * At once, and once more when more is handled. Only if nothing is missing but the count on the
 * disk, the answer is better a moment late than twice.
 */
static void
is_asked(struct sm *sm)
{
	if (sm_is_resumable(sm))
		sm_store_counts(sm);
	if (sm->is_storing && list_is_empty(&sm->waiting))
		sm->is_late = true;
	else
		acknowledge(sm);
}

static void
receipt_done(struct receipt *receipt)
{
	struct sm *sm = receipt->maker;

	list_remove(&receipt->link);
	free(receipt);
	if (sm->session != NULL)
		make_progress(sm);
	else
		sm_free_if_over(sm);
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

struct sent *
sent_create(struct slice xml, int64_t wall_ms)
{
	struct sent *sent = xmalloc(sizeof(*sent) + SENT_NUMBER + xml.len);

	*sent = (struct sent){ .wall_ms = wall_ms, .size = (uint32_t)xml.len };
	memcpy(sent->bytes + SENT_NUMBER, xml.p, xml.len);
	return sent;
}

void
sm_append(struct sm *sm, struct sent *sent)
{
	list_append(&sm->unacked, &sent->link);
	sm->unacked_bytes += sent->size;
}

void
sm_sent(struct sm *sm, const struct stanza *st, struct slice xml)
{
	struct sent *sent = sent_create(xml, loop_wall_ms(sm->session->account->shard->loop));

	sent->number = ++sm->sent;
	sent->is_fresh = sm->is_torn;
	sent->is_unread = !session_is_active(sm->session);
	sm_append(sm, sent);
	if (sm_is_resumable(sm))
		sm_store_sent(sm, sent, st);
	ask(sm);
}

size_t
sm_unacknowledged(const struct sm *sm)
{
	return sm == NULL ? 0 : sm->unacked_bytes;
}

void
sm_drop_sent(struct sm *sm, struct sent *sent)
{
	list_remove(&sent->link);
	sm->unacked_bytes -= sent->size;
	free(sent);
}

bool
sm_has_sent(const struct sm *sm, uint32_t handled)
{
	if (sm->is_torn)
		return (int32_t)(handled - sm->acked) >= 0;
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
	for (; sm->acked != handled; sm->acked++) {
		sm_spend(sm, sm_first_sent(sm));
		sm_drop_sent(sm, sm_first_sent(sm));
	}
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

struct sm *
sm_create(struct session *s)
{
	struct sm *sm = xcalloc(1, sizeof(*sm));

	sm->session = s;
	list_init(&sm->waiting);
	list_init(&sm->unacked);
	return sm;
}

void
sm_enable(struct session *s, struct slice resume, struct slice max, struct buffer *out)
{
	struct sm *sm;

	if (s->sm != NULL) {
		sm_write_failed(out, "unexpected-request", NULL);
		return;
	}
	sm = s->sm = sm_create(s);
	sm->patience_ms = read_patience_ms(s, resume, max);
	if (sm->patience_ms == 0) {
		(void)buffer_append(out, SLICE("<enabled xmlns='" NS_SM "'/>"));
		return;
	}
	random_token(sm->id);
	(void)buffer_printf(out, "<enabled xmlns='" NS_SM "' id='%s' resume='true' max='%u'/>",
		sm->id, sm->patience_ms / 1000);
	session_record(s);
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
		is_asked(s->sm);
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
	return list_is_empty(&sm->waiting) &&
	       (!sm_is_resumable(sm) || (sm->stored == sm->received && !sm->is_anchoring));
}

struct slice
sm_id(const struct sm *sm)
{
	return slice_of(sm->id);
}

void
sm_go_away(struct sm *sm)
{
	sm->is_late = false;
	sm_store_counts(sm);
}

void
sm_suspend(struct sm *sm)
{
	sm->is_suspended = true;
	sm_store_all(sm);
}

void
sm_prepare_return(struct sm *sm, uint32_t number)
{
	sm_anchor(sm, number);
	sm_store_counts(sm);
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
		sm_write_again(out, sent, host_domain(s->account->host));
	ask(sm);
}
