/*
 * kithd.conf through libconfuse. Every option is a text to libconfuse; each is checked by our
 * tables while the parser stands on its line, so a mistake names file and line.
 */
#include "server/config.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BYTES_MOST = 1024 * 1024 };

/* libconfuse's callbacks get no argument of ours, so the reader in progress is found here. */
struct reader {
	struct config *config;
	struct config_error *error;
	const char *name;
};
static _Thread_local struct reader *reading;

/* Where the parser stands. */
static const char *
file_of(const cfg_t *cfg)
{
	return cfg->filename == NULL ? reading->name : cfg->filename;
}

/* What to do about a mistake that libconfuse describes. */
static void
find_cure(cfg_t *cfg, const char *text, char *out, size_t size)
{
	const char *quote = strchr(text, '\'');
	char typed[64];

	if (strncmp(text, "no such option", 14) != 0 || quote == NULL) {
		(void)snprintf(out, size, "kithd.conf(5) shows how it is written");
		return;
	}
	(void)snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(quote + 1, "'"), quote + 1);
	config_suggest(reading->config->sections,
		strcmp(cfg_name(cfg), "root") == 0 ? NULL : cfg_name(cfg), typed, out, size);
}

__attribute__((format(printf, 2, 0))) static void
keep_error(cfg_t *cfg, const char *format, va_list args)
{
	char text[200], cure[160];

	if (reading->error->text[0] != '\0')
		return; /* the first mistake is the one to tell */
	(void)vsnprintf(text, sizeof(text), format, args);
	find_cure(cfg, text, cure, sizeof(cure));
	(void)snprintf(reading->error->text, sizeof(reading->error->text), "%.140s:%d: %s; %s",
		file_of(cfg), cfg->line, text, cure);
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
		(void)snprintf(reading->error->text, sizeof(reading->error->text),
			"%.140s:%d: %.350s", file_of(cfg), cfg->line, error.text);
	return r < 0 ? -1 : 0;
}

static int
fail_to_read(const char *path, int why, struct config_error *error)
{
	(void)snprintf(error->text, sizeof(error->text),
		"%.200s: cannot be read (%s); give a file that this user may read", path,
		strerror(why));
	return -why;
}

/* Regular files only: another kind may never end. */
static int
read_file(struct arena *arena, const char *path, struct slice *text_out, struct config_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t n;
	char *text;

	if (fd < 0)
		return fail_to_read(path, errno, error);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > BYTES_MOST) {
		(void)close(fd);
		return fail_to_read(path, S_ISDIR(st.st_mode) ? EISDIR : EFBIG, error);
	}
	text = arena_array(arena, (size_t)st.st_size + 1, char);
	n = read(fd, text, (size_t)st.st_size);
	(void)close(fd);
	if (n < 0)
		return fail_to_read(path, errno, error);
	*text_out = slice_make(text, (size_t)n);
	return 0;
}

/* include("file"): what it opens it must close, like any other file. */
static int
take_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	struct config_error error = { "" };
	struct slice text = NO_SLICE;

	if (argc != 1) {
		cfg_error(cfg, "include() takes one file");
		return 1;
	}
	if (read_file(&reading->config->arena, argv[0], &text, &error) < 0) {
		cfg_error(cfg, "%s", error.text);
		return 1;
	}
	if (config_check_shape(text, argv[0], &error) < 0) {
		*reading->error = error;
		return 1;
	}
	return cfg_include(cfg, opt, argc, argv);
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
	cfg_opt_t include = CFG_FUNC("include", &take_include);
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

/* libconfuse's part, of a text whose shape is right. */
static int
parse(struct reader *reader, FILE *file)
{
	cfg_t *cfg = cfg_init(
		root_options(&reader->config->arena, reader->config->sections), CFGF_NONE);
	int parsed;

	if (cfg == NULL)
		die("Out of memory: the configuration's options do not fit.");
	(void)cfg_set_error_function(cfg, keep_error);
	cfg->filename = xstrndup(reader->name, strlen(reader->name));
	reading = reader;
	parsed = cfg_parse_fp(cfg, file);
	reading = NULL;
	if (parsed == CFG_SUCCESS)
		take_hosts(reader->config, cfg);
	else if (reader->error->text[0] == '\0')
		(void)snprintf(reader->error->text, sizeof(reader->error->text),
			"%.200s: is no configuration; kithd --dump-defaults shows one",
			reader->name);
	(void)cfg_free(cfg);
	return parsed == CFG_SUCCESS ? 0 : -EINVAL;
}

int
config_read_text(
	struct config *config, const char *name, struct slice text, struct config_error *error)
{
	struct reader reader = { config, error, name };
	char *copy;
	FILE *file;
	int r;

	error->text[0] = '\0';
	r = config_check_shape(text, name, error);
	if (r < 0 || text.len == 0)
		return r;
	copy = arena_array(&config->arena, text.len, char);
	memcpy(copy, text.p, text.len);
	file = fmemopen(copy, text.len, "r");
	if (file == NULL)
		die("Out of memory: the configuration does not fit.");
	r = parse(&reader, file);
	(void)fclose(file);
	return r;
}

int
config_read(struct config *config, const char *path, struct config_error *error)
{
	struct slice text = NO_SLICE;
	int r = read_file(&config->arena, path, &text, error);

	return r < 0 ? r : config_read_text(config, path, text, error);
}
