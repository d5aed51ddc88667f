/*
 * Text is looked at once, sixteen bytes at a time where they are plain. Only what holds a
 * reference, or white space that XML normalises, is copied.
 */
#include "xml/parse_text.h"

#include "xml/chars.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum run_kind { IN_ATTRIBUTE, IN_TEXT, IN_CDATA };

/* Steps over bytes that mean themselves wherever they stand. */
static const char *
skip_plain(const char *at, const char *end)
{
#ifdef __SSE2__
	const __m128i lt = _mm_set1_epi8('<'), amp = _mm_set1_epi8('&'),
		      bracket = _mm_set1_epi8(']'), quote = _mm_set1_epi8('"'),
		      apos = _mm_set1_epi8('\''), space = _mm_set1_epi8(0x20);

	while (end - at >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
		/* As signed bytes, controls and everything beyond ASCII are below the space. */
		__m128i odd = _mm_or_si128(
			_mm_or_si128(_mm_cmpeq_epi8(v, lt), _mm_cmpeq_epi8(v, amp)),
			_mm_or_si128(_mm_cmpeq_epi8(v, bracket), _mm_cmplt_epi8(v, space)));
		unsigned mask;

		odd = _mm_or_si128(
			odd, _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, apos)));
		mask = (unsigned)_mm_movemask_epi8(odd);
		if (mask != 0)
			return at + __builtin_ctz(mask);
		at += 16;
	}
#endif
	while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '<' &&
		*at != '&' && *at != ']' && *at != '"' && *at != '\'')
		at++;
	return at;
}

static enum parse_result
step_char(struct parser *p)
{
	uint32_t code;
	int len = utf8_decode(p->at, p->end, &code);

	if (len < 0)
		return parse_fail(p, XML_NOT_WELL_FORMED, "Text is not UTF-8");
	if (len == 0)
		return PARSE_MORE;
	if (!xml_is_char(code))
		return parse_fail(p, XML_NOT_WELL_FORMED, "Text has a character that XML forbids");
	p->at += len;
	return PARSE_DONE;
}

/* p->at stands on ']': is it "]]>"? */
static enum parse_result
at_section_end(const struct parser *p, bool *yes_out)
{
	*yes_out = false;
	if (p->at + 1 < p->end && p->at[1] != ']')
		return PARSE_DONE;
	if (p->end - p->at < 3)
		return PARSE_MORE;
	*yes_out = p->at[2] == '>';
	return PARSE_DONE;
}

struct entity {
	const char *name;
	char value;
};

static const struct entity entities[] = {
	{ "lt;", '<' },
	{ "gt;", '>' },
	{ "amp;", '&' },
	{ "apos;", '\'' },
	{ "quot;", '"' },
};

/* "#65;" or "#x41;" at ref: its length, and the character. 0: it is none. */
static size_t
decode_number(struct slice ref, uint32_t *code_out)
{
	bool hex = ref.len > 1 && ref.p[1] == 'x';
	size_t at = hex ? 2 : 1, first = at;
	uint32_t code = 0;

	for (; at < ref.len && ref.p[at] != ';'; at++) {
		char c = ref.p[at], low = (char)(c | 0x20);
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if (hex && low >= 'a' && low <= 'f')
			digit = (uint32_t)(low - 'a') + 10;
		else
			return 0;
		code = code * (hex ? 16 : 10) + digit;
		if (code > 0x10ffff)
			return 0;
	}
	if (at == first || at == ref.len || !xml_is_char(code))
		return 0;
	*code_out = code;
	return at + 1;
}

/* The reference behind '&': how many bytes it has with its ';', and what it stands for. 0: none. */
static size_t
decode_reference(struct slice ref, char out[4], size_t *out_len)
{
	uint32_t code;
	size_t used;

	for (size_t i = 0; i < COUNT_OF(entities); i++) {
		if (slice_starts(ref, slice_of(entities[i].name))) {
			out[0] = entities[i].value;
			*out_len = 1;
			return strlen(entities[i].name);
		}
	}
	if (ref.len == 0 || ref.p[0] != '#')
		return 0;
	used = decode_number(ref, &code);
	if (used > 0)
		*out_len = utf8_encode(code, out);
	return used;
}

/*
 * p->at stands on '&'. A reference that is whole must be one of ours; of one that is not whole
 * yet, each byte must be able to belong to one.
 */
static enum parse_result
check_reference(struct parser *p)
{
	enum { LONGEST = 32 };
	struct slice ref = slice_make(p->at + 1, (size_t)(p->end - p->at) - 1);
	char text[4];
	size_t len, semicolon;

	if (ref.len > LONGEST)
		ref.len = LONGEST;
	semicolon = slice_find(ref, ';');
	if (semicolon < ref.len && decode_reference(ref, text, &len) == semicolon + 1)
		return PARSE_DONE;
	for (size_t i = 0; i < ref.len && semicolon == ref.len && ref.len < LONGEST; i++) {
		char low = (char)(ref.p[i] | 0x20);

		if (!(low >= 'a' && low <= 'z') && !(ref.p[i] >= '0' && ref.p[i] <= '9') &&
			ref.p[i] != '#')
			semicolon = 0;
	}
	if (semicolon == ref.len && ref.len < LONGEST)
		return PARSE_MORE;
	return parse_fail(p, XML_NOT_WELL_FORMED, "A reference is none of those that XMPP has");
}

/* Finds the end of a run and checks what is in it. *odd_out: it must be decoded. */
static enum parse_result
find_end(struct parser *p, enum run_kind kind, char quote, bool *odd_out)
{
	*odd_out = false;
	for (;;) {
		enum parse_result r;
		bool ends;

		p->at = skip_plain(p->at, p->end);
		if (p->at == p->end)
			return PARSE_MORE;
		switch (*p->at) {
		case '<':
			if (kind == IN_TEXT)
				return PARSE_DONE;
			if (kind == IN_ATTRIBUTE)
				return parse_fail(
					p, XML_NOT_WELL_FORMED, "An attribute's value has a '<'");
			break;
		case '&':
			r = kind == IN_CDATA ? PARSE_DONE : check_reference(p);
			if (r != PARSE_DONE)
				return r;
			*odd_out |= kind != IN_CDATA;
			break;
		case ']':
			r = kind == IN_ATTRIBUTE ? PARSE_DONE : at_section_end(p, &ends);
			if (r != PARSE_DONE)
				return r;
			if (kind == IN_CDATA && ends)
				return PARSE_DONE;
			if (kind == IN_TEXT && ends)
				return parse_fail(p, XML_NOT_WELL_FORMED, "Text has a ']]>'");
			break;
		case '\r':
			*odd_out = true;
			break;
		case '\t':
		case '\n':
			*odd_out |= kind == IN_ATTRIBUTE;
			break;
		default:
			if (kind == IN_ATTRIBUTE && *p->at == quote)
				return PARSE_DONE;
		}
		r = step_char(p);
		if (r != PARSE_DONE)
			return r;
	}
}

/* A copy of a checked run with references and white space resolved; it is never longer. */
static struct slice
decode_run(struct parser *p, struct slice raw, enum run_kind kind)
{
	char *text = arena_alloc(p->arena, raw.len), *to = text;

	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.p[i];

		if (c == '&' && kind != IN_CDATA) {
			size_t len = 0;

			i += decode_reference(slice_from(raw, i + 1), to, &len);
			to += len;
			continue;
		}
		if (c == '\r') {
			/* XML 1.0, 2.11: line ends are one line feed. */
			if (i + 1 < raw.len && raw.p[i + 1] == '\n')
				i++;
			c = '\n';
		}
		if (kind == IN_ATTRIBUTE && (c == '\n' || c == '\t'))
			c = ' ';
		*to++ = c;
	}
	return slice_make(text, (size_t)(to - text));
}

static enum parse_result
parse_run(struct parser *p, enum run_kind kind, char quote, struct slice *out)
{
	const char *start = p->at;
	bool odd;
	enum parse_result r = find_end(p, kind, quote, &odd);

	if (r != PARSE_DONE)
		return r;
	*out = slice_make(start, (size_t)(p->at - start));
	if (odd)
		*out = decode_run(p, *out, kind);
	return PARSE_DONE;
}

enum parse_result
parse_attribute_value(struct parser *p, char quote, struct slice *value_out)
{
	enum parse_result r = parse_run(p, IN_ATTRIBUTE, quote, value_out);

	if (r == PARSE_DONE)
		p->at++;
	return r;
}

enum parse_result
parse_text(struct parser *p, struct slice *text_out)
{
	return parse_run(p, IN_TEXT, 0, text_out);
}

enum parse_result
parse_cdata(struct parser *p, struct slice *text_out)
{
	enum parse_result r = parse_run(p, IN_CDATA, 0, text_out);

	if (r == PARSE_DONE)
		p->at += 3;
	return r;
}
