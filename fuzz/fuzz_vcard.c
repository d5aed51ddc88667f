/*
 * Any content of a vCard, set by its owner in a whole server. What is then told of it, to the owner
 * and to others, is the same, and stays the same when it is set again.
 */
#include "fuzz.h"
#include "people.h"

#include "base/arena.h"

#include <assert.h>

/* The card in the answer, copied; p NULL: there is none. */
static struct slice
card_heard(const struct person *p, struct arena *arena)
{
	struct slice rest = person_heard(p, "<vCard"), end = SLICE("</iq>");
	size_t length = 0;

	if (person_heard(p, "type='result'").p == NULL || rest.p == NULL)
		return NO_SLICE;
	while (length + end.len < rest.len && !slice_starts(slice_from(rest, length), end))
		length++;
	return arena_copy(arena, slice_make(rest.p, length));
}

static struct slice
get(struct place *place, struct person *p, struct arena *arena)
{
	place_rest(place);
	buffer_clear(&p->got);
	person_say_text(place, p,
		"<iq type='get' id='g' to='juliet@localhost'><vCard xmlns='vcard-temp'/></iq>");
	place_rest(place);
	return card_heard(p, arena);
}

static void
set(struct place *place, struct person *p, struct slice card)
{
	person_say_text(place, p, "<iq type='set' id='s'>");
	person_say(place, p, card);
	person_say_text(place, p, "</iq>");
}

static void
check_card(struct place *place, struct person *juliet, struct person *romeo, struct arena *arena)
{
	struct slice first = get(place, juliet, arena), again;

	if (first.p == NULL)
		return;
	assert(slice_is(first, get(place, romeo, arena)));
	set(place, juliet, first);
	again = get(place, juliet, arena);
	assert(slice_is(first, again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct place place = { 0 };
	struct person juliet = { .conn = NULL }, romeo = { .conn = NULL };
	struct arena arena;

	arena_init(&arena, 0);
	place_open(&place, size, NULL, 0);
	person_arrive(&place, &romeo, "romeo", "r");
	person_arrive(&place, &juliet, "juliet", "r");
	person_say_text(&place, &juliet, "<iq type='set' id='a'><vCard xmlns='vcard-temp'>");
	person_say(&place, &juliet, slice_make((const char *)data, size));
	person_say_text(&place, &juliet, "</vCard></iq>");
	/* Whatever it said, and even if it is still inside of it: it comes back and looks. */
	person_arrive(&place, &juliet, "juliet", "r");
	check_card(&place, &juliet, &romeo, &arena);
	assert(person_is_served(&place, &romeo));
	person_leave(&juliet);
	person_leave(&romeo);
	place_close(&place);
	arena_finish(&arena);
	return 0;
}
