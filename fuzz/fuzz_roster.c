/*
 * Any changes to a roster: records of a byte (what) and text up to a NUL, as one of two devices of
 * juliet. The other one believes the pushes. In the end what it believes is what the server tells,
 * its version is the server's, and both are so after a restart.
 */
#include "fuzz.h"
#include "people.h"

#include "server/roster.h"
#include "server/roster_history.h"
#include "xml/scanner.h"

#include <assert.h>
#include <stdio.h>

enum { RECORDS_MOST = 60 };
enum action {
	SET,
	REMOVE,
	SUBSCRIBE,
	SUBSCRIBED,
	UNSUBSCRIBE,
	UNSUBSCRIBED,
	RAW,
	RETURN,
	FRIEND,
	ACTIONS
};

/* What the second device believes. */
struct belief {
	struct names *names;
	struct codec *codec;
	const struct codec_type *type;
	struct roster roster;
	char version[ROSTER_VERSION_CHARS + 1];
};

struct world {
	struct place place;
	struct person first, second, friend;
	struct belief belief;
};

static void
believe_query(struct belief *belief, const struct roster_query *query)
{
	for (size_t i = 0; i < query->items.count; i++) {
		const struct roster_item *item = &query->items.v[i];

		if (slice_is_text(item->subscription, "remove"))
			roster_drop_contact(&belief->roster, item->jid.full);
		else
			roster_put_contact(&belief->roster, item);
	}
	assert(query->version.len == ROSTER_VERSION_CHARS);
	(void)snprintf(belief->version, sizeof(belief->version), "%.*s", SLICE_ARG(query->version));
}

/* A result with a roster is the whole one, and so is everything before it forgotten. */
static void
believe_stanza(struct belief *belief, const struct xml_token *stanza, struct arena *arena)
{
	const struct xml_token *child = xml_first_child(stanza);
	struct slice type = xml_attribute(stanza, NAME_TYPE);
	const char *why;
	void *query;

	if (child == NULL || !codec_matches(belief->type, child) || slice_is_text(type, "error"))
		return;
	assert(codec_decode(belief->type, child, arena, &query, &why) == 0);
	if (slice_is_text(type, "result")) {
		roster_finish(&belief->roster);
		roster_init(&belief->roster);
	}
	believe_query(belief, query);
}

/* Takes what came to the device, from the beginning of its stream. */
static void
listen_to(struct belief *belief, struct person *p)
{
	struct slice rest = slice_from(buffer_slice(&p->got), p->stream_from);
	struct xml_tokens tokens;
	struct scanner scanner;
	struct arena arena;
	enum xml_event event;
	size_t used;

	assert(!p->got.overflowed);
	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	scanner_init(&scanner, belief->names, &xml_limits_own);
	while ((event = scanner_next(&scanner, rest, &tokens, &arena, &used)) != XML_NEED_MORE &&
		event != XML_CLOSE) {
		assert(event == XML_HEADER || event == XML_STANZA);
		if (event == XML_STANZA)
			believe_stanza(belief, tokens.v, &arena);
		arena_reset(&arena);
		rest = slice_from(rest, used);
	}
	scanner_finish(&scanner);
	xml_tokens_finish(&tokens);
	arena_finish(&arena);
}

static void
say(struct world *w, struct person *p, const char *format, struct slice text)
{
	struct buffer xml;

	buffer_init(&xml, 1 << 20);
	while (*format != '\0') {
		(void)buffer_append(&xml, *format == '%' ? text : slice_make(format, 1));
		format++;
	}
	person_say(&w->place, p, buffer_slice(&xml));
	buffer_finish(&xml);
}

/* The second device goes, misses something, and comes back with the version it knows. */
static void
go_and_return(struct world *w, struct slice text)
{
	place_rest(&w->place);
	listen_to(&w->belief, &w->second);
	person_leave(&w->second);
	say(w, &w->first, "<iq type='set' id='x'><query xmlns='jabber:iq:roster'>%</query></iq>",
		text);
	person_arrive(&w->place, &w->second, "juliet", "second");
	say(w, &w->second, "<iq type='get' id='v'><query xmlns='jabber:iq:roster' ver='%'/></iq>",
		slice_of(w->belief.version));
}

static void
act(struct world *w, unsigned char what, struct slice text)
{
	static const char *const formats[ACTIONS] = {
		[SET] = "<iq type='set' id='r'><query xmlns='jabber:iq:roster'>%</query></iq>",
		[REMOVE] = ("<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='%' "
			    "subscription='remove'/></query></iq>"),
		[SUBSCRIBE] = "<presence type='subscribe' to='%'/>",
		[SUBSCRIBED] = "<presence type='subscribed' to='%'/>",
		[UNSUBSCRIBE] = "<presence type='unsubscribe' to='%'/>",
		[UNSUBSCRIBED] = "<presence type='unsubscribed' to='%'/>",
		[RAW] = "%",
	};

	if (w->first.conn == NULL)
		person_arrive(&w->place, &w->first, "juliet", "first");
	if (what % ACTIONS == RETURN)
		go_and_return(w, text);
	else if (what % ACTIONS == FRIEND)
		say(w, &w->friend, formats[SUBSCRIBE + what / ACTIONS % 4],
			SLICE("juliet@localhost"));
	else
		say(w, &w->first, formats[what % ACTIONS], text);
}

static void
play(struct world *w, struct slice input)
{
	for (unsigned i = 0; i < RECORDS_MOST && input.len > 0; i++) {
		struct slice rest = slice_from(input, 1);
		size_t end = slice_find(rest, '\0');

		act(w, (unsigned char)input.p[0], slice_make(rest.p, end));
		input = slice_from(rest, end < rest.len ? end + 1 : end);
	}
}

/* Whether somebody who asks for all gets what is believed. */
static void
check_belief(struct world *w, const char *resource)
{
	struct belief told = {
		.names = w->belief.names, .codec = w->belief.codec, .type = w->belief.type
	};
	char version[ROSTER_VERSION_CHARS + 1];

	person_arrive(&w->place, &w->first, "juliet", resource);
	person_say_text(&w->place, &w->first,
		"<iq type='get' id='all'><query xmlns='jabber:iq:roster' ver=''/></iq>");
	place_rest(&w->place);
	if (person_heard(&w->first, "<success").p == NULL)
		return;
	roster_init(&told.roster);
	listen_to(&told, &w->first);
	assert(strcmp(told.version, w->belief.version) == 0);
	roster_version_write(roster_history_now(roster_history_begin(&w->belief.roster)), version);
	assert(strcmp(told.version, version) == 0);
	roster_version_write(roster_history_now(roster_history_begin(&told.roster)), version);
	assert(strcmp(told.version, version) == 0);
	roster_finish(&told.roster);
}

static void
open_world(struct world *w, uint64_t seed)
{
	w->belief.names = names_create();
	w->belief.codec = codec_create(w->belief.names);
	w->belief.type = codec_add(w->belief.codec, &roster_payload);
	roster_init(&w->belief.roster);
	place_open(&w->place, seed, NULL, 0);
	person_arrive(&w->place, &w->friend, "romeo", "r");
	person_arrive(&w->place, &w->second, "juliet", "second");
	person_say_text(&w->place, &w->second,
		"<iq type='get' id='v'><query xmlns='jabber:iq:roster' ver=''/></iq>");
}

static void
leave_all(struct world *w)
{
	person_leave(&w->first);
	person_leave(&w->second);
	person_leave(&w->friend);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .belief.names = NULL };

	open_world(&w, size);
	play(&w, slice_make((const char *)data, size));
	place_rest(&w.place);
	/* The account may be gone, or its password another one. */
	if (w.second.conn != NULL && person_heard(&w.second, "<success").p != NULL) {
		listen_to(&w.belief, &w.second);
		check_belief(&w, "third");
		leave_all(&w);
		place_restart(&w.place);
		check_belief(&w, "fourth");
	}
	leave_all(&w);
	place_close(&w.place);
	roster_finish(&w.belief.roster);
	codec_destroy(&w.belief.codec);
	names_destroy(&w.belief.names);
	return 0;
}
