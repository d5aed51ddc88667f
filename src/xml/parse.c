/*
 * Tags, attributes, text and namespaces. Every function returns PARSE_MORE when it meets the end
 * of the bytes; positions are only kept by the caller for a whole element, so a function may be
 * run again from the beginning.
 */
#include "xml/parse.h"

#include "xml/chars.h"
#include "xml/parse_text.h"

#include <stdlib.h>

enum parse_result
parse_fail(struct parser *p, enum xml_error error, const char *why)
{
	p->error = error;
	p->why = why;
	return PARSE_FAILED;
}

static enum parse_result
malformed(struct parser *p, const char *why)
{
	return parse_fail(p, XML_NOT_WELL_FORMED, why);
}

static struct xml_token *
add_token(struct parser *p, enum xml_kind kind)
{
	struct xml_tokens *tokens = p->tokens;
	struct xml_token *t;

	if (tokens->count == tokens->capacity) {
		tokens->capacity = tokens->capacity == 0 ? 64 : tokens->capacity * 2;
		tokens->v = xrealloc(tokens->v, size_mul(tokens->capacity, sizeof(*tokens->v)));
	}
	t = &tokens->v[tokens->count++];
	*t = (struct xml_token){ .kind = (uint8_t)kind, .span = 1 };
	return t;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip_space(struct parser *p)
{
	while (p->at < p->end && is_space(*p->at))
		p->at++;
}

/* One character of a name beyond ASCII: PARSE_DONE steps over it when it belongs to the name. */
static enum parse_result
step_name_char(struct parser *p, bool first, bool *belongs_out)
{
	uint32_t code;
	int len = utf8_decode(p->at, p->end, &code);

	if (len < 0)
		return malformed(p, "A name is not UTF-8");
	if (len == 0)
		return PARSE_MORE;
	*belongs_out = first ? xml_is_name_start(code) : xml_is_name_char(code);
	if (*belongs_out)
		p->at += len;
	return PARSE_DONE;
}

/* A name without colon, up to the first byte that does not belong to it. */
static enum parse_result
parse_ncname(struct parser *p, struct slice *name_out)
{
	const char *start = p->at;
	bool belongs = true;

	while (belongs) {
		enum parse_result r;

		if (p->at == p->end)
			return PARSE_MORE;
		r = step_name_char(p, p->at == start, &belongs);
		if (r != PARSE_DONE)
			return r;
		if (p->at - start > p->limits->name_bytes)
			return parse_fail(p, XML_LIMIT, "A name is too long");
	}
	if (p->at == start)
		return malformed(p, "A name is missing or begins with a wrong character");
	*name_out = slice_make(start, (size_t)(p->at - start));
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
		return malformed(p, "An attribute has no value");
	skip_space(p);
	if (p->at == p->end)
		return PARSE_MORE;
	quote = *p->at++;
	if (quote != '\'' && quote != '"')
		return malformed(p, "An attribute's value is not in quotes");
	r = parse_attribute_value(p, quote, value_out);
	if (r == PARSE_DONE && p->at < p->end && !is_space(*p->at) && *p->at != '/' &&
		*p->at != '>')
		return malformed(p, "Attributes are not separated by a space");
	return r;
}

/* Namespaces in XML 1.0, 3: what may be bound to what. */
static enum parse_result
check_binding(struct parser *p, const struct binding *b)
{
	bool is_xml = slice_is_text(b->prefix, "xml");

	if (slice_is_text(b->prefix, "xmlns") || b->ns == NS_ID_XMLNS)
		return malformed(p, "The prefix xmlns cannot be declared");
	if (is_xml != (b->ns == NS_ID_XML))
		return malformed(p, "The prefix xml belongs to one namespace, and that to it");
	if (b->prefix.len > 0 && b->uri.len == 0)
		return malformed(p, "A prefix cannot be undeclared");
	return PARSE_DONE;
}

static enum parse_result
add_binding(struct parser *p, struct slice prefix, struct slice uri)
{
	struct binding *b = &p->work->bindings[p->binding_count];
	unsigned outside = p->depth == 0 ? 0 : p->work->open[p->depth - 1].bindings;

	if (p->binding_count == XML_BINDINGS_MOST)
		return parse_fail(p, XML_LIMIT, "Too many namespaces are declared");
	*b = (struct binding){ prefix, uri, names_find(p->names, uri) };
	for (unsigned i = outside; i < p->binding_count; i++) {
		if (slice_is(p->work->bindings[i].prefix, prefix))
			return malformed(p, "A namespace prefix is declared twice");
	}
	p->binding_count++;
	if (p->binding_count - outside > p->limits->declarations)
		return parse_fail(p, XML_LIMIT, "Too many namespaces are declared");
	return check_binding(p, b);
}

/* Where the prefixes come from that no element of this stanza declared. */
static bool
find_outside(struct parser *p, struct slice prefix, struct binding *out)
{
	for (unsigned i = 0; p->context != NULL && i < p->context->count; i++) {
		if (slice_is(p->context->bindings[i].prefix, prefix)) {
			*out = p->context->bindings[i];
			return true;
		}
	}
	if (prefix.len == 0)
		*out = (struct binding){ prefix, names_text(p->names, p->content_ns),
			p->content_ns };
	else if (slice_is_text(prefix, "stream") && !p->in_header)
		*out = (struct binding){ prefix, names_text(p->names, NS_ID_STREAMS),
			NS_ID_STREAMS };
	else
		return false;
	return true;
}

/* PARSE_FAILED when nothing binds the prefix. */
static enum parse_result
resolve(struct parser *p, struct slice prefix, struct binding *out)
{
	/* Declared on the top element itself: its start tag is written anew, so this is lost. */
	unsigned own = p->depth > 1 ? p->work->open[1].bindings : p->binding_count;

	if (slice_is_text(prefix, "xml")) {
		*out = (struct binding){ prefix, names_text(p->names, NS_ID_XML), NS_ID_XML };
		return PARSE_DONE;
	}
	for (unsigned i = p->binding_count; i-- > 0;) {
		if (slice_is(p->work->bindings[i].prefix, prefix)) {
			if (prefix.len > 0 && i < own)
				p->verbatim = false;
			*out = p->work->bindings[i];
			return PARSE_DONE;
		}
	}
	if (prefix.len > 0)
		p->verbatim = false;
	if (!find_outside(p, prefix, out))
		return malformed(p, "A namespace prefix is not declared");
	return PARSE_DONE;
}

static enum parse_result
parse_attribute(struct parser *p)
{
	struct slice prefix, local, value;
	struct xml_token *t;
	enum parse_result r = parse_qname(p, &prefix, &local);

	if (r == PARSE_DONE)
		r = parse_quoted(p, &value);
	if (r != PARSE_DONE)
		return r;
	if (slice_is_text(prefix, "xmlns"))
		return add_binding(p, local, value);
	if (prefix.len == 0 && slice_is_text(local, "xmlns"))
		return add_binding(p, prefix, value);
	t = add_token(p, XML_ATTRIBUTE);
	t->local = local;
	t->uri = prefix; /* resolved when all declarations of the tag are known */
	t->value = value;
	return PARSE_DONE;
}

/* Everything between the tag's name and its '>' or '/>', on which p->at stands afterwards. */
static enum parse_result
parse_attributes(struct parser *p, unsigned *count_out)
{
	unsigned count = 0;

	for (;;) {
		enum parse_result r;

		skip_space(p);
		if (p->at == p->end)
			return PARSE_MORE;
		if (*p->at == '>' || *p->at == '/')
			break;
		if (++count > p->limits->attributes)
			return parse_fail(p, XML_LIMIT, "An element has too many attributes");
		r = parse_attribute(p);
		if (r != PARSE_DONE)
			return r;
	}
	*count_out = count;
	return PARSE_DONE;
}

static bool
is_same_attribute(const struct xml_token *a, const struct xml_token *b)
{
	return slice_is(a->local, b->local) && slice_is(a->uri, b->uri);
}

static enum parse_result
resolve_attributes(struct parser *p, uint32_t first)
{
	for (uint32_t i = first; i < p->tokens->count; i++) {
		struct xml_token *t = &p->tokens->v[i];
		struct binding b = { .ns = 0, .uri = SLICE("") };

		if (t->uri.len > 0) {
			enum parse_result r = resolve(p, t->uri, &b);

			if (r != PARSE_DONE)
				return r;
		}
		t->name = names_find(p->names, t->local);
		t->ns = b.ns;
		t->uri = b.uri;
		for (uint32_t j = first; j < i; j++) {
			if (is_same_attribute(&p->tokens->v[j], t))
				return malformed(p, "An attribute stands twice in one tag");
		}
	}
	return PARSE_DONE;
}

/* Row 7 of the checklist: nothing of the streams namespace may hide inside a stanza. */
static enum parse_result
check_element_ns(struct parser *p, xml_name ns)
{
	if (ns == NS_ID_STREAMS && p->depth > 0)
		return parse_fail(p, XML_INVALID_NAMESPACE,
			"An element of the streams namespace stands inside a stanza");
	return PARSE_DONE;
}

static enum parse_result
open_element(struct parser *p, const char *tag, struct slice prefix, uint32_t index)
{
	struct xml_token *t = &p->tokens->v[index];
	struct open_element *open = &p->work->open[p->depth];
	struct binding b;
	enum parse_result r;

	open->token = index;
	open->qname = slice_make(tag, (size_t)(t->local.p + t->local.len - tag));
	p->depth++;
	r = resolve(p, prefix, &b);
	if (r == PARSE_DONE)
		r = resolve_attributes(p, index + 1);
	if (r != PARSE_DONE)
		return r;
	p->depth--;
	r = check_element_ns(p, b.ns);
	p->depth++;
	t->name = names_find(p->names, t->local);
	t->ns = b.ns;
	t->uri = b.uri;
	/* The content's default namespace must be what the new start tag will have. */
	if (p->depth == 1 && !p->in_header) {
		struct binding def;

		if (resolve(p, SLICE(""), &def) == PARSE_DONE && def.ns != NS_ID_CLIENT)
			p->verbatim = false;
	}
	return r;
}

/* p->at stands behind '<'. *empty_out: the tag was <x/>. */
static enum parse_result
parse_start_tag(struct parser *p, bool *empty_out)
{
	const char *tag = p->at;
	uint32_t index = p->tokens->count;
	struct slice prefix, local;
	unsigned bindings = p->binding_count, count;
	enum parse_result r;

	if (p->depth == p->limits->depth)
		return parse_fail(p, XML_LIMIT, "Elements are nested too deeply");
	if (++p->elements > p->limits->elements)
		return parse_fail(p, XML_LIMIT, "A stanza has too many elements");
	r = parse_qname(p, &prefix, &local);
	if (r != PARSE_DONE)
		return r;
	if (!is_space(*p->at) && *p->at != '/' && *p->at != '>')
		return malformed(p, "A tag's name is followed by a wrong character");
	add_token(p, XML_ELEMENT)->local = local;
	p->work->open[p->depth].bindings = bindings;
	p->depth++;
	r = parse_attributes(p, &count);
	p->depth--;
	if (r != PARSE_DONE)
		return r;
	p->tokens->v[index].attributes = (uint16_t)(p->tokens->count - index - 1);
	*empty_out = *p->at == '/';
	p->at++;
	if (*empty_out && p->at == p->end)
		return PARSE_MORE;
	if (*empty_out && *p->at++ != '>')
		return malformed(p, "A slash in a tag is not followed by its end");
	r = open_element(p, tag, prefix, index);
	p->work->open[p->depth - 1].content = p->at;
	return r;
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
		return malformed(p, "An end tag does not match its start tag");
	if (there <= qname.len)
		return PARSE_MORE;
	p->at += qname.len;
	skip_space(p);
	if (p->at == p->end)
		return PARSE_MORE;
	if (*p->at++ != '>')
		return malformed(p, "An end tag does not match its start tag");
	close_element(p, content_end);
	return PARSE_DONE;
}

static enum parse_result
parse_content_text(struct parser *p)
{
	struct slice text;
	enum parse_result r;

	if (p->at < p->end && *p->at == '<')
		return PARSE_DONE;
	r = parse_text(p, &text);
	if (r == PARSE_DONE)
		add_token(p, XML_TEXT)->value = text;
	return r;
}

/* p->at stands on "<!". */
static enum parse_result
parse_cdata_section(struct parser *p)
{
	static const char opening[] = "<![CDATA[";
	size_t there = (size_t)(p->end - p->at);
	struct slice text;
	enum parse_result r;

	if (memcmp(p->at, opening, there < 9 ? there : 9) != 0)
		return parse_fail(p, XML_RESTRICTED, NULL);
	if (there < 9)
		return PARSE_MORE;
	p->at += 9;
	p->verbatim = false;
	r = parse_cdata(p, &text);
	if (r == PARSE_DONE && text.len > 0)
		add_token(p, XML_TEXT)->value = text;
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
		return parse_end_tag(p);
	case '!':
		return parse_cdata_section(p);
	case '?':
		return parse_fail(p, XML_RESTRICTED, NULL);
	default:
		p->at++;
		r = parse_start_tag(p, &empty);
		if (r == PARSE_DONE && empty)
			close_element(p, p->at);
		return r;
	}
}

static void
begin(struct parser *p)
{
	if (p->tokens->work == NULL)
		p->tokens->work = xmalloc(sizeof(*p->tokens->work));
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
		return parse_fail(p, XML_RESTRICTED, NULL);
	p->at++;
	r = parse_start_tag(p, &empty);
	if (r == PARSE_DONE && empty)
		return malformed(p, "The stream's header is an empty element");
	if (r == PARSE_DONE)
		(void)add_token(p, XML_END);
	return r;
}
