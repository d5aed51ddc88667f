/*
 * Text is looked at once, many bytes at a time where they are plain. Only what holds a
 * reference, or white space that XML normalises, is copied.
 */
#include "xml/parse_text.h"

#include "xml/chars.h"
#include "xml/reference.h"
#include "xml/skip.h"

enum run_kind { IN_ATTRIBUTE, IN_TEXT, IN_CDATA };

/* Steps over characters beyond ASCII. */
static enum parse_result
step_foreign(struct parser *p)
{
	uint32_t code;
	int len;

	p->at = xml_skip_foreign(p->at, p->end);
	if (p->at == p->end || (unsigned char)*p->at < 0x80)
		return PARSE_DONE;
	len = utf8_decode(p->at, p->end, &code);
	if (len == 0)
		return PARSE_MORE;
	return parse_malformed(
		p, len < 0 ? "Text is not UTF-8" : "Text has a character that XML forbids");
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

/* p->at stands on '&', and afterwards behind the ';'. Apart, to keep the usual way short. */
static __attribute__((noinline)) enum parse_result
step_odd_reference(struct parser *p)
{
	struct slice name = slice_make(p->at + 1, (size_t)(p->end - p->at) - 1);
	char text[REFERENCE_TEXT];
	bool ended;

	if (name.len > REFERENCE_LONGEST)
		name.len = REFERENCE_LONGEST;
	ended = reference_cut(&name);
	if (!reference_is_possible(name, ended))
		return parse_malformed(p, "An ampersand begins no reference");
	if (!ended)
		return name.len < REFERENCE_LONGEST
			       ? PARSE_MORE
			       : parse_fail(p, XML_LIMIT, "A reference is too long");
	if (reference_decode(name, text) > 0) {
		p->at += name.len + 2;
		return PARSE_DONE;
	}
	if (name.p[0] == '#')
		return parse_malformed(p, "A reference names no character of XML");
	/* RFC 6120, 11.1 and 4.9.3.18 */
	return parse_fail(p, XML_RESTRICTED, "XMPP has five entities, and this is none of them");
}

static inline enum parse_result
step_reference(struct parser *p)
{
	char value;
	size_t usual = reference_usual(slice_make(p->at + 1, (size_t)(p->end - p->at) - 1), &value);

	if (usual == 0)
		return step_odd_reference(p);
	p->at += 1 + usual;
	return PARSE_DONE;
}

/* Which bytes end a run, and which stand for something else than themselves. */
struct run {
	enum run_kind kind;
	char quote;
	bool odd; /* the run must be decoded */
	bool ended;
};

/* p->at stands on a byte of ASCII that may mean something. Steps over it unless it ends the run. */
static enum parse_result
step_special(struct parser *p, struct run *run)
{
	enum parse_result r = PARSE_DONE;

	switch (*p->at) {
	case '<':
		if (run->kind == IN_ATTRIBUTE)
			return parse_malformed(p, "An attribute's value has a '<'");
		run->ended = run->kind == IN_TEXT;
		break;
	case '&':
		if (run->kind == IN_CDATA)
			break;
		run->odd = true;
		return step_reference(p);
	case ']':
		if (run->kind != IN_ATTRIBUTE)
			r = at_section_end(p, &run->ended);
		if (run->kind == IN_TEXT && run->ended)
			return parse_malformed(p, "Text has a ']]>'");
		break;
	case '\r':
		run->odd = true;
		break;
	case '\t':
	case '\n':
		run->odd |= run->kind == IN_ATTRIBUTE;
		break;
	case '\'':
	case '"':
		run->ended = run->kind == IN_ATTRIBUTE && *p->at == run->quote;
		break;
	default:
		return parse_malformed(p, "Text has a character that XML forbids");
	}
	if (r == PARSE_DONE && !run->ended)
		p->at++;
	return r;
}

/* Finds the end of a run and checks what is in it. */
static enum parse_result
find_end(struct parser *p, struct run *run)
{
	for (;;) {
		enum parse_result r;

		p->at = skip_plain(p->at, p->end);
		if (p->at == p->end)
			return PARSE_MORE;
		r = (unsigned char)*p->at >= 0x80 ? step_foreign(p) : step_special(p, run);
		if (r != PARSE_DONE || run->ended)
			return r;
	}
}

/* Writes what the byte at `at` stands for; where to go on. */
static const char *
decode_special(const char *at, const char *end, enum run_kind kind, char **to)
{
	struct slice name = slice_make(at + 1, (size_t)(end - at) - 1);
	char c = *at++;

	if (c == '&' && kind != IN_CDATA) {
		size_t usual = reference_usual(name, *to);

		if (usual > 0) {
			(*to)++;
			return at + usual;
		}
		(void)reference_cut(&name);
		*to += reference_decode(name, *to);
		return at + name.len + 1;
	}
	/* XML 1.0, 2.11: line ends are one line feed. */
	if (c == '\r' && at < end && *at == '\n')
		at++;
	if (c == '\r')
		c = '\n';
	/* XML 1.0, 3.3.3 */
	if (kind == IN_ATTRIBUTE && (c == '\n' || c == '\t'))
		c = ' ';
	*(*to)++ = c;
	return at;
}

/* A copy of a checked run with references and white space resolved; it is never longer. */
static struct slice
decode_run(struct parser *p, struct slice raw, enum run_kind kind)
{
	char *text = arena_alloc(p->arena, raw.len), *to = text;
	const char *at = raw.p, *end = raw.p + raw.len;

	while (at < end) {
		const char *next = skip_plain(at, end);

		to = mempcpy(to, at, (size_t)(next - at));
		at = next == end ? end : decode_special(next, end, kind, &to);
	}
	return slice_make(text, (size_t)(to - text));
}

static enum parse_result
parse_run(struct parser *p, enum run_kind kind, char quote, struct slice *out)
{
	const char *start = p->at;
	struct run run = { .kind = kind, .quote = quote };
	enum parse_result r = find_end(p, &run);

	if (r != PARSE_DONE)
		return r;
	*out = slice_make(start, (size_t)(p->at - start));
	if (run.odd)
		*out = decode_run(p, *out, kind);
	return PARSE_DONE;
}

enum parse_result
parse_attribute_value(struct parser *p, char quote, struct slice *value_out)
{
	const char *start = p->at, *end = skip_plain(start, p->end);
	enum parse_result r;

	/* Most values are plain up to their quote. */
	if (end < p->end && *end == quote) {
		*value_out = slice_make(start, (size_t)(end - start));
		p->at = end + 1;
		return PARSE_DONE;
	}
	r = parse_run(p, IN_ATTRIBUTE, quote, value_out);
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
