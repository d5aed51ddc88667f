/*
 * What a scenario knows by name: addresses of its sessions and what it captured. A text of the
 * scenario is filled in before it is sent or compared.
 */
#ifndef TOOLS_KITH_SCRIPT_VARIABLES_H
#define TOOLS_KITH_SCRIPT_VARIABLES_H

#include "base/buffer.h"

struct variable {
	char *name, *value;
};

/* Owns its texts; zeroed at first. */
struct variables {
	struct variable *v;
	size_t count;
};

/* Both are copied. */
void variables_set(struct variables *vars, struct slice name, struct slice value);
/* p NULL: not known. */
struct slice variables_get(const struct variables *vars, struct slice name);
void variables_finish(struct variables *vars);

/*
 * Appends the text with what stands in braces replaced: the known {name}s as XML values,
 * {3 times ab} by ababab, {byte ff} by that byte. Other braces stay as they are.
 */
void variables_fill(const struct variables *vars, struct slice text, struct buffer *out);

#endif
