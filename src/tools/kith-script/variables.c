/* A short list: a scenario knows a dozen names. */
#include "tools/kith-script/variables.h"

#include "xml/writer.h"

#include <ctype.h>
#include <stdlib.h>

enum { TIMES_MOST = 1 << 20 };

static struct variable *
find(const struct variables *vars, struct slice name)
{
	for (size_t i = 0; i < vars->count; i++) {
		if (slice_is_text(name, vars->v[i].name))
			return &vars->v[i];
	}
	return NULL;
}

void
variables_set(struct variables *vars, struct slice name, struct slice value)
{
	struct variable *old = find(vars, name);
	char *copy = xstrndup(value.p == NULL ? "" : value.p, value.len);

	if (old != NULL) {
		free(old->value);
		old->value = copy;
		return;
	}
	vars->v = xrealloc(vars->v, size_mul(vars->count + 1, sizeof(vars->v[0])));
	vars->v[vars->count++] = (struct variable){ xstrndup(name.p, name.len), copy };
}

struct slice
variables_get(const struct variables *vars, struct slice name)
{
	const struct variable *found = find(vars, name);

	return found == NULL ? NO_SLICE : slice_of(found->value);
}

void
variables_finish(struct variables *vars)
{
	for (size_t i = 0; i < vars->count; i++) {
		free(vars->v[i].name);
		free(vars->v[i].value);
	}
	free(vars->v);
	*vars = (struct variables){ 0 };
}

/* "3 times ab" */
static bool
fill_times(struct slice inside, struct buffer *out)
{
	static const struct slice times = { " times ", 7 };
	size_t space = slice_find(inside, ' ');
	uint64_t count;

	if (slice_to_uint(slice_make(inside.p, space), TIMES_MOST, &count) < 0 ||
		!slice_starts(slice_from(inside, space), times))
		return false;
	while (count-- > 0)
		(void)buffer_append(out, slice_from(inside, space + times.len));
	return true;
}

/* "byte ff" */
static bool
fill_byte(struct slice inside, struct buffer *out)
{
	static const struct slice byte = { "byte ", 5 };
	char digits[3] = "", value;

	if (!slice_starts(inside, byte) || inside.len != byte.len + 2)
		return false;
	memcpy(digits, inside.p + byte.len, 2);
	if (!isxdigit((unsigned char)digits[0]) || !isxdigit((unsigned char)digits[1]))
		return false;
	value = (char)strtoul(digits, NULL, 16);
	(void)buffer_append(out, slice_make(&value, 1));
	return true;
}

static bool
fill_value(const struct variables *vars, struct slice name, struct buffer *out)
{
	struct slice value = variables_get(vars, name);

	if (value.p == NULL)
		return false;
	xml_write_value(out, value);
	return true;
}

void
variables_fill(const struct variables *vars, struct slice text, struct buffer *out)
{
	while (text.len > 0) {
		size_t open = slice_find(text, '{');

		(void)buffer_append(out, slice_make(text.p, open));
		text = slice_from(text, open);
		size_t close = slice_find(text, '}');
		if (close == text.len)
			break;
		struct slice inside = slice_make(text.p + 1, close - 1);
		if (!fill_value(vars, inside, out) && !fill_times(inside, out) &&
			!fill_byte(inside, out))
			(void)buffer_append(out, slice_make(text.p, close + 1));
		text = slice_from(text, close + 1);
	}
	(void)buffer_append(out, text);
}
