/*
 * Both sides are scanned alone, with jabber:client as the default namespace. Children are taken in
 * any order: each expected child takes the first free one that fits. Captures of a try that failed
 * are forgotten.
 */
#include "tools/kith-script/match.h"

#include "xml/scanner.h"
#include "xml/writer.h"

#include <stdlib.h>

#define MORE_ATTRIBUTES " more.='...'"

enum { CHILDREN_MOST = 1024, TEXT_MOST = 1 << 20 };

struct doc {
	struct xml_tokens tokens;
	struct arena arena;
};

void
variables_set(struct variables *vars, struct slice name, struct slice value)
{
	for (size_t i = 0; i < vars->count; i++) {
		if (slice_is_text(name, vars->v[i].name)) {
			free(vars->v[i].value);
			vars->v[i].value = xstrndup(value.p == NULL ? "" : value.p, value.len);
			return;
		}
	}
	vars->v = xrealloc(vars->v, size_mul(vars->count + 1, sizeof(vars->v[0])));
	vars->v[vars->count].name = xstrndup(name.p, name.len);
	vars->v[vars->count++].value = xstrndup(value.p == NULL ? "" : value.p, value.len);
}

struct slice
variables_get(const struct variables *vars, struct slice name)
{
	for (size_t i = 0; i < vars->count; i++) {
		if (slice_is_text(name, vars->v[i].name))
			return slice_of(vars->v[i].value);
	}
	return NO_SLICE;
}

static void
forget_after(struct variables *vars, size_t count)
{
	while (vars->count > count) {
		vars->count--;
		free(vars->v[vars->count].name);
		free(vars->v[vars->count].value);
	}
}

void
variables_finish(struct variables *vars)
{
	forget_after(vars, 0);
	free(vars->v);
	*vars = (struct variables){ 0 };
}

void
variables_fill(const struct variables *vars, struct slice text, struct buffer *out)
{
	while (text.len > 0) {
		size_t open = slice_find(text, '{');

		(void)buffer_append(out, slice_make(text.p, open));
		text = slice_from(text, open);
		size_t close = slice_find(text, '}');
		if (close >= text.len) {
			(void)buffer_append(out, text);
			return;
		}
		struct slice value = variables_get(vars, slice_make(text.p + 1, close - 1));
		if (value.p != NULL)
			xml_write_value(out, value);
		else
			(void)buffer_append(out, slice_make(text.p, close + 1));
		text = slice_from(text, close + 1);
	}
}

/* " {...}" is no XML; an attribute stands for it. */
static void
mark_more(struct slice text, struct buffer *out)
{
	static const struct slice more = { " {...}", 6 };

	for (; text.len > 0; text = slice_from(text, 1)) {
		if (slice_starts(text, more)) {
			(void)buffer_text(out, MORE_ATTRIBUTES);
			text = slice_from(text, more.len - 1);
		} else {
			(void)buffer_append(out, slice_make(text.p, 1));
		}
	}
}

static const char *
doc_read(struct doc *doc, const struct names *names, struct slice text)
{
	const char *why = NULL;

	xml_tokens_init(&doc->tokens);
	arena_init(&doc->arena, 0);
	return xml_read(names, &xml_limits_own, NS_ID_CLIENT, text, &doc->tokens, &doc->arena,
		       &why) < 0
		       ? why
		       : NULL;
}

static void
doc_finish(struct doc *doc)
{
	xml_tokens_finish(&doc->tokens);
	arena_finish(&doc->arena);
}

static bool
match_value(struct slice expected, struct slice came, struct variables *vars)
{
	static const char tail[] = "=any}";
	size_t tail_len = sizeof(tail) - 1;

	if (slice_is_text(expected, "{any}"))
		return true;
	if (expected.len > tail_len + 1 && expected.p[0] == '{' &&
		slice_is_text(slice_from(expected, expected.len - tail_len), tail)) {
		variables_set(vars, slice_make(expected.p + 1, expected.len - tail_len - 1), came);
		return true;
	}
	return slice_is(expected, came);
}

static const struct xml_token *
find_attribute(const struct xml_token *element, const struct xml_token *wanted)
{
	for (unsigned i = 1; i <= element->attributes; i++) {
		if (slice_is(element[i].local, wanted->local) &&
			slice_is(element[i].uri, wanted->uri))
			return &element[i];
	}
	return NULL;
}

static bool
match_attributes(
	const struct xml_token *expected, const struct xml_token *came, struct variables *vars)
{
	bool more = false;
	unsigned wanted = 0;

	for (unsigned i = 1; i <= expected->attributes; i++) {
		if (slice_is_text(expected[i].local, "more.")) {
			more = true;
			continue;
		}
		const struct xml_token *other = find_attribute(came, &expected[i]);
		if (other == NULL || !match_value(expected[i].value, other->value, vars))
			return false;
		wanted++;
	}
	return more || wanted == came->attributes;
}

static struct slice
trim(struct slice s)
{
	while (s.len > 0 && strchr(" \t\n", s.p[0]) != NULL)
		s = slice_from(s, 1);
	while (s.len > 0 && strchr(" \t\n", s.p[s.len - 1]) != NULL)
		s.len--;
	return s;
}

/* As deep as the scanner lets an element be. NOLINTBEGIN(misc-no-recursion) */
static bool match_element(const struct xml_token *expected, const struct xml_token *came,
	struct arena *arena, struct variables *vars);

/* Takes a free child that fits. */
static bool
take_child(const struct xml_token *wanted, const struct xml_token *came, bool *taken,
	struct arena *arena, struct variables *vars)
{
	const struct xml_token *child = xml_first_child(came);

	for (size_t i = 0; child != NULL && i < CHILDREN_MOST; i++) {
		if (!taken[i] && match_element(wanted, child, arena, vars)) {
			taken[i] = true;
			return true;
		}
		child = xml_next_sibling(child);
	}
	return false;
}

static size_t
count_children(const struct xml_token *element)
{
	size_t count = 0;

	for (const struct xml_token *c = xml_first_child(element); c != NULL;
		c = xml_next_sibling(c))
		count++;
	return count;
}

static bool
match_children(const struct xml_token *expected, const struct xml_token *came, bool more,
	struct arena *arena, struct variables *vars)
{
	bool *taken = arena_array(arena, CHILDREN_MOST, bool);
	size_t count = 0;

	for (const struct xml_token *c = xml_first_child(expected); c != NULL;
		c = xml_next_sibling(c)) {
		if (!take_child(c, came, taken, arena, vars))
			return false;
		count++;
	}
	return more || count == count_children(came);
}

/* A hole among children is pieces of text; all that counts is that there is one. */
static bool
has_hole(struct slice text)
{
	for (; text.len > 0; text = slice_from(text, 1)) {
		if (slice_starts(text, SLICE("…")) || slice_starts(text, SLICE("...")))
			return true;
	}
	return false;
}

static bool
match_element(const struct xml_token *expected, const struct xml_token *came, struct arena *arena,
	struct variables *vars)
{
	size_t known = vars->count;
	struct slice text = trim(xml_text(expected, arena));
	bool hole = has_hole(text);

	if (slice_is(expected->local, came->local) && slice_is(expected->uri, came->uri) &&
		match_attributes(expected, came, vars) &&
		(hole || match_value(text, trim(xml_text(came, arena)), vars)) &&
		match_children(expected, came, hole, arena, vars))
		return true;
	forget_after(vars, known);
	return false;
}
/* NOLINTEND(misc-no-recursion) */

const char *
match_check(const struct names *names, struct slice expected)
{
	struct buffer marked;
	struct doc doc;

	buffer_init(&marked, TEXT_MOST);
	mark_more(expected, &marked);
	const char *why = doc_read(&doc, names, buffer_slice(&marked));
	doc_finish(&doc);
	buffer_finish(&marked);
	return why;
}

bool
match(const struct names *names, struct slice expected, struct slice came, struct variables *vars)
{
	struct buffer marked;
	struct doc a, b;

	buffer_init(&marked, TEXT_MOST);
	mark_more(expected, &marked);
	bool read_a = doc_read(&a, names, buffer_slice(&marked)) == NULL;
	bool fits = doc_read(&b, names, came) == NULL && read_a &&
		    match_element(a.tokens.v, b.tokens.v, &b.arena, vars);
	doc_finish(&a);
	doc_finish(&b);
	buffer_finish(&marked);
	return fits;
}
