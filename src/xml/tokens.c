/* Walking tokens. */
#include "xml/tokens.h"

#include <stdlib.h>

void
xml_tokens_init(struct xml_tokens *tokens)
{
	*tokens = (struct xml_tokens){ 0 };
}

void
xml_tokens_finish(struct xml_tokens *tokens)
{
	free(tokens->v);
	free(tokens->work);
	xml_tokens_init(tokens);
}

static const struct xml_token *
element_from(const struct xml_token *t)
{
	while (t->kind == XML_TEXT)
		t++;
	return t->kind == XML_ELEMENT ? t : NULL;
}

const struct xml_token *
xml_first_child(const struct xml_token *element)
{
	return element_from(element + 1 + element->attributes);
}

const struct xml_token *
xml_next_sibling(const struct xml_token *element)
{
	return element_from(element + element->span);
}

const struct xml_token *
xml_child(const struct xml_token *element, xml_name ns, xml_name name)
{
	const struct xml_token *c = xml_first_child(element);

	while (c != NULL && (c->name != name || c->ns != ns))
		c = xml_next_sibling(c);
	return c;
}

struct slice
xml_attribute_ns(const struct xml_token *element, xml_name ns, xml_name name)
{
	for (unsigned i = 1; i <= element->attributes; i++) {
		if (element[i].name == name && element[i].ns == ns &&
			(ns != 0 || element[i].uri.len == 0))
			return element[i].value;
	}
	return NO_SLICE;
}

struct slice
xml_attribute(const struct xml_token *element, xml_name name)
{
	return xml_attribute_ns(element, 0, name);
}

struct slice
xml_text(const struct xml_token *element, struct arena *arena)
{
	const struct xml_token *first = element + 1 + element->attributes, *t;
	struct slice only = SLICE("");
	size_t len = 0, pieces = 0;
	char *joined, *to;

	for (t = first; t->kind != XML_END; t += t->span) {
		if (t->kind != XML_TEXT)
			continue;
		only = t->value;
		len = size_add(len, only.len);
		pieces++;
	}
	if (pieces <= 1)
		return only;
	to = joined = arena_alloc(arena, len);
	for (t = first; t->kind != XML_END; t += t->span) {
		if (t->kind == XML_TEXT && t->value.len > 0)
			to = mempcpy(to, t->value.p, t->value.len);
	}
	return slice_make(joined, len);
}

struct slice
xml_raw(const struct xml_token *element)
{
	const char *start = element->local.p, *end = element->content.p;

	/* A name holds no '<'; only an empty tag has a slash before its end. */
	while (*start != '<')
		start--;
	if (end[-2] != '/') {
		end += element->content.len;
		while (*end++ != '>')
			;
	}
	return slice_make(start, (size_t)(end - start));
}
