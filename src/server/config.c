/* Option values from text, by the tables: types, bounds, units, and help for a mistyped key. */
#include "server/config.h"

#include <errno.h>
#include <stdlib.h>

static size_t
count_sections(const struct option_section *sections)
{
	size_t n = 0;

	while (sections[n].name != NULL)
		n++;
	return n;
}

static void
set_number(void *at, enum option_type type, uint64_t number)
{
	switch (type) {
	case OPTION_TYPE_BOOL:
		*(bool *)at = number != 0;
		break;
	case OPTION_TYPE_UINT:
	case OPTION_TYPE_DURATION:
		*(uint32_t *)at = (uint32_t)number;
		break;
	default:
		*(uint64_t *)at = number;
	}
}

/* Splits "a, b" at commas; empty text is an empty list. */
static struct text_list
split_list(struct arena *arena, const char *text)
{
	struct slice rest = slice_of(text);
	struct text_list list = { arena_array(arena, rest.len + 1, const char *), 0 };

	while (rest.len > 0) {
		size_t end = slice_find(rest, ',');
		struct slice part = slice_make(rest.p, end);

		while (part.len > 0 && part.p[0] == ' ')
			part = slice_from(part, 1);
		if (part.len > 0)
			list.v[list.count++] = arena_copy(arena, part).p;
		rest = slice_from(rest, end < rest.len ? end + 1 : end);
	}
	return list;
}

static void
set_default(struct config *config, const struct option *option, char *values)
{
	void *at = values + option->offset;

	if (option->type == OPTION_TYPE_TEXT || option->type == OPTION_TYPE_CHOICE)
		*(const char **)at = option->text;
	else if (option->type == OPTION_TYPE_TEXTS)
		*(struct text_list *)at = split_list(&config->arena, option->text);
	else
		set_number(at, option->type, option->number);
}

struct config *
config_create(const struct option_section *sections)
{
	struct config *config = xcalloc(1, sizeof(*config));
	size_t n = count_sections(sections);

	arena_init(&config->arena, 0);
	config->sections = sections;
	config->values = arena_array(&config->arena, n + 1, void *);
	for (size_t i = 0; i < n; i++) {
		const struct option *option = sections[i].options;

		config->values[i] = arena_alloc(&config->arena, sections[i].size);
		for (; option != NULL && option->key != NULL; option++)
			set_default(config, option, config->values[i]);
	}
	return config;
}

void
config_destroy(struct config **config)
{
	if (*config != NULL)
		arena_finish(&(*config)->arena);
	free(*config);
	*config = NULL;
}

void *
config_section(const struct config *config, const char *name)
{
	for (size_t i = 0; config->sections[i].name != NULL; i++) {
		if (strcmp(config->sections[i].name, name) == 0)
			return config->values[i];
	}
	return NULL;
}

/* The option of that key and where its value is; NULL, and an error that helps. */
static const struct option *
find_option(struct config *config, struct slice key, void **at_out, struct config_error *error)
{
	size_t dot = slice_find(key, '.');
	const struct option *near;
	const char *near_section = NULL;

	for (size_t i = 0; config->sections[i].name != NULL; i++) {
		const struct option *option = config->sections[i].options;

		if (!slice_is_text(slice_make(key.p, dot), config->sections[i].name))
			continue;
		for (; dot < key.len && option != NULL && option->key != NULL; option++) {
			if (slice_is_text(slice_from(key, dot + 1), option->key)) {
				*at_out = (char *)config->values[i] + option->offset;
				return option;
			}
		}
	}
	near = config_nearest(config->sections, key, &near_section);
	if (near == NULL)
		(void)snprintf(error->text, sizeof(error->text),
			"there is no option '%.*s'; kithd --dump-defaults lists all",
			SLICE_ARG(key));
	else
		(void)snprintf(error->text, sizeof(error->text),
			"there is no option '%.*s'; did you mean '%s.%s'?", SLICE_ARG(key),
			near_section, near->key);
	return NULL;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit durations[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 3600 * 1000 },
	{ "d", 24 * 3600 * 1000 },
	{ NULL, 0 },
};
static const struct unit sizes[] = {
	{ "", 1 },
	{ "k", 1024 },
	{ "M", 1024 * 1024 },
	{ "G", 1024 * 1024 * 1024 },
	{ NULL, 0 },
};
static const struct unit plain[] = { { "", 1 }, { NULL, 0 } };

static int
parse_number(struct slice text, const struct unit *units, uint64_t *number_out)
{
	size_t digits = 0;
	uint64_t number;

	while (digits < text.len && text.p[digits] >= '0' && text.p[digits] <= '9')
		digits++;
	if (slice_to_uint(slice_make(text.p, digits), UINT64_MAX, &number) < 0)
		return -EINVAL;
	for (; units->name != NULL; units++) {
		if (slice_is_text(slice_from(text, digits), units->name))
			return __builtin_mul_overflow(number, units->factor, number_out) ? -EINVAL
											 : 0;
	}
	return -EINVAL;
}

static int
parse_bool(struct slice text, uint64_t *number_out)
{
	bool yes = slice_is_text(text, "yes") || slice_is_text(text, "true") ||
		   slice_is_text(text, "on");
	bool no = slice_is_text(text, "no") || slice_is_text(text, "false") ||
		  slice_is_text(text, "off");

	*number_out = yes;
	return yes || no ? 0 : -EINVAL;
}

static int
parse_value(enum option_type type, struct slice text, uint64_t *number_out)
{
	switch (type) {
	case OPTION_TYPE_BOOL:
		return parse_bool(text, number_out);
	case OPTION_TYPE_DURATION:
		return parse_number(text, durations, number_out);
	case OPTION_TYPE_SIZE:
		return parse_number(text, sizes, number_out);
	default:
		return parse_number(text, plain, number_out);
	}
}

static const char *
type_hint(const struct option *option)
{
	switch (option->type) {
	case OPTION_TYPE_BOOL:
		return "yes or no";
	case OPTION_TYPE_DURATION:
		return "a duration such as 500ms, 30s, 5m, 2h or 7d";
	case OPTION_TYPE_SIZE:
		return "a size such as 512, 64k, 10M or 1G";
	case OPTION_TYPE_TEXTS:
		return option->choices != NULL ? option->choices : "a list such as {a, b}";
	case OPTION_TYPE_TEXT:
		return "a text";
	case OPTION_TYPE_CHOICE:
		return option->choices;
	default:
		return "a number";
	}
}

/* Whether it is one of the words in "a, b or c", which are all longer than the or. */
static bool
is_choice(const char *choices, struct slice value)
{
	while (*choices != '\0') {
		size_t n = strcspn(choices, " ,");

		if (value.len > 2 && slice_is(value, slice_make(choices, n)))
			return true;
		choices += n + strspn(choices + n, " ,");
	}
	return false;
}

static int
refuse(const struct option *option, struct slice key, struct slice value,
	struct config_error *error)
{
	(void)snprintf(error->text, sizeof(error->text), "'%.*s' is no value for %.*s; it takes %s",
		SLICE_ARG(value), SLICE_ARG(key), type_hint(option));
	return -EINVAL;
}

static int
set_checked(const struct option *option, void *at, struct slice key, struct slice value,
	struct config_error *error)
{
	uint64_t number;

	if (parse_value(option->type, value, &number) < 0)
		return refuse(option, key, value, error);
	if (number < option->min || number > option->max) {
		(void)snprintf(error->text, sizeof(error->text),
			"%.*s = %.*s is out of bounds; from %llu to %llu%s is possible",
			SLICE_ARG(key), SLICE_ARG(value), (unsigned long long)option->min,
			(unsigned long long)option->max,
			option->type == OPTION_TYPE_DURATION ? " ms" : "");
		return -EINVAL;
	}
	set_number(at, option->type, number);
	return 0;
}

bool
option_is_uri(struct slice value)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char others[] = "0123456789+-.";
	size_t colon = slice_find(value, ':');

	if (colon == 0 || colon + 1 >= value.len || strchr(letters, value.p[0]) == NULL)
		return false;
	for (size_t i = 0; i < value.len; i++) {
		bool fits = i < colon ? strchr(letters, value.p[i]) != NULL ||
						strchr(others, value.p[i]) != NULL
				      : (unsigned char)value.p[i] > ' ' &&
						strchr("<>\"{}|\\^`\x7f", value.p[i]) == NULL;

		if (!fits || value.p[i] == '\0')
			return false;
	}
	return true;
}

/* 0 when all values of a list fit. */
static int
check_list(const struct option *option, struct slice key, const struct text_list *list,
	struct config_error *error)
{
	for (size_t i = 0; option->fits != NULL && i < list->count; i++) {
		if (!option->fits(slice_of(list->v[i])))
			return refuse(option, key, slice_of(list->v[i]), error);
	}
	return 0;
}

int
config_set(struct config *config, struct slice key, struct slice value, struct config_error *error)
{
	void *at;
	const struct option *option = find_option(config, key, &at, error);

	if (option == NULL)
		return -EINVAL;
	if (option->type == OPTION_TYPE_CHOICE && !is_choice(option->choices, value))
		return refuse(option, key, value, error);
	if (option->type == OPTION_TYPE_TEXT || option->type == OPTION_TYPE_CHOICE) {
		*(const char **)at = arena_copy(&config->arena, value).p;
		return 0;
	}
	if (option->type == OPTION_TYPE_TEXTS) {
		*(struct text_list *)at = split_list(
			&config->arena, arena_copy(&config->arena, value).p);
		return check_list(option, key, at, error);
	}
	return set_checked(option, at, key, value, error);
}

int
config_set_list(struct config *config, struct slice key, const struct slice *values, size_t count,
	struct config_error *error)
{
	void *at;
	const struct option *option = find_option(config, key, &at, error);
	struct text_list list = { NULL, 0 };

	if (option == NULL)
		return -EINVAL;
	if (option->type != OPTION_TYPE_TEXTS) {
		(void)snprintf(error->text, sizeof(error->text), "%.*s is no list; it takes %s",
			SLICE_ARG(key), type_hint(option));
		return -EINVAL;
	}
	list.v = arena_array(&config->arena, count + 1, const char *);
	for (; list.count < count; list.count++)
		list.v[list.count] = arena_copy(&config->arena, values[list.count]).p;
	*(struct text_list *)at = list;
	return check_list(option, key, &list, error);
}

static const char *
copy_text(struct arena *arena, const char *text)
{
	return arena_copy(arena, slice_of(text)).p;
}

void
config_add_host(struct config *config, const char *domain, const char *certificate, const char *key)
{
	struct host_config *hosts = arena_array(
		&config->arena, config->host_count + 1, struct host_config);

	if (config->host_count > 0)
		memcpy(hosts, config->hosts, config->host_count * sizeof(*hosts));
	hosts[config->host_count].domain = copy_text(&config->arena, domain);
	hosts[config->host_count].certificate = copy_text(&config->arena, certificate);
	hosts[config->host_count].key = copy_text(&config->arena, key);
	config->hosts = hosts;
	config->host_count++;
}
