/* Options that count at the start only: a running server takes no configuration that changes one.
 */
#include "server/config.h"

#include <errno.h>

static bool
is_same_list(const struct text_list *a, const struct text_list *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	}
	return a->count == b->count;
}

static bool
is_same_value(const struct option *option, const void *a, const void *b)
{
	const char *x, *y;

	switch (option->type) {
	case OPTION_TYPE_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case OPTION_TYPE_UINT:
	case OPTION_TYPE_DURATION:
		return *(const uint32_t *)a == *(const uint32_t *)b;
	case OPTION_TYPE_SIZE:
		return *(const uint64_t *)a == *(const uint64_t *)b;
	case OPTION_TYPE_TEXTS:
		return is_same_list(a, b);
	default:
		x = *(const char *const *)a;
		y = *(const char *const *)b;
		return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
	}
}

bool
option_is_fixed(const struct option_section *section, const struct option *option)
{
	for (const char *const *key = section->fixed; key != NULL && *key != NULL; key++) {
		if (strcmp(*key, option->key) == 0)
			return true;
	}
	return false;
}

int
config_check_fixed(const struct config *old, const struct config *fresh, struct config_error *error)
{
	for (size_t i = 0; fresh->sections[i].name != NULL; i++) {
		const struct option_section *section = &fresh->sections[i];
		const struct option *option = section->options;

		for (; option != NULL && option->key != NULL; option++) {
			const char *before = (const char *)old->values[i] + option->offset;
			const char *now = (const char *)fresh->values[i] + option->offset;

			if (!option_is_fixed(section, option) || is_same_value(option, before, now))
				continue;
			(void)snprintf(error->text, sizeof(error->text),
				"%s.%s cannot change while the server runs; restart it, or put "
				"the old value back",
				section->name, option->key);
			return -EINVAL;
		}
	}
	return 0;
}
