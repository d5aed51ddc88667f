/* A state machine over the bytes that matter: '<', '>', '/', quotes and CDATA's brackets. */
#include "xml/frame.h"

enum frame_state {
	FRAME_TEXT,
	FRAME_OPEN,  /* behind '<' */
	FRAME_TAG,   /* in a start tag */
	FRAME_SLASH, /* behind a '/' in a start tag */
	FRAME_APOS,  /* in a value */
	FRAME_QUOTE,
	FRAME_END, /* in an end tag */
	FRAME_CDATA,
	FRAME_CDATA_1, /* behind ']' */
	FRAME_CDATA_2, /* behind ']]' */
};

void
frame_reset(struct scanner *scanner)
{
	scanner->looked = scanner->parsed = 0;
	scanner->depth = 0;
	scanner->frame = FRAME_TEXT;
}

static enum frame_state
step_tag(struct scanner *s, enum frame_state state, char c)
{
	switch (c) {
	case '\'':
		return FRAME_APOS;
	case '"':
		return FRAME_QUOTE;
	case '/':
		return FRAME_SLASH;
	case '>':
		if (state != FRAME_SLASH)
			s->depth++;
		return FRAME_TEXT;
	default:
		return FRAME_TAG;
	}
}

static enum frame_state
step(struct scanner *s, enum frame_state state, char c)
{
	switch (state) {
	case FRAME_TEXT:
		return c == '<' ? FRAME_OPEN : FRAME_TEXT;
	case FRAME_OPEN:
		return c == '/' ? FRAME_END : c == '!' ? FRAME_CDATA : FRAME_TAG;
	case FRAME_TAG:
	case FRAME_SLASH:
		return step_tag(s, state, c);
	case FRAME_APOS:
		return c == '\'' ? FRAME_TAG : FRAME_APOS;
	case FRAME_QUOTE:
		return c == '"' ? FRAME_TAG : FRAME_QUOTE;
	case FRAME_END:
		if (c == '>' && s->depth > 0)
			s->depth--;
		return c == '>' ? FRAME_TEXT : FRAME_END;
	case FRAME_CDATA:
		return c == ']' ? FRAME_CDATA_1 : FRAME_CDATA;
	case FRAME_CDATA_1:
		return c == ']' ? FRAME_CDATA_2 : FRAME_CDATA;
	default:
		return c == '>' ? FRAME_TEXT : c == ']' ? FRAME_CDATA_2 : FRAME_CDATA;
	}
}

/* In a long text or value only one byte matters: the one that ends it. */
static size_t
skip_dull(enum frame_state state, struct slice rest)
{
	if (state == FRAME_TEXT)
		return slice_find(rest, '<');
	if (state == FRAME_CDATA)
		return slice_find(rest, ']');
	return 0;
}

bool
frame_advance(struct scanner *s, struct slice input)
{
	enum frame_state state = (enum frame_state)s->frame;
	size_t at = s->looked;
	bool complete = false;

	while (at < input.len && !complete) {
		at += skip_dull(state, slice_from(input, at));
		if (at == input.len)
			break;
		state = step(s, state, input.p[at++]);
		complete = state == FRAME_TEXT && s->depth == 0;
	}
	s->looked = (uint32_t)at;
	s->frame = (uint8_t)state;
	return complete;
}
