/*
 * Namespaces in XML 1.0. Declarations are a stack, searched from its top: a stanza has few. What
 * no element of the stanza declares comes from the stream's header.
 */
#include "xml/parse_ns.h"

/* Namespaces in XML 1.0, 3: what may be bound to what. */
static enum parse_result
check_binding(struct parser *p, const struct binding *b)
{
	bool is_xml = slice_is_text(b->prefix, "xml");

	if (slice_is_text(b->prefix, "xmlns") || b->ns == NS_ID_XMLNS)
		return parse_malformed(p, "The prefix xmlns cannot be declared");
	if (is_xml != (b->ns == NS_ID_XML))
		return parse_malformed(
			p, "The prefix xml belongs to one namespace, and that to it");
	if (b->prefix.len > 0 && b->uri.len == 0)
		return parse_malformed(p, "A prefix cannot be undeclared");
	return PARSE_DONE;
}

enum parse_result
parse_binding(struct parser *p, struct slice prefix, struct slice uri)
{
	unsigned outside = p->work->open[p->depth - 1].bindings;
	struct binding *b = &p->work->bindings[p->binding_count];

	if (p->binding_count == XML_BINDINGS_MOST ||
		p->binding_count - outside == p->limits->declarations)
		return parse_fail(p, XML_LIMIT, "Too many namespaces are declared");
	if (uri.len > p->limits->ns_bytes)
		return parse_fail(p, XML_LIMIT, "A namespace is too long");
	for (unsigned i = outside; i < p->binding_count; i++) {
		if (slice_is(p->work->bindings[i].prefix, prefix))
			return parse_malformed(p, "A namespace prefix is declared twice");
	}
	*b = (struct binding){ prefix, uri, names_find(p->names, uri) };
	p->binding_count++;
	return check_binding(p, b);
}

static bool
set_ns(struct xml_token *t, struct slice uri, xml_name ns)
{
	t->uri = uri;
	t->ns = ns;
	return true;
}

/* Where the prefixes come from that no element of this stanza declared. */
static bool
find_outside(const struct parser *p, struct slice prefix, struct xml_token *t)
{
	for (unsigned i = 0; p->context != NULL && i < p->context->count; i++) {
		const struct binding *b = &p->context->bindings[i];

		if (slice_is(b->prefix, prefix))
			return set_ns(t, b->uri, b->ns);
	}
	if (prefix.len == 0)
		return set_ns(t, names_text(p->names, p->content_ns), p->content_ns);
	if (p->in_stream && slice_is_text(prefix, "stream"))
		return set_ns(t, names_text(p->names, NS_ID_STREAMS), NS_ID_STREAMS);
	return false;
}

static const struct binding *
find_inside(const struct parser *p, struct slice prefix)
{
	for (unsigned i = p->binding_count; i-- > 0;) {
		if (slice_is(p->work->bindings[i].prefix, prefix))
			return &p->work->bindings[i];
	}
	return NULL;
}

/*
 * Whether the prefix is still declared where only the content is forwarded: the top element's
 * start tag is written anew, so its declarations are lost.
 */
static bool
is_in_content(const struct parser *p, const struct binding *b)
{
	return b != NULL && p->depth > 1 && b >= &p->work->bindings[p->work->open[1].bindings];
}

enum parse_result
parse_resolve(struct parser *p, struct slice prefix, struct xml_token *t)
{
	const struct binding *b;

	if (slice_is_text(prefix, "xml")) {
		(void)set_ns(t, names_text(p->names, NS_ID_XML), NS_ID_XML);
		return PARSE_DONE;
	}
	b = find_inside(p, prefix);
	if (prefix.len > 0 && !is_in_content(p, b))
		p->verbatim = false;
	if (b != NULL)
		(void)set_ns(t, b->uri, b->ns);
	else if (!find_outside(p, prefix, t))
		return parse_malformed(p, "A namespace prefix is not declared");
	return PARSE_DONE;
}

xml_name
parse_default_ns(struct parser *p)
{
	struct xml_token none;

	(void)parse_resolve(p, SLICE(""), &none);
	return none.ns;
}

/* Only names that nobody knows are compared as text. */
static bool
is_same_attribute(const struct xml_token *a, const struct xml_token *b)
{
	return a->name == b->name && a->ns == b->ns &&
	       (a->name != 0 || slice_is(a->local, b->local)) &&
	       (a->ns != 0 || slice_is(a->uri, b->uri));
}

/* See limits.h: the innermost element as the writer would write it, with its own declaration. */
static enum parse_result
count_written(struct parser *p, unsigned attributes, unsigned prefixed)
{
	unsigned outside = p->depth > 1 ? p->work->open[p->depth - 2].written : 0;
	unsigned declarations = prefixed + 1;

	p->work->open[p->depth - 1].written = outside + declarations;
	if (attributes + declarations > p->limits->attributes)
		return parse_fail(p, XML_LIMIT, "An element has too many attributes");
	if (declarations > p->limits->declarations || outside + declarations > XML_BINDINGS_MOST)
		return parse_fail(p, XML_LIMIT, "Too many attributes have prefixes");
	return PARSE_DONE;
}

static bool
is_repeated(const struct parser *p, uint32_t first, uint32_t index)
{
	for (uint32_t i = first; i < index; i++) {
		if (is_same_attribute(&p->tokens->v[i], &p->tokens->v[index]))
			return true;
	}
	return false;
}

enum parse_result
parse_resolve_attributes(struct parser *p, uint32_t first)
{
	unsigned prefixed = 0;

	for (uint32_t i = first; i < p->tokens->count; i++) {
		struct xml_token *t = &p->tokens->v[i];

		t->name = names_find(p->names, t->local);
		if (t->uri.len > 0) {
			enum parse_result r = parse_resolve(p, t->uri, t);

			if (r != PARSE_DONE)
				return r;
			prefixed += t->ns != NS_ID_XML;
		}
		if (is_repeated(p, first, i))
			return parse_malformed(p, "An attribute stands twice in one tag");
	}
	return count_written(p, p->tokens->count - first, prefixed);
}
