/*
 * XEP-0280: Message Carbons. Devices that asked for it get a copy of each conversation that another
 * device of the account has.
 *
 * Copies are made in the turn of the loop in which the message itself goes to its way (point sent)
 * or was delivered (passed_by), so their order is that of the archive and of the delivery. A
 * message of the account to itself arrives here as well: only then it is copied, so each device
 * gets it once. What came back or was lost is not copied: for others it never was.
 *
 * All of section 6.1 holds (urn:xmpp:carbons:rules:0). An error is copied when what it answers was,
 * which errors do not tell; so the last messages are remembered by a keyed hash, while any device
 * wants copies.
 *
 * <private/> stays in the message, as the XEP says since 0.14: who receives it shall see that
 * other devices did not.
 */
#include "server/limits.h"
#include "server/module.h"

#include "base/siphash.h"

#include <stdlib.h>

#define NS_CARBONS "urn:xmpp:carbons:2"

static const struct payload enable_payload = { "enable", NS_CARBONS, NULL };
static const struct payload disable_payload = { "disable", NS_CARBONS, NULL };

enum direction { RECEIVED, SENT };

/* So many answers may be under way, of the account's devices together. */
enum { RECENT = 64 };

struct recent {
	struct hash_key key;
	unsigned next;
	uint64_t v[RECENT];
};

struct carbons_account {
	unsigned wanting; /* sessions */
	struct recent *recent;
};

struct carbons_session {
	bool wants;
};

enum { METRIC_RECEIVED, METRIC_SENT };

extern const struct module mod_carbons;

static struct carbons_account *
state_of(struct account *acct)
{
	return account_state(acct, &mod_carbons);
}

/* ---- Who wants copies ---- */

static void
set_wants(struct session *s, bool wants)
{
	struct carbons_session *session = session_state(s, &mod_carbons);
	struct carbons_account *account = state_of(session_account(s));

	account->wanting += wants;
	account->wanting -= session->wants;
	session->wants = wants;
	if (account->wanting > 0)
		return;
	free(account->recent);
	account->recent = NULL;
}

static void
enable(struct iq *iq)
{
	set_wants(iq->session, true);
	iq_result(iq, NULL, NULL);
}

static void
disable(struct iq *iq)
{
	set_wants(iq->session, false);
	iq_result(iq, NULL, NULL);
}

static void
refuse_others(struct iq *iq)
{
	iq_error(iq, NOT_ALLOWED, "Copies are for the devices of this account alone");
}

static void
forget(struct session *s)
{
	set_wants(s, false);
}

/* XEP-0386, 3.2 */
static void
enable_inline(struct buffer *answer, struct session *s, const struct inline_wish *wish)
{
	(void)answer;
	if (wish->ns == NS_ID_CARBONS && slice_is_text(wish->name, enable_payload.name))
		set_wants(s, true);
}

static void
keep_wish(struct buffer *wishes, struct session *s)
{
	const struct carbons_session *session = session_state(s, &mod_carbons);

	if (session->wants)
		(void)buffer_text(wishes, "<enable xmlns='" NS_CARBONS "'/>");
}

static void
offer_inline(struct buffer *features, const struct host *host)
{
	(void)host;
	(void)buffer_text(features, "<feature var='" NS_CARBONS "'/>");
}

/* ---- Which messages are copied ---- */

static uint64_t
hash_of(const struct recent *recent, enum direction direction, const struct jid *peer,
	struct slice id, struct arena *arena)
{
	struct slice text = arena_printf(arena, "%c%.*s %.*s", direction == SENT ? 's' : 'r',
		SLICE_ARG(jid_bare(peer)), SLICE_ARG(id));

	return siphash(&recent->key, text);
}

static const struct jid *
peer_of(const struct stanza *st, enum direction direction)
{
	return direction == SENT ? &st->to : &st->from;
}

/* An error to it may come. */
static void
remember(struct account *acct, const struct stanza *st, enum direction direction)
{
	struct carbons_account *account = state_of(acct);
	struct recent *recent = account->recent;

	if (st->type == TYPE_ERROR || st->id.len == 0)
		return;
	if (recent == NULL) {
		recent = account->recent = xcalloc(1, sizeof(*recent));
		recent->key = hash_key_random();
	}
	recent->v[recent->next] = hash_of(
		recent, direction, peer_of(st, direction), st->id, account_scratch(acct));
	recent->next = (recent->next + 1) % RECENT;
}

/* Whether the error answers a message that was copied; that went the other way. */
static bool
answers_recent(struct account *acct, const struct stanza *st, enum direction direction)
{
	const struct recent *recent = state_of(acct)->recent;
	uint64_t hash;

	if (recent == NULL || st->id.len == 0)
		return false;
	hash = hash_of(recent, direction == SENT ? RECEIVED : SENT, peer_of(st, direction), st->id,
		account_scratch(acct));
	for (unsigned i = 0; i < RECENT; i++) {
		if (recent->v[i] == hash)
			return true;
	}
	return false;
}

static bool
has_child(const struct stanza *st, xml_name ns, xml_name name)
{
	return st->root != NULL && xml_child(st->root, ns, name) != NULL;
}

static bool
is_private(const struct stanza *st)
{
	return has_child(st, NS_ID_CARBONS, NAME_PRIVATE) ||
	       has_child(st, NS_ID_HINTS, NAME_NO_COPY);
}

static bool
invites(const struct stanza *st)
{
	const struct xml_token *x = st->root == NULL ? NULL
						     : xml_child(st->root, NS_ID_MUC_USER, NAME_X);

	return has_child(st, NS_ID_CONFERENCE, NAME_X) ||
	       (x != NULL && xml_child(x, NS_ID_MUC_USER, NAME_INVITE) != NULL);
}

/* A room's service sends the words of an occupant to all who joined by itself. */
static bool
is_from_occupant(const struct stanza *st, enum direction direction)
{
	return direction == RECEIVED && jid_is_full(&st->from) &&
	       has_child(st, NS_ID_MUC_USER, NAME_X);
}

static bool
has_im_payload(const struct stanza *st)
{
	return stanza_child_of(st, NS_ID_CHAT_STATES) != NULL ||
	       stanza_child_of(st, NS_ID_RECEIPTS) != NULL ||
	       stanza_child_of(st, NS_ID_MARKERS) != NULL;
}

/* XEP-0280, 6.1 */
static bool
is_eligible(struct account *acct, const struct stanza *st, enum direction direction)
{
	if (st->kind != STANZA_MESSAGE || st->type == TYPE_GROUPCHAT || is_private(st))
		return false;
	if (st->type == TYPE_ERROR)
		return answers_recent(acct, st, direction);
	if (invites(st))
		return true;
	if (is_from_occupant(st, direction))
		return false;
	return st->type == TYPE_CHAT || (st->type == TYPE_NORMAL && stanza_has_body(st)) ||
	       has_im_payload(st);
}

/* ---- Copies ---- */

static void
copy_to(struct session *s, const struct stanza *st, enum direction direction)
{
	const char *name = direction == SENT ? "sent" : "received";
	struct account *acct = session_account(s);
	struct buffer content;
	struct stanza copy = {
		.kind = STANZA_MESSAGE,
		.type = st->type,
		.from = *account_jid(acct),
		.to = *session_jid(s),
		.copied = st,
	};

	buffer_init(&content, LIMIT_FROZEN_STANZA);
	(void)buffer_printf(&content,
		"<%s xmlns='" NS_CARBONS "'><forwarded xmlns='urn:xmpp:forward:0'>", name);
	stanza_write_alone(&content, st);
	(void)buffer_printf(&content, "</forwarded></%s>", name);
	copy.content = buffer_slice(&content);
	if (!content.overflowed && session_deliver(s, &copy))
		metric_add(acct, &mod_carbons, direction == SENT ? METRIC_SENT : METRIC_RECEIVED);
	buffer_finish(&content);
}

static bool
wants(struct session *s)
{
	const struct carbons_session *session = session_state(s, &mod_carbons);

	return session->wants;
}

/* As it is in the archive of its sender (XEP-0313, 5.1.1), which its recipient need not know. */
static struct stanza
as_archived(struct account *acct, const struct stanza *st)
{
	struct stanza archived = *st;

	if (st->sent_id.p != NULL)
		archived.content = arena_printf(account_scratch(acct),
			"%.*s<stanza-id xmlns='urn:xmpp:sid:0' by='%.*s' id='%.*s'/>",
			SLICE_ARG(st->content), SLICE_ARG(jid_bare(account_jid(acct))),
			SLICE_ARG(st->sent_id));
	return archived;
}

static void
copy_sent(struct stanza *st, struct session *from)
{
	struct account *acct = session_account(from);
	struct stanza archived;

	if (state_of(acct)->wanting == 0 || st->to.full.p == NULL ||
		jid_same_bare(&st->to, account_jid(acct)) || !is_eligible(acct, st, SENT))
		return;
	remember(acct, st, SENT);
	archived = as_archived(acct, st);
	for (struct session *s = account_sessions(acct); s != NULL; s = session_next(s)) {
		if (s != from && wants(s))
			copy_to(s, &archived, SENT);
	}
}

static void
remember_received(struct stanza *st, struct account *to)
{
	if (state_of(to)->wanting > 0 && is_eligible(to, st, RECEIVED))
		remember(to, st, RECEIVED);
}

static void
copy_received(struct stanza *st, struct session *s)
{
	if (wants(s) && !jid_is(&st->from, session_jid(s)) &&
		is_eligible(session_account(s), st, RECEIVED))
		copy_to(s, st, RECEIVED);
}

static void
end(struct account *acct)
{
	free(state_of(acct)->recent);
	state_of(acct)->recent = NULL;
}

static const struct xep xeps[] = {
	{ 280, "1.0.1", XEP_COMPLETE },
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_RECEIVED] = { "carbons_received_total",
		"Copies of messages that another device received." },
	[METRIC_SENT] = { "carbons_sent_total", "Copies of messages that another device sent." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_SET, TO_SELF, &enable_payload, enable },
	{ IQ_SET, TO_SELF, &disable_payload, disable },
	{ IQ_SET, TO_ACCOUNT, &enable_payload, refuse_others },
	{ IQ_SET, TO_ACCOUNT, &disable_payload, refuse_others },
	{ 0 },
};

const struct module mod_carbons = {
	.name = "carbons",
	.about = "Shows each conversation on all devices of a user.",
	.xeps = xeps,
	.features = (const char *const[]){ NS_CARBONS, "urn:xmpp:carbons:rules:0", NULL },
	.account_size = sizeof(struct carbons_account),
	.session_size = sizeof(struct carbons_session),
	.metrics = metrics,
	.routes = routes,
	.on.sent = copy_sent,
	.on.in_archived = remember_received,
	.on.passed_by = copy_received,
	.on.session_gone = forget,
	.on.account_gone = end,
	.on.inline_features = offer_inline,
	.on.inline_wish = enable_inline,
	.on.session_kept = keep_wish,
};
