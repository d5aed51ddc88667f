/*
 * Stream management of a session that comes back after its server did. If that was told to stop,
 * all is as it was. After a crash it is not known how many stanzas were sent, since not all of them
 * are on disk: those that have a number are dropped by what the client says that it has, and what
 * is left gets new numbers from there on.
 */
#include "server/sm_internal.h"

#include "store/store.h"

#include <stdlib.h>

/* The next number of the row, and what is behind it. */
static bool
take_number(struct slice *text, uint32_t *number_out)
{
	size_t end = slice_find(*text, ' ');
	uint64_t number;

	if (slice_to_uint(slice_make(text->p, end), UINT32_MAX, &number) < 0)
		return false;
	*number_out = (uint32_t)number;
	*text = slice_from(*text, end < text->len ? end + 1 : end);
	return true;
}

static bool
read_counts(struct sm *sm, struct slice text)
{
	if (!take_number(&text, &sm->received) || !take_number(&text, &sm->acked) ||
		!take_number(&text, &sm->sent))
		return false;
	sm->is_torn = !slice_is_text(text, "whole");
	return true;
}

struct sm *
sm_revive(struct session *s, struct slice id, uint32_t patience_ms)
{
	struct sm *sm = sm_create(s);

	if (id.len >= sizeof(sm->id))
		return NULL;
	memcpy(sm->id, id.p, id.len);
	sm->patience_ms = patience_ms;
	sm->is_torn = true; /* unless the counts say otherwise */
	return sm;
}

void
sm_revive_counts(struct sm *sm, struct slice text)
{
	if (read_counts(sm, text))
		sm->stored = sm->told = sm->received;
}

/* The number in the order of what was sent; whole: as it is, else after all that has one. */
static bool
is_acked(const struct sm *sm, const struct sent *sent)
{
	return !sent->is_fresh && (int32_t)(sent->number - sm->acked) <= 0;
}

void
sm_revive_sent(struct sm *sm, const struct store_row *row)
{
	struct slice number = slice_make(row->value.p, SENT_NUMBER - 1);
	struct sent *sent;
	uint64_t value = 0;

	if (row->value.len <= SENT_NUMBER)
		return;
	while (number.len > 0 && number.p[0] == ' ')
		number = slice_from(number, 1);
	sent = sent_create(slice_from(row->value, SENT_NUMBER), row->stamp_ms);
	sent->row = row->id;
	sent->is_fresh = slice_to_uint(number, UINT32_MAX, &value) < 0;
	sent->number = (uint32_t)value;
	if (is_acked(sm, sent)) {
		sm->spent++;
		free(sent);
		return;
	}
	sm_append(sm, sent);
}

bool
sm_revived(struct sm *sm)
{
	const struct sent *sent;
	uint32_t number = sm->acked;

	LIST_EACH (sent, &sm->unacked, const struct sent, link) {
		if (sent->is_fresh || sent->number != ++number)
			sm->is_torn = true;
	}
	sm->is_torn |= number != sm->sent;
	sm->is_whole = !sm->is_torn;
	return !sm->is_torn;
}

/* By what the client has, and from there on. */
static void
renumber(struct sm *sm, uint32_t handled)
{
	struct sent *sent;

	sm->acked = handled;
	LIST_EACH (sent, &sm->unacked, struct sent, link) {
		if (is_acked(sm, sent))
			sm_drop_sent(sm, sent);
	}
	sm->sent = handled;
	LIST_EACH (sent, &sm->unacked, struct sent, link) {
		sent->number = ++sm->sent;
		sent->is_fresh = false;
	}
}

/* From now on not all that is sent goes to the disk, which must not say that it does. */
void
sm_anchor(struct sm *sm, uint32_t handled)
{
	if (!sm->is_torn && !sm->is_whole)
		return;
	if (sm->is_torn)
		renumber(sm, handled);
	sm->is_torn = sm->is_whole = false;
	sm_store_all(sm);
}
