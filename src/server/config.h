/*
 * The configuration as it stands: one struct of values for each section, filled from the option
 * tables' defaults, then from kithd.conf, then from --set. A config is read-only once built and
 * belongs to whoever built it; a reload builds another.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "base/arena.h"
#include "server/option.h"

#include <stdio.h>

/* A domain to serve, with its certificate (PEM files; NULL: none yet). */
struct host_config {
	const char *domain;
	const char *certificate, *key;
};

struct config {
	struct arena arena;                    /* everything below */
	const struct option_section *sections; /* the list ends with a NULL name */
	void **values;                         /* one struct per section */
	struct host_config *hosts;
	size_t host_count;
};

/* A mistake in a configuration, as a person reads it: cause, place and cure. */
struct config_error {
	char text[512];
};

/* All defaults. sections must outlive the config. Never fails. */
struct config *config_create(const struct option_section *sections);
void config_destroy(struct config **config);

/* The struct of the section with that name; NULL if there is none. */
void *config_section(const struct config *config, const char *name);

/*
 * Sets one option from its text. key is "section.option". 0, or -EINVAL: unknown (the error names
 * the nearest key), not of the option's type, or out of its bounds.
 */
int config_set(
	struct config *config, struct slice key, struct slice value, struct config_error *error);

/* Sets a list option. */
int config_set_list(struct config *config, struct slice key, const struct slice *values,
	size_t count, struct config_error *error);

/* Adds a host; all texts are copied, certificate and key may be NULL. */
void config_add_host(
	struct config *config, const char *domain, const char *certificate, const char *key);

/*
 * Reads a file of libconfuse's syntax: `section { key = value }`, `host "name" { … }`, include().
 * 0, or -EINVAL (-errno when the file cannot be read) with an error that names file and line.
 */
int config_read(struct config *config, const char *path, struct config_error *error);

/* The same from memory; name is what errors call it. One thread at a time: libconfuse's lexer. */
int config_read_text(
	struct config *config, const char *name, struct slice text, struct config_error *error);

/*
 * 0 when all that the text opens (sections, texts, comments) is closed in it; else -EINVAL, and
 * the error names the line of the opening and what to add.
 */
int config_check_shape(struct slice text, const char *name, struct config_error *error);

/*
 * 0 when a server that runs with the one may go on with the other; -EINVAL, and which option it is,
 * when one differs that counts at the start only. Both have the same sections.
 */
int config_check_fixed(
	const struct config *old, const struct config *fresh, struct config_error *error);

/* kithd.conf with every option at its default and its sentence as a comment. */
void config_dump_defaults(const struct option_section *sections, FILE *out);

/* The options as the scdoc section of kithd.conf(5). */
void config_dump_manual(const struct option_section *sections, FILE *out);

/* The key of the sections that is nearest to what was typed, or NULL if none is near. */
const struct option *config_nearest(
	const struct option_section *sections, struct slice key, const char **section_out);

/*
 * Writes what may have been meant by an unknown key of that section (NULL: outside of all) to out,
 * as the end of a sentence.
 */
void config_suggest(const struct option_section *sections, const char *section, const char *typed,
	char *out, size_t size);

#endif
