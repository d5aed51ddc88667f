/*
 * The stream machine in both roles, as a script of peers would drive it: it restarts after TLS and
 * authentication. However the bytes are cut, the same events come. The first byte says which role,
 * and how large the pieces are.
 */
#include "fuzz.h"

#include "proto/stream.h"

#include <assert.h>
#include <stdio.h>

struct trace {
	struct buffer text;
	unsigned events;
};

enum { IS_CLIENT = 1, EVENTS_MOST = 1000, TRACE_MOST = 1 << 20 };

static void
note(struct trace *trace, const struct stream_event *event)
{
	(void)buffer_printf(&trace->text, "%d %d %.*s|%.*s|%.*s|%.*s\n", (int)event->kind,
		event->kind == STREAM_FAILED ? (int)event->condition : 0, SLICE_ARG(event->to),
		SLICE_ARG(event->mechanism), SLICE_ARG(event->data), SLICE_ARG(event->id));
	trace->events++;
}

/* What the owner of the machine does; false: the stream is over. */
static bool
answer(struct stream *stream, const struct stream_event *event, struct buffer *out)
{
	static const char *const mechanisms[] = { "SCRAM-SHA-1", "PLAIN", NULL };
	static const struct stream_offer before_sign_in = {
		.features = FEATURE_TLS | FEATURE_SASL,
		.mechanisms = mechanisms,
		.stanza_bytes = 1000,
	};
	static const struct stream_offer behind_sign_in = {
		.features = FEATURE_BIND,
		.stanza_bytes = 1000,
		.idle_s = 60,
	};

	buffer_clear(out);
	switch (event->kind) {
	case STREAM_OPENED:
		stream_write_header(out, SLICE("1"), event->to, event->from, event->lang);
		if (stream->role == STREAM_SERVER)
			stream_write_features(stream, out,
				stream->authenticated ? &behind_sign_in : &before_sign_in);
		return true;
	case STREAM_WANTS_TLS:
	case STREAM_PROCEED:
		stream_restart(stream);
		return true;
	case STREAM_AUTH:
	case STREAM_AUTH_SUCCESS:
		stream->authenticated = true;
		stream->in_sasl = false;
		stream_restart(stream);
		return true;
	case STREAM_WANTS_BIND:
	case STREAM_BOUND:
		stream->bound = true;
		return true;
	case STREAM_CLOSED:
	case STREAM_FAILED:
	case STREAM_ERROR_RECEIVED:
		return false;
	default:
		return true;
	}
}

/* All events of the bytes when they come in pieces of that size. */
static void
run(const struct names *names, enum stream_role role, struct slice bytes, size_t piece,
	struct trace *trace)
{
	struct stream stream;
	struct xml_tokens tokens;
	struct arena arena;
	struct buffer out;
	size_t at = 0, have = 0;
	bool going = true;

	stream_init(&stream, role, names, &xml_limits_client);
	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	buffer_init(&out, TRACE_MOST);
	while (going && trace->events < EVENTS_MOST) {
		struct stream_event event = { .kind = STREAM_NEED_MORE };
		size_t used = 0;

		stream_next(&stream, slice_make(bytes.p + at, have - at), &tokens, &arena, &used,
			&event);
		assert(used <= have - at);
		at += used;
		if (event.kind == STREAM_NEED_MORE) {
			going = have < bytes.len;
			have += piece < bytes.len - have ? piece : bytes.len - have;
			continue;
		}
		note(trace, &event);
		going = answer(&stream, &event, &out);
		arena_reset(&arena);
	}
	buffer_finish(&out);
	arena_finish(&arena);
	xml_tokens_finish(&tokens);
	stream_finish(&stream);
}

/*
 * The same events; but of an element that has not ended, a mistake may be told later when it comes
 * in pieces.
 */
static void
check_same(struct slice whole, struct slice pieces)
{
	char failed[16];
	struct slice rest;
	bool same = pieces.len <= whole.len && slice_is(slice_make(whole.p, pieces.len), pieces);

	(void)snprintf(failed, sizeof(failed), "%d ", (int)STREAM_FAILED);
	if (same && whole.len > pieces.len) {
		rest = slice_from(whole, pieces.len);
		same = memcmp(rest.p, failed, strlen(failed)) == 0 &&
		       slice_find(rest, '\n') + 1 == rest.len;
	}
	if (!same)
		(void)fprintf(stderr, "at once:\n%.*sin pieces:\n%.*s", SLICE_ARG(whole),
			SLICE_ARG(pieces));
	assert(same);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum stream_role role;
	struct names *names;
	struct trace whole = { .events = 0 }, pieces = { .events = 0 };
	struct slice bytes;

	if (size < 1)
		return 0;
	role = (data[0] & IS_CLIENT) != 0 ? STREAM_CLIENT : STREAM_SERVER;
	bytes = slice_make((const char *)data + 1, size - 1);
	names = names_create();
	buffer_init(&whole.text, TRACE_MOST);
	buffer_init(&pieces.text, TRACE_MOST);
	run(names, role, bytes, bytes.len, &whole);
	run(names, role, bytes, 1U + data[0] / 2U, &pieces);
	check_same(buffer_slice(&whole.text), buffer_slice(&pieces.text));
	buffer_finish(&whole.text);
	buffer_finish(&pieces.text);
	names_destroy(&names);
	return 0;
}
