/*
 * Tags, attributes, text and namespaces. Every function returns PARSE_MORE when it meets the end
 * of the bytes; positions are only kept by the caller for a whole element, so a function may be
 * run again from the beginning.
 */
#include "xml/parse.h"

#include "xml/chars.h"
#include "xml/parse_ns.h"
#include "xml/parse_text.h"
#include "xml/skip.h"

#include <stdlib.h>

enum { TOKENS_USUAL = 64, TOKENS_KEPT = 4096 };

enum parse_result
parse_fail(struct parser *p, enum xml_error error, const char *why)
{
	p->error = error;
	p->why = why;
	return PARSE_FAILED;
}

static void
grow(struct xml_tokens *tokens)
{
	tokens->capacity = tokens->capacity == 0 ? TOKENS_USUAL : tokens->capacity * 2;
	tokens->v = xrealloc(tokens->v, size_mul(tokens->capacity, sizeof(*tokens->v)));
}

static inline struct xml_token *
add_token(struct parser *p, enum xml_kind kind)
{
	struct xml_tokens *tokens = p->tokens;
	struct xml_token *t;

	if (tokens->count == tokens->capacity)
		grow(tokens);
	t = &tokens->v[tokens->count++];
	*t = (struct xml_token){ .kind = (uint8_t)kind, .span = 1 };
	return t;
}

static void
skip_space(struct parser *p)
{
	while (p->at < p->end && xml_is_space(*p->at))
		p->at++;
}

/* One character of a name beyond ASCII, which p->at steps over when it belongs to the name. */
static enum parse_result
step_foreign(struct parser *p, bool first, bool *belongs_out)
{
	uint32_t code;
	int len = utf8_decode(p->at, p->end, &code);

	if (len < 0)
		return parse_malformed(p, "A name is not UTF-8");
	if (len == 0)
		return PARSE_MORE;
	*belongs_out = first ? xml_is_name_start(code) : xml_is_name_char(code);
	if (*belongs_out)
		p->at += len;
	return PARSE_DONE;
}

/* The rest of a name, up to the first byte that does not belong to it; ASCII without a call. */
static enum parse_result
step_name(struct parser *p, const char *start)
{
	bool belongs = true;

	while (belongs) {
		enum parse_result r;

		p->at = skip_name(p->at, p->end);
		if (p->at - start > p->limits->name_bytes)
			return parse_fail(p, XML_LIMIT, "A name is too long");
		if (p->at == p->end)
			return PARSE_MORE;
		if ((unsigned char)*p->at < 0x80)
			return PARSE_DONE;
		r = step_foreign(p, false, &belongs);
		if (r != PARSE_DONE)
			return r;
	}
	return PARSE_DONE;
}

/* Any name, also one that goes on behind the bytes, is too long, or is none. */
static __attribute__((noinline)) enum parse_result
parse_odd_ncname(struct parser *p, struct slice *name_out)
{
	const char *start = p->at;
	bool belongs;
	enum parse_result r;

	if (p->at == p->end)
		return PARSE_MORE;
	belongs = (xml_byte_kinds[(unsigned char)*p->at] & XML_BYTE_NAME_START) != 0;
	if ((unsigned char)*p->at >= 0x80) {
		r = step_foreign(p, true, &belongs);
		if (r != PARSE_DONE)
			return r;
	}
	if (!belongs)
		return parse_malformed(p, "A name is missing or begins with a wrong character");
	r = step_name(p, start);
	*name_out = slice_make(start, (size_t)(p->at - start));
	return r;
}

/* A name without colon. On PARSE_DONE a byte follows it. */
static inline enum parse_result
parse_ncname(struct parser *p, struct slice *name_out)
{
	const char *start = p->at, *end = skip_name(start, p->end);

	if (end == p->end || (unsigned char)*end >= 0x80 || end - start > p->limits->name_bytes ||
		!(xml_byte_kinds[(unsigned char)*start] & XML_BYTE_NAME_START))
		return parse_odd_ncname(p, name_out);
	*name_out = slice_make(start, (size_t)(end - start));
	p->at = end;
	return PARSE_DONE;
}

static enum parse_result
parse_qname(struct parser *p, struct slice *prefix_out, struct slice *local_out)
{
	enum parse_result r = parse_ncname(p, local_out);

	*prefix_out = SLICE("");
	if (r != PARSE_DONE || *p->at != ':')
		return r;
	p->at++;
	*prefix_out = *local_out;
	return parse_ncname(p, local_out);
}

static enum parse_result
parse_quoted(struct parser *p, struct slice *value_out)
{
	char quote;
	enum parse_result r;

	skip_space(p);
	if (p->at == p->end)
		return PARSE_MORE;
	if (*p->at++ != '=')
		return parse_malformed(p, "An attribute has no value");
	skip_space(p);
	if (p->at == p->end)
		return PARSE_MORE;
	quote = *p->at++;
	if (quote != '\'' && quote != '"')
		return parse_malformed(p, "An attribute's value is not in quotes");
	r = parse_attribute_value(p, quote, value_out);
	if (r == PARSE_DONE && p->at < p->end && !xml_is_space(*p->at) && *p->at != '/' &&
		*p->at != '>')
		return parse_malformed(p, "Attributes are not separated by a space");
	return r;
}

/*
 * Slices are written where they stay: copied while they are fresh, they would cost the processor
 * a stall each (two stores of 8 bytes, one load of 16).
 */
static enum parse_result
parse_attribute(struct parser *p)
{
	struct xml_token *t = add_token(p, XML_ATTRIBUTE);
	/* Until all declarations of the tag are known the prefix stands where the namespace will.
	 */
	enum parse_result r = parse_qname(p, &t->uri, &t->local);

	if (r == PARSE_DONE)
		r = parse_quoted(p, &t->value);
	if (r != PARSE_DONE)
		return r;
	if (slice_is_text(t->uri, "xmlns")) {
		p->tokens->count--;
		return parse_binding(p, t->local, t->value);
	}
	if (t->uri.len == 0 && slice_is_text(t->local, "xmlns")) {
		p->tokens->count--;
		return parse_binding(p, t->uri, t->value);
	}
	return PARSE_DONE;
}

/* Everything between the tag's name and its '>' or '/>', on which p->at stands afterwards. */
static enum parse_result
parse_attributes(struct parser *p)
{
	unsigned count = 0;

	for (;;) {
		enum parse_result r;

		skip_space(p);
		if (p->at == p->end)
			return PARSE_MORE;
		if (*p->at == '>' || *p->at == '/')
			return PARSE_DONE;
		if (++count > p->limits->attributes)
			return parse_fail(p, XML_LIMIT, "An element has too many attributes");
		r = parse_attribute(p);
		if (r != PARSE_DONE)
			return r;
	}
}

/*
 * Row 7 of the checklist: nothing of the streams namespace may hide inside a stanza, and a stream
 * cannot begin inside another.
 */
static enum parse_result
check_element(struct parser *p, const struct xml_token *t)
{
	if (t->ns != NS_ID_STREAMS || p->in_header)
		return PARSE_DONE;
	if (p->depth > 1)
		return parse_fail(p, XML_INVALID_NAMESPACE,
			"An element of the streams namespace stands inside a stanza");
	if (t->name == NAME_STREAM)
		return parse_fail(p, XML_INVALID_NAMESPACE, "A stream begins inside a stream");
	return PARSE_DONE;
}

/* The tag is read; its names can be resolved, as all its declarations are known. */
static enum parse_result
enter_element(struct parser *p, struct slice prefix, uint32_t index)
{
	struct xml_token *t = &p->tokens->v[index];
	enum parse_result r = parse_resolve(p, prefix, t);

	if (r == PARSE_DONE)
		r = parse_resolve_attributes(p, index + 1);
	if (r != PARSE_DONE)
		return r;
	t->name = names_find(p->names, t->local);
	/* The content's default namespace must be what the new start tag will have. */
	if (p->depth == 1 && parse_default_ns(p) != NS_ID_CLIENT)
		p->verbatim = false;
	return check_element(p, t);
}

/* p->at stands on the tag's '>' or '/'. *empty_out: it was "/>". */
static enum parse_result
parse_tag_end(struct parser *p, bool *empty_out)
{
	*empty_out = *p->at++ == '/';
	if (!*empty_out)
		return PARSE_DONE;
	if (p->at == p->end)
		return PARSE_MORE;
	if (*p->at++ != '>')
		return parse_malformed(p, "A slash in a tag is not followed by its end");
	return PARSE_DONE;
}

/* p->at stands behind '<'. *empty_out: the tag was <x/>. */
static enum parse_result
parse_start_tag(struct parser *p, bool *empty_out)
{
	const char *tag = p->at;
	uint32_t index = p->tokens->count;
	struct slice prefix;
	struct open_element *open;
	struct xml_token *t;
	enum parse_result r;

	if (p->depth == p->limits->depth)
		return parse_fail(p, XML_LIMIT, "Elements are nested too deeply");
	if (++p->elements > p->limits->elements)
		return parse_fail(p, XML_LIMIT, "A stanza has too many elements");
	t = add_token(p, XML_ELEMENT);
	r = parse_qname(p, &prefix, &t->local);
	if (r != PARSE_DONE)
		return r;
	if (!xml_is_space(*p->at) && *p->at != '/' && *p->at != '>')
		return parse_malformed(p, "A tag's name is followed by a wrong character");
	open = &p->work->open[p->depth++];
	open->token = index;
	open->bindings = p->binding_count;
	open->qname = slice_make(tag, (size_t)(p->at - tag));
	r = parse_attributes(p);
	if (r == PARSE_DONE)
		r = parse_tag_end(p, empty_out);
	if (r != PARSE_DONE)
		return r;
	open->content = p->at;
	p->tokens->v[index].attributes = (uint16_t)(p->tokens->count - index - 1);
	return enter_element(p, prefix, index);
}

static void
close_element(struct parser *p, const char *content_end)
{
	struct open_element *open = &p->work->open[--p->depth];
	struct xml_token *t;

	(void)add_token(p, XML_END);
	t = &p->tokens->v[open->token];
	t->span = p->tokens->count - open->token;
	t->content = slice_make(open->content, (size_t)(content_end - open->content));
	p->binding_count = open->bindings;
}

/* p->at stands behind '</'. */
static enum parse_result
parse_end_tag(struct parser *p)
{
	struct slice qname = p->work->open[p->depth - 1].qname;
	const char *content_end = p->at - 2;
	size_t there = (size_t)(p->end - p->at), n = there < qname.len ? there : qname.len;

	if (n > 0 && memcmp(p->at, qname.p, n) != 0)
		return parse_malformed(p, "An end tag does not match its start tag");
	if (there <= qname.len)
		return PARSE_MORE;
	p->at += qname.len;
	skip_space(p);
	if (p->at == p->end)
		return PARSE_MORE;
	if (*p->at++ != '>')
		return parse_malformed(p, "An end tag does not match its start tag");
	close_element(p, content_end);
	return PARSE_DONE;
}

static enum parse_result
parse_content_text(struct parser *p)
{
	if (p->at < p->end && *p->at == '<')
		return PARSE_DONE;
	return parse_text(p, &add_token(p, XML_TEXT)->value);
}

/* p->at stands on "<!". */
static enum parse_result
parse_cdata_section(struct parser *p)
{
	static const char opening[] = "<![CDATA[";
	size_t there = (size_t)(p->end - p->at);
	struct xml_token *t;
	enum parse_result r;

	if (memcmp(p->at, opening, there < 9 ? there : 9) != 0)
		return parse_fail(p, XML_RESTRICTED, XML_WHY_RESTRICTED);
	if (there < 9)
		return PARSE_MORE;
	p->at += 9;
	p->verbatim = false;
	t = add_token(p, XML_TEXT);
	r = parse_cdata(p, &t->value);
	if (r == PARSE_DONE && t->value.len == 0)
		p->tokens->count--;
	return r;
}

/* What begins with '<' inside an element. */
static enum parse_result
parse_markup(struct parser *p)
{
	bool empty = false;
	enum parse_result r;

	if (p->end - p->at < 2)
		return PARSE_MORE;
	switch (p->at[1]) {
	case '/':
		p->at += 2;
		if (p->depth == 0)
			return parse_malformed(p, "An end tag has no start tag");
		return parse_end_tag(p);
	case '!':
		if (p->depth == 0)
			return parse_fail(p, XML_RESTRICTED, XML_WHY_RESTRICTED);
		return parse_cdata_section(p);
	case '?':
		return parse_fail(p, XML_RESTRICTED, XML_WHY_RESTRICTED);
	default:
		p->at++;
		r = parse_start_tag(p, &empty);
		if (r == PARSE_DONE && empty)
			close_element(p, p->at);
		return r;
	}
}

/* A giant stanza once should not hold its array for ever. */
static void
shrink(struct xml_tokens *tokens)
{
	if (tokens->capacity <= TOKENS_KEPT || tokens->count > tokens->capacity / 16)
		return;
	free(tokens->v);
	tokens->capacity = TOKENS_USUAL;
	tokens->v = xmalloc(TOKENS_USUAL * sizeof(*tokens->v));
}

static void
begin(struct parser *p)
{
	if (p->tokens->work == NULL)
		p->tokens->work = xmalloc(sizeof(*p->tokens->work));
	shrink(p->tokens);
	p->work = p->tokens->work;
	p->tokens->count = 0;
	p->depth = p->binding_count = p->elements = 0;
	p->verbatim = true;
}

enum parse_result
parse_element(struct parser *p)
{
	enum parse_result r;

	begin(p);
	do {
		r = p->depth == 0 ? PARSE_DONE : parse_content_text(p);
		if (r == PARSE_DONE)
			r = parse_markup(p);
	} while (r == PARSE_DONE && p->depth > 0);
	if (r == PARSE_DONE)
		p->tokens->v[0].verbatim = p->verbatim;
	return r;
}

enum parse_result
parse_header(struct parser *p)
{
	bool empty = false;
	enum parse_result r;

	begin(p);
	p->in_header = true;
	if (p->end - p->at < 2)
		return PARSE_MORE;
	if (p->at[1] == '!' || p->at[1] == '?')
		return parse_fail(p, XML_RESTRICTED, XML_WHY_RESTRICTED);
	p->at++;
	r = parse_start_tag(p, &empty);
	if (r == PARSE_DONE && empty)
		return parse_fail(p, XML_BAD_FORMAT, "The stream's header is an empty element");
	if (r == PARSE_DONE)
		(void)add_token(p, XML_END);
	return r;
}
