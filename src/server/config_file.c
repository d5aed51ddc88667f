/*
 * kithd.conf through libconfuse. Every option is a text to libconfuse; each is checked by our
 * tables while the parser stands on its line, so a mistake names file and line.
 */
#include "server/config.h"

#include <confuse.h>
#include <errno.h>
#include <stdlib.h>

/* libconfuse's callbacks get no argument of ours, so the reader in progress is found here. */
struct reader {
	struct config *config;
	struct config_error *error;
	const char *path;
};
static _Thread_local struct reader *reading;

__attribute__((format(printf, 2, 0))) static void
keep_error(cfg_t *cfg, const char *format, va_list args)
{
	char text[400], typed[80];
	const char *quote, *section = NULL;
	const struct option *near = NULL;

	if (reading->error->text[0] != '\0')
		return; /* the first mistake is the one to tell */
	(void)vsnprintf(text, sizeof(text), format, args);
	quote = strchr(text, '\'');
	if (strncmp(text, "no such option", 14) == 0 && quote != NULL) {
		(void)snprintf(typed, sizeof(typed), "%s.%s", cfg_name(cfg), quote + 1);
		if (strchr(typed, '\'') != NULL)
			*strchr(typed, '\'') = '\0';
		near = config_nearest(reading->config->sections, slice_of(typed), &section);
	}
	(void)snprintf(reading->error->text, sizeof(reading->error->text), "%s:%d: %s%s%s%s%s%s",
		cfg->filename == NULL ? reading->path : cfg->filename, cfg->line, text,
		near != NULL ? "; did you mean '" : "", near != NULL ? section : "",
		near != NULL ? "." : "", near != NULL ? near->key : "", near != NULL ? "'?" : "");
}

static int
set_list(cfg_opt_t *opt, struct slice key, struct config_error *error)
{
	unsigned n = cfg_opt_size(opt);
	struct slice *values = arena_array(&reading->config->arena, n + 1, struct slice);

	for (unsigned i = 0; i < n; i++)
		values[i] = slice_of(cfg_opt_getnstr(opt, i));
	return config_set_list(reading->config, key, values, n, error);
}

/* Called by libconfuse when an option has its value and the parser stands on its line. */
static int
take_option(cfg_t *cfg, cfg_opt_t *opt)
{
	struct config_error error = { "" };
	char key[128];
	int r;

	(void)snprintf(key, sizeof(key), "%s.%s", cfg_name(cfg), opt->name);
	if ((opt->flags & CFGF_LIST) != 0)
		r = set_list(opt, slice_of(key), &error);
	else
		r = config_set(reading->config, slice_of(key),
			slice_of(cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1)), &error);
	if (r < 0 && reading->error->text[0] == '\0')
		(void)snprintf(reading->error->text, sizeof(reading->error->text), "%s:%d: %.400s",
			cfg->filename == NULL ? reading->path : cfg->filename, cfg->line,
			error.text);
	return r < 0 ? -1 : 0;
}

static cfg_opt_t *
section_options(struct arena *arena, const struct option *options)
{
	static const cfg_opt_t end = CFG_END();
	size_t n = 0;
	cfg_opt_t *out;

	while (options != NULL && options[n].key != NULL)
		n++;
	out = arena_array(arena, n + 1, cfg_opt_t);
	for (size_t i = 0; i < n; i++) {
		cfg_opt_t text = CFG_STR(options[i].key, NULL, CFGF_NODEFAULT);
		cfg_opt_t list = CFG_STR_LIST(options[i].key, NULL, CFGF_NODEFAULT);

		out[i] = options[i].type == OPTION_TYPE_TEXTS ? list : text;
		out[i].validcb = take_option;
	}
	out[n] = end;
	return out;
}

static cfg_opt_t *
root_options(struct arena *arena, const struct option_section *sections)
{
	static const cfg_opt_t end = CFG_END();
	cfg_opt_t host_options[] = {
		CFG_STR("certificate", NULL, CFGF_NODEFAULT),
		CFG_STR("key", NULL, CFGF_NODEFAULT),
		CFG_END(),
	};
	cfg_opt_t *inner = arena_array(arena, COUNT_OF(host_options), cfg_opt_t), *out;
	cfg_opt_t include = CFG_FUNC("include", &cfg_include);
	size_t n = 0;

	memcpy(inner, host_options, sizeof(host_options));
	while (sections[n].name != NULL)
		n++;
	out = arena_array(arena, n + 3, cfg_opt_t);
	for (size_t i = 0; i < n; i++) {
		cfg_opt_t section = CFG_SEC(
			sections[i].name, section_options(arena, sections[i].options), CFGF_NONE);

		out[i] = section;
	}
	cfg_opt_t host = CFG_SEC("host", inner, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);

	out[n] = host;
	out[n + 1] = include;
	out[n + 2] = end;
	return out;
}

static void
take_hosts(struct config *config, cfg_t *cfg)
{
	for (unsigned i = 0; i < cfg_size(cfg, "host"); i++) {
		cfg_t *host = cfg_getnsec(cfg, "host", i);
		bool has_key = cfg_size(host, "key") > 0,
		     has_cert = cfg_size(host, "certificate") > 0;

		config_add_host(config, cfg_title(host),
			has_cert ? cfg_getstr(host, "certificate") : NULL,
			has_key ? cfg_getstr(host, "key") : NULL);
	}
}

int
config_read(struct config *config, const char *path, struct config_error *error)
{
	struct reader reader = { config, error, path };
	cfg_t *cfg = cfg_init(root_options(&config->arena, config->sections), CFGF_NONE);
	int r = 0, parsed;

	error->text[0] = '\0';
	if (cfg == NULL)
		die("Out of memory: the configuration's options do not fit.");
	(void)cfg_set_error_function(cfg, keep_error);
	reading = &reader;
	parsed = cfg_parse(cfg, path);
	if (parsed == CFG_FILE_ERROR) {
		r = errno == 0 ? -EINVAL : -errno;
		(void)snprintf(error->text, sizeof(error->text),
			"%s: cannot be read (%s); give a file that this user may read", path,
			strerror(-r));
	} else if (parsed != CFG_SUCCESS) {
		r = -EINVAL;
		if (error->text[0] == '\0')
			(void)snprintf(error->text, sizeof(error->text),
				"%s: is no configuration; kithd --dump-defaults shows one", path);
	} else {
		take_hosts(config, cfg);
	}
	reading = NULL;
	(void)cfg_free(cfg);
	return r;
}
