/*
 * Compares what came with what a scenario expects. Namespaces count, prefixes and the order of
 * children and attributes do not. In what is expected, an attribute or text may be {any},
 * {name=any} captures it, and {name} stands for what is known under that name; {...} among the
 * attributes, "..." or "…" as text allow more attributes or children than are written.
 */
#ifndef TOOLS_KITH_SCRIPT_MATCH_H
#define TOOLS_KITH_SCRIPT_MATCH_H

#include "base/buffer.h"
#include "xml/tokens.h"

struct variable {
	char *name, *value;
};

/* Owns its texts; zeroed at first. */
struct variables {
	struct variable *v;
	size_t count;
};

void variables_set(struct variables *vars, struct slice name, struct slice value);
/* p NULL: not known. */
struct slice variables_get(const struct variables *vars, struct slice name);
void variables_finish(struct variables *vars);

/* Appends the text with the known {name}s replaced, as XML values; others stay. */
void variables_fill(const struct variables *vars, struct slice text, struct buffer *out);

/* Whether it fits; only then *vars has what was captured. text is what variables_fill gave. */
bool match(const struct names *names, struct slice expected, struct slice came,
	struct variables *vars);

/* NULL, or why the text cannot be an expectation: it is not XML. */
const char *match_check(const struct names *names, struct slice expected);

#endif
