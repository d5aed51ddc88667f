/* Which bits a stanza sets and clears; what is not said stays as it is. */
#include "server/subscription_step.h"

static struct subscription_step
stay(unsigned state, bool goes_on)
{
	return (struct subscription_step){ .state = state, .goes_on = goes_on };
}

static struct subscription_step
move(unsigned state, unsigned cleared, unsigned set)
{
	return (struct subscription_step){ .state = (state & ~cleared) | set, .goes_on = true };
}

static struct subscription_step
agree(unsigned state)
{
	if ((state & CONTACT_REQUESTED) != 0)
		return move(state, CONTACT_REQUESTED, CONTACT_FROM);
	if ((state & CONTACT_FROM) != 0)
		return stay(state, false);
	return stay(state | CONTACT_APPROVED, false);
}

static struct subscription_step
disagree(unsigned state)
{
	struct subscription_step step = move(
		state, CONTACT_FROM | CONTACT_REQUESTED | CONTACT_APPROVED, 0);

	step.goes_on = (state & (CONTACT_FROM | CONTACT_REQUESTED)) != 0;
	return step;
}

struct subscription_step
subscription_sent(unsigned state, enum stanza_type type)
{
	switch (type) {
	case TYPE_SUBSCRIBE:
		return move(state, 0, (state & CONTACT_TO) != 0 ? 0 : CONTACT_ASKED);
	case TYPE_UNSUBSCRIBE:
		return move(state, CONTACT_TO | CONTACT_ASKED, 0);
	case TYPE_SUBSCRIBED:
		return agree(state);
	default:
		return disagree(state);
	}
}

/* A.3.1: who sees us already, or may, is answered at once. */
static struct subscription_step
be_asked(unsigned state)
{
	if ((state & (CONTACT_FROM | CONTACT_APPROVED)) != 0)
		return (struct subscription_step){ state | CONTACT_FROM, false, true };
	if ((state & CONTACT_REQUESTED) != 0)
		return stay(state, false);
	return move(state, 0, CONTACT_REQUESTED);
}

struct subscription_step
subscription_received(unsigned state, enum stanza_type type)
{
	unsigned lost = type == TYPE_UNSUBSCRIBE ? CONTACT_FROM | CONTACT_REQUESTED
						 : CONTACT_TO | CONTACT_ASKED;

	switch (type) {
	case TYPE_SUBSCRIBE:
		return be_asked(state);
	case TYPE_SUBSCRIBED:
		return (state & CONTACT_ASKED) != 0 ? move(state, CONTACT_ASKED, CONTACT_TO)
						    : stay(state, false);
	default:
		return (state & lost) != 0 ? move(state, lost, 0) : stay(state, false);
	}
}
