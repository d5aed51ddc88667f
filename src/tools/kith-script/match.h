/*
 * Compares what came with what a scenario expects. Namespaces count; prefixes, the order of
 * children and attributes, and white space around text do not. In what is expected, an attribute
 * or text may be {any}, and {name=any} captures it; {...} among the attributes, and "..." or "…"
 * as the whole text of an element, allow more attributes or children than are written. A message
 * may have one id of an archive of its recipient or sender that is not written.
 */
#ifndef TOOLS_KITH_SCRIPT_MATCH_H
#define TOOLS_KITH_SCRIPT_MATCH_H

#include "tools/kith-script/variables.h"
#include "xml/tokens.h"

/* Whether it fits; only then *vars has what was captured. text is what variables_fill gave. */
bool match(const struct names *names, struct slice expected, struct slice came,
	struct variables *vars);

/* NULL, or why the text cannot be an expectation: it is not XML. */
const char *match_check(const struct names *names, struct slice expected);

#endif
