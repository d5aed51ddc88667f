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
	const struct xml_token *t = element + 1 + element->attributes;
	struct slice whole = SLICE("");

	for (; t->kind != XML_END; t += t->span) {
		char *joined;

		if (t->kind != XML_TEXT)
			continue;
		if (whole.len == 0) {
			whole = t->value;
			continue;
		}
		joined = arena_alloc(arena, size_add(whole.len, t->value.len));
		memcpy(joined, whole.p, whole.len);
		memcpy(joined + whole.len, t->value.p, t->value.len);
		whole = slice_make(joined, whole.len + t->value.len);
	}
	return whole;
}
