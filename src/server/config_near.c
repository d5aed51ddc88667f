/* Help for mistyped keys: the one that needs the fewest letters changed. */
#include "server/config.h"

enum { NEAR = 5, MOST = 64 };

/* How many letters must change to make b of a; at most 64 letters each are looked at. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[MOST + 1];
	size_t n = strnlen(b, MOST);

	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; i <= MOST && a[i - 1] != '\0'; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			unsigned up = row[j], best = diagonal + (a[i - 1] != b[j - 1]);

			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = up;
			row[j] = best;
		}
	}
	return row[n];
}

/* Whether the candidate is nearer than what was found before; best counts down. */
static bool
is_nearer(const char *typed, const char *candidate, unsigned *best)
{
	unsigned d = distance(typed, candidate);

	/* Of a short word all letters would change to any other. */
	if (d >= *best || d * 2 > strlen(candidate))
		return false;
	*best = d;
	return true;
}

const struct option *
config_nearest(const struct option_section *sections, struct slice key, const char **section_out)
{
	const struct option *near = NULL;
	unsigned best = NEAR;
	char typed[MOST + 1], full[MOST + 1];

	(void)snprintf(typed, sizeof(typed), "%.*s", SLICE_ARG(key));
	for (; sections->name != NULL; sections++) {
		const struct option *option = sections->options;

		for (; option != NULL && option->key != NULL; option++) {
			(void)snprintf(full, sizeof(full), "%s.%s", sections->name, option->key);
			if (is_nearer(typed, full, &best)) {
				near = option;
				*section_out = sections->name;
			}
		}
	}
	return near;
}

static bool
suggest_section(const struct option_section *sections, const char *typed, char *out, size_t size)
{
	const char *near = NULL;
	unsigned best = NEAR;

	for (; sections->name != NULL; sections++) {
		if (is_nearer(typed, sections->name, &best))
			near = sections->name;
	}
	if (is_nearer(typed, "host", &best))
		near = "host";
	if (near != NULL)
		(void)snprintf(out, size, "did you mean '%s'?", near);
	return near != NULL;
}

/* The option of that key in whichever section has it. */
static bool
suggest_key(const struct option_section *sections, const char *typed, char *out, size_t size)
{
	unsigned best = NEAR;

	for (; sections->name != NULL; sections++) {
		const struct option *option = sections->options;

		for (; option != NULL && option->key != NULL; option++) {
			if (is_nearer(typed, option->key, &best))
				(void)snprintf(out, size, "did you mean %s { %s = ... }?",
					sections->name, option->key);
		}
	}
	return best < NEAR;
}

void
config_suggest(const struct option_section *sections, const char *section, const char *typed,
	char *out, size_t size)
{
	char full[MOST + 1];
	const char *near_section = NULL;
	const struct option *near;

	(void)snprintf(out, size, "kithd --dump-defaults lists all");
	if (section == NULL) {
		if (!suggest_section(sections, typed, out, size))
			(void)suggest_key(sections, typed, out, size);
		return;
	}
	if (strcmp(section, "host") == 0) {
		(void)snprintf(out, size, "a host has 'certificate' and 'key'");
		return;
	}
	(void)snprintf(full, sizeof(full), "%s.%s", section, typed);
	near = config_nearest(sections, slice_of(full), &near_section);
	if (near != NULL)
		(void)snprintf(out, size, "did you mean '%s.%s'?", near_section, near->key);
	else
		(void)suggest_key(sections, typed, out, size);
}
