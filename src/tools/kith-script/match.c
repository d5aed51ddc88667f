/*
 * Both sides are scanned alone, with jabber:client as the default namespace. Children come in any
 * order, and with holes an expected child may fit several of them: which one takes which is a
 * matching in a bipartite graph, found by augmenting paths, so a child that took what another
 * one needs gives it back. First it is known that everything fits; then captures are taken.
 */
#include "tools/kith-script/match.h"

#include "xml/scanner.h"

#define MORE_ATTRIBUTES " more.='...'"

enum { TEXT_MOST = 1 << 20 };

struct doc {
	struct xml_tokens tokens;
	struct arena arena;
};

/* " {...}" in a tag is no XML; an attribute stands for it. */
static void
mark_more(struct slice text, struct buffer *out)
{
	static const struct slice more = { " {...}", 6 };
	bool in_tag = false;

	for (; text.len > 0; text = slice_from(text, 1)) {
		if (text.p[0] == '<' || text.p[0] == '>')
			in_tag = text.p[0] == '<';
		if (in_tag && slice_starts(text, more)) {
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

/* The name in "{name=any}"; p NULL: it is no capture. */
static struct slice
captured_name(struct slice expected)
{
	static const char tail[] = "=any}";
	size_t tail_len = sizeof(tail) - 1;

	if (expected.len <= tail_len + 1 || expected.p[0] != '{' ||
		!slice_is_text(slice_from(expected, expected.len - tail_len), tail))
		return NO_SLICE;
	return slice_make(expected.p + 1, expected.len - tail_len - 1);
}

static bool
fits_value(struct slice expected, struct slice came)
{
	return slice_is_text(expected, "{any}") || captured_name(expected).p != NULL ||
	       slice_is(expected, came);
}

static void
capture_value(struct slice expected, struct slice came, struct variables *vars)
{
	struct slice name = captured_name(expected);

	if (name.p != NULL)
		variables_set(vars, name, came);
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
fits_attributes(const struct xml_token *expected, const struct xml_token *came)
{
	bool more = false;
	unsigned wanted = 0;

	for (unsigned i = 1; i <= expected->attributes; i++) {
		if (slice_is_text(expected[i].local, "more.")) {
			more = true;
			continue;
		}
		const struct xml_token *other = find_attribute(came, &expected[i]);
		if (other == NULL || !fits_value(expected[i].value, other->value))
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

/* A hole is all the text there is; between children it comes in pieces. */
static bool
is_hole(struct slice text)
{
	static const struct slice dots = { "...", 3 }, ellipsis = { "…", 3 };
	bool found = false;

	for (text = trim(text); text.len > 0; text = trim(slice_from(text, 3))) {
		if (!slice_starts(text, dots) && !slice_starts(text, ellipsis))
			return false;
		found = true;
	}
	return found;
}

/* The children of both sides, and which came child each expected one has taken. */
struct pairing {
	const struct xml_token **wanted, **came;
	size_t wanted_count, came_count;
	bool *fits;    /* wanted_count rows of came_count */
	size_t *owner; /* of each that came: the wanted one's number + 1; 0: nobody's */
	bool *seen;    /* those that came, in the search of a path */
};

static size_t
list_children(
	const struct xml_token *element, struct arena *arena, const struct xml_token ***list_out)
{
	size_t count = 0;

	for (const struct xml_token *c = xml_first_child(element); c != NULL;
		c = xml_next_sibling(c))
		count++;
	*list_out = arena_array(arena, count + 1, const struct xml_token *);
	count = 0;
	for (const struct xml_token *c = xml_first_child(element); c != NULL;
		c = xml_next_sibling(c))
		(*list_out)[count++] = c;
	return count;
}

/* Whether the attribute's bare address is that. */
static bool
is_bare_of(const struct xml_token *element, const char *name, struct slice bare)
{
	for (unsigned i = 1; i <= element->attributes; i++) {
		struct slice value = element[i].value;

		if (!slice_is_text(element[i].local, name) || element[i].uri.len > 0)
			continue;
		value.len = slice_find(value, '/');
		return slice_is(value, bare);
	}
	return false;
}

/* The id by which an archive of one of the two sides has the message (XEP-0313, 3.3). */
static bool
is_archive_id(const struct xml_token *parent, const struct xml_token *child)
{
	if (!slice_is_text(parent->local, "message") || !slice_is_text(child->local, "stanza-id"))
		return false;
	for (unsigned i = 1; i <= child->attributes; i++) {
		if (slice_is_text(child[i].local, "by"))
			return is_bare_of(parent, "to", child[i].value) ||
			       is_bare_of(parent, "from", child[i].value);
	}
	return false;
}

/* One of these may come without being expected: what is archived is no matter of most tests. */
static size_t
has_silent_id(const struct pairing *p, const struct xml_token *parent)
{
	for (size_t i = 0; i < p->came_count; i++) {
		if (p->owner[i] == 0 && is_archive_id(parent, p->came[i]))
			return 1;
	}
	return 0;
}

/* The rest recurses as deep as the scanner lets elements be. NOLINTBEGIN(misc-no-recursion) */
static bool fits_element(
	const struct xml_token *expected, const struct xml_token *came, struct arena *arena);

/* A free child for the wanted one; who has it already may find another. */
static bool
find_place(struct pairing *p, size_t wanted)
{
	for (size_t i = 0; i < p->came_count; i++) {
		if (!p->fits[wanted * p->came_count + i] || p->seen[i])
			continue;
		p->seen[i] = true;
		if (p->owner[i] == 0 || find_place(p, p->owner[i] - 1)) {
			p->owner[i] = wanted + 1;
			return true;
		}
	}
	return false;
}

static bool
pair_children(struct pairing *p, const struct xml_token *expected, const struct xml_token *came,
	struct arena *arena)
{
	p->wanted_count = list_children(expected, arena, &p->wanted);
	p->came_count = list_children(came, arena, &p->came);
	p->fits = arena_array(arena, size_mul(p->wanted_count, p->came_count) + 1, bool);
	p->owner = arena_array(arena, p->came_count + 1, size_t);
	p->seen = arena_array(arena, p->came_count + 1, bool);
	for (size_t i = 0; i < p->wanted_count; i++) {
		for (size_t j = 0; j < p->came_count; j++)
			p->fits[i * p->came_count + j] = fits_element(
				p->wanted[i], p->came[j], arena);
	}
	for (size_t i = 0; i < p->wanted_count; i++) {
		memset(p->seen, 0, p->came_count * sizeof(p->seen[0]));
		if (!find_place(p, i))
			return false;
	}
	return true;
}

static bool
fits_element(const struct xml_token *expected, const struct xml_token *came, struct arena *arena)
{
	struct slice text = trim(xml_text(expected, arena));
	bool hole = is_hole(text);
	struct pairing pairing;

	return slice_is(expected->local, came->local) && slice_is(expected->uri, came->uri) &&
	       fits_attributes(expected, came) &&
	       (hole || fits_value(text, trim(xml_text(came, arena)))) &&
	       pair_children(&pairing, expected, came, arena) &&
	       (hole || pairing.came_count - pairing.wanted_count <= has_silent_id(&pairing, came));
}

/* The two fit. */
static void
capture(const struct xml_token *expected, const struct xml_token *came, struct arena *arena,
	struct variables *vars)
{
	struct pairing pairing;

	for (unsigned i = 1; i <= expected->attributes; i++) {
		const struct xml_token *other = find_attribute(came, &expected[i]);

		if (other != NULL)
			capture_value(expected[i].value, other->value, vars);
	}
	capture_value(trim(xml_text(expected, arena)), trim(xml_text(came, arena)), vars);
	(void)pair_children(&pairing, expected, came, arena);
	for (size_t i = 0; i < pairing.came_count; i++) {
		if (pairing.owner[i] != 0)
			capture(pairing.wanted[pairing.owner[i] - 1], pairing.came[i], arena, vars);
	}
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
		    fits_element(a.tokens.v, b.tokens.v, &b.arena);
	if (fits)
		capture(a.tokens.v, b.tokens.v, &b.arena, vars);
	doc_finish(&a);
	doc_finish(&b);
	buffer_finish(&marked);
	return fits;
}
