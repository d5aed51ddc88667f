/*
 * The scanner beside expat. What the scanner accepts expat must accept, and both must tell the
 * same names, namespaces, attributes and text. The scanner may refuse more.
 *
 * The first byte of an input says whether a usual header stands before the rest.
 */
#include "fuzz.h"

#include "base/buffer.h"
#include "xml/scanner.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <expat.h>

#define HEADER \
	"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"

/* Stands between namespace and name; XML cannot carry it, so no name can forge it. */
#define SEPARATOR '\x01'

enum { MUCH = 16 << 20 };

struct trace {
	struct buffer events;
	unsigned depth;
	bool in_text;
};

static void
end_text(struct trace *t)
{
	if (t->in_text)
		(void)buffer_text(&t->events, "\n");
	t->in_text = false;
}

/* White space between stanzas is not an event of ours. */
static void
add_text(struct trace *t, struct slice text)
{
	if (t->depth < 2 || text.len == 0)
		return;
	if (!t->in_text)
		(void)buffer_text(&t->events, "text ");
	t->in_text = true;
	(void)buffer_append(&t->events, text);
}

static void
add_name(struct trace *t, struct slice uri, struct slice local)
{
	if (uri.len > 0) {
		(void)buffer_append(&t->events, uri);
		(void)buffer_append(&t->events, slice_make("\x01", 1));
	}
	(void)buffer_append(&t->events, local);
}

static void
add_start(struct trace *t)
{
	end_text(t);
	(void)buffer_text(&t->events, "start ");
	t->depth++;
}

static void
add_end(struct trace *t)
{
	end_text(t);
	(void)buffer_text(&t->events, "end\n");
	t->depth--;
}

static void
add_tokens(struct trace *t, const struct xml_token *at, uint32_t count)
{
	for (const struct xml_token *end = at + count; at < end; at++) {
		if (at->kind == XML_TEXT) {
			add_text(t, at->value);
		} else if (at->kind == XML_END) {
			add_end(t);
		} else {
			if (at->kind == XML_ELEMENT)
				add_start(t);
			add_name(t, at->uri, at->local);
			(void)buffer_text(&t->events, "\n");
		}
		if (at->kind == XML_ATTRIBUTE) {
			(void)buffer_append(&t->events, at->value);
			(void)buffer_text(&t->events, "\n");
		}
	}
}

/* How many bytes of the stream have become events. */
static size_t
run_scanner(struct slice stream, struct trace *t)
{
	struct names *names = names_create();
	struct scanner scanner;
	struct xml_tokens tokens;
	struct arena arena;
	enum xml_event event;
	size_t at = 0, used;

	scanner_init(&scanner, names, &xml_limits_client);
	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	do {
		event = scanner_next(&scanner, slice_from(stream, at), &tokens, &arena, &used);
		at += used;
		/* The header's end is a token, too, but not yet an event. */
		if (event == XML_HEADER)
			add_tokens(t, tokens.v, tokens.count - 1);
		else if (event == XML_STANZA)
			add_tokens(t, tokens.v, tokens.count);
		else if (event == XML_CLOSE)
			add_end(t);
		arena_reset(&arena);
	} while (event == XML_HEADER || event == XML_STANZA);
	scanner_finish(&scanner);
	xml_tokens_finish(&tokens);
	arena_finish(&arena);
	names_destroy(&names);
	return at;
}

static void XMLCALL
expat_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct trace *t = data;

	add_start(t);
	(void)buffer_text(&t->events, name);
	(void)buffer_text(&t->events, "\n");
	for (; *attributes != NULL; attributes++) {
		(void)buffer_text(&t->events, *attributes);
		(void)buffer_text(&t->events, "\n");
	}
}

static void XMLCALL
expat_end(void *data, const XML_Char *name)
{
	(void)name;
	add_end(data);
}

static void XMLCALL
expat_text(void *data, const XML_Char *text, int len)
{
	add_text(data, slice_make(text, (size_t)len));
}

static void
run_expat(struct slice stream, struct trace *t)
{
	XML_Parser parser = XML_ParserCreateNS("UTF-8", SEPARATOR);

	assert(parser != NULL);
	(void)XML_SetReparseDeferralEnabled(parser, XML_FALSE);
	XML_SetUserData(parser, t);
	XML_SetElementHandler(parser, expat_start, expat_end);
	XML_SetCharacterDataHandler(parser, expat_text);
	if (XML_Parse(parser, stream.p, (int)stream.len, 0) == XML_STATUS_ERROR) {
		(void)fprintf(stderr, "expat refuses what the scanner accepts: %s\n%.*s\n",
			XML_ErrorString(XML_GetErrorCode(parser)), SLICE_ARG(stream));
		abort();
	}
	XML_ParserFree(parser);
}

static void
init(struct trace *t)
{
	*t = (struct trace){ 0 };
	buffer_init(&t->events, MUCH);
}

static void
compare(struct slice stream)
{
	struct trace ours, theirs;
	size_t seen;

	init(&ours);
	init(&theirs);
	seen = run_scanner(stream, &ours);
	if (ours.events.len > 0) {
		run_expat(slice_make(stream.p, seen), &theirs);
		if (!slice_is(buffer_slice(&ours.events), buffer_slice(&theirs.events))) {
			(void)fprintf(stderr, "The scanner tells:\n%.*s\nexpat tells:\n%.*s\n",
				SLICE_ARG(buffer_slice(&ours.events)),
				SLICE_ARG(buffer_slice(&theirs.events)));
			abort();
		}
	}
	buffer_finish(&ours.events);
	buffer_finish(&theirs.events);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer stream;

	if (size < 1 || size > (size_t)XML_HEADER_BYTES * 16)
		return 0;
	buffer_init(&stream, MUCH);
	if (data[0] & 1)
		(void)buffer_text(&stream, HEADER);
	(void)buffer_append(&stream, slice_make((const char *)data + 1, size - 1));
	compare(buffer_slice(&stream));
	buffer_finish(&stream);
	return 0;
}
