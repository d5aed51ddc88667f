/*
 * The scanner on any bytes, whole and cut into pieces: both must give the same events. Each
 * element must be a proper tree, must come back equal when it is written and read again, and its
 * content must mean the same where `verbatim` says so.
 *
 * The first byte of an input chooses the limits and whether a usual header stands before the rest,
 * the second one how it is cut.
 */
#include "fuzz.h"

#include "xml/scanner.h"
#include "xml/writer.h"

#include <assert.h>
#include <stdlib.h>

#define HEADER \
	"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
#define CLIENT SLICE("jabber:client")

enum { WITH_HEADER = 1, BEFORE_AUTH = 2, MUCH = 16 << 20 };

struct run {
	const struct names *names;
	const struct xml_limits *limits;
	struct buffer trace;
	enum xml_error error;
};

/* As deep as the scanner's limit allows, which it asserts. NOLINTBEGIN(misc-no-recursion) */
static uint32_t
check_tree(const struct xml_token *t, uint32_t left, unsigned depth)
{
	uint32_t at = 1;

	assert(t->kind == XML_ELEMENT && t->span <= left && t->local.len > 0);
	assert(depth < XML_DEPTH_MOST);
	for (; at <= t->attributes; at++)
		assert(t[at].kind == XML_ATTRIBUTE && t[at].span == 1);
	while (t[at].kind != XML_END) {
		if (t[at].kind == XML_ELEMENT) {
			at += check_tree(&t[at], t->span - at, depth + 1);
		} else {
			assert(t[at].kind == XML_TEXT);
			at++;
		}
		assert(at < t->span);
	}
	assert(at + 1 == t->span);
	return t->span;
}
/* NOLINTEND(misc-no-recursion) */

/* The text as an element in CLIENT, written again; it must be one. */
static void
rewrite(const struct run *run, struct slice text, struct buffer *out)
{
	struct xml_tokens tokens;
	struct arena arena;
	const char *why;

	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	buffer_init(out, MUCH);
	assert(xml_read(run->names, &xml_limits_own, NS_ID_CLIENT, text, &tokens, &arena, &why) ==
		0);
	xml_write_element(out, tokens.v, CLIENT);
	xml_tokens_finish(&tokens);
	arena_finish(&arena);
}

static void
check_round_trip(const struct run *run, const struct xml_token *element)
{
	struct buffer once, twice;

	buffer_init(&once, MUCH);
	xml_write_element(&once, element, CLIENT);
	if (!once.overflowed && once.len <= xml_limits_own.stanza_bytes) {
		rewrite(run, buffer_slice(&once), &twice);
		assert(slice_is(buffer_slice(&once), buffer_slice(&twice)));
		buffer_finish(&twice);
	}
	buffer_finish(&once);
}

/* The content as it came, under a start tag of ours, beside the content as tokens say it. */
static void
check_verbatim(const struct run *run, const struct xml_token *element)
{
	struct buffer raw, written, again;

	buffer_init(&raw, MUCH);
	buffer_init(&written, MUCH);
	(void)buffer_text(&raw, "<x>");
	(void)buffer_append(&raw, element->content);
	(void)buffer_text(&raw, "</x>");
	(void)buffer_text(&written, "<x>");
	xml_write_content(&written, element, CLIENT);
	(void)buffer_text(&written, "</x>");
	if (written.len == strlen("<x></x>")) {
		buffer_clear(&written);
		(void)buffer_text(&written, "<x/>");
	}
	rewrite(run, buffer_slice(&raw), &again);
	assert(slice_is(buffer_slice(&written), buffer_slice(&again)));
	buffer_finish(&raw);
	buffer_finish(&written);
	buffer_finish(&again);
}

static void
take_stanza(struct run *run, const struct xml_tokens *tokens, struct slice input)
{
	struct slice raw = xml_raw(tokens->v);

	assert(check_tree(tokens->v, tokens->count, 0) == tokens->count);
	assert(raw.p >= input.p && raw.p + raw.len <= input.p + input.len);
	assert(raw.p[0] == '<' && raw.p[raw.len - 1] == '>');
	check_round_trip(run, tokens->v);
	if (tokens->v->verbatim)
		check_verbatim(run, tokens->v);
	xml_write_element(&run->trace, tokens->v, SLICE(""));
	(void)buffer_text(&run->trace, tokens->v->verbatim ? " verbatim\n" : "\n");
}

static enum xml_event
step(struct run *run, struct scanner *scanner, struct slice input, size_t *used_out)
{
	struct xml_tokens tokens;
	struct arena arena;
	enum xml_event event;
	/* Of its exact size, so that ASan sees a read behind it. */
	char *copy = malloc(input.len > 0 ? input.len : 1);

	assert(copy != NULL);
	memcpy(copy, input.p, input.len);
	input.p = copy;
	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	event = scanner_next(scanner, input, &tokens, &arena, used_out);
	assert(*used_out <= input.len);
	if (event == XML_STANZA)
		take_stanza(run, &tokens, slice_make(input.p, *used_out));
	else if (event == XML_HEADER)
		(void)buffer_text(&run->trace, "header\n");
	else if (event == XML_CLOSE)
		(void)buffer_text(&run->trace, "close\n");
	xml_tokens_finish(&tokens);
	arena_finish(&arena);
	free(copy);
	return event;
}

/* cut 0: in one piece. */
static void
scan(struct run *run, struct slice stream, uint8_t cut)
{
	struct scanner scanner;
	size_t start = 0, end = 0, used;
	enum xml_event event = XML_NEED_MORE;
	uint32_t seed = cut;

	scanner_init(&scanner, run->names, run->limits);
	buffer_init(&run->trace, MUCH);
	while (event != XML_FAILED && (end < stream.len || event != XML_NEED_MORE)) {
		if (event == XML_NEED_MORE) {
			size_t piece = cut == 0 ? stream.len : 1 + (seed >> 16) % cut;

			seed = seed * 1103515245 + 12345;
			end = piece < stream.len - end ? end + piece : stream.len;
		}
		event = step(run, &scanner, slice_make(stream.p + start, end - start), &used);
		start += used;
	}
	run->error = (enum xml_error)scanner.error;
	scanner_finish(&scanner);
}

static void
compare(const struct run *whole, const struct run *cut)
{
	assert(slice_is(buffer_slice(&whole->trace), buffer_slice(&cut->trace)));
	/* In pieces an incomplete element may not have been judged yet, or be called too long. */
	if (cut->error != XML_NO_ERROR && cut->error != XML_LIMIT && whole->error != XML_LIMIT)
		assert(cut->error == whole->error);
	if (cut->error != XML_NO_ERROR)
		assert(whole->error != XML_NO_ERROR);
}

/* The same bytes as a WebSocket message or a stored stanza would bring them. */
static void
read_alone(const struct run *run, struct slice text)
{
	struct xml_tokens tokens;
	struct arena arena;
	const char *why = NULL;
	int r;

	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	r = xml_read(run->names, run->limits, 0, text, &tokens, &arena, &why);
	assert((r == 0) == (why == NULL));
	if (r == 0) {
		assert(check_tree(tokens.v, tokens.count, 0) == tokens.count);
		check_round_trip(run, tokens.v);
	}
	xml_tokens_finish(&tokens);
	arena_finish(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names *names;
	struct buffer stream;
	struct run whole, cut;

	if (size < 2)
		return 0;
	names = names_create();
	buffer_init(&stream, MUCH);
	if (data[0] & WITH_HEADER)
		(void)buffer_text(&stream, HEADER);
	(void)buffer_append(&stream, slice_make((const char *)data + 2, size - 2));
	whole = (struct run){ .names = names,
		.limits = data[0] & BEFORE_AUTH ? &xml_limits_before_auth : &xml_limits_client };
	cut = whole;
	scan(&whole, buffer_slice(&stream), 0);
	scan(&cut, buffer_slice(&stream), data[1] == 0 ? 1 : data[1]);
	compare(&whole, &cut);
	read_alone(&whole, slice_make((const char *)data + 2, size - 2));
	buffer_finish(&whole.trace);
	buffer_finish(&cut.trace);
	buffer_finish(&stream);
	names_destroy(&names);
	return 0;
}
