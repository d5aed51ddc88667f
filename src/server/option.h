/*
 * Options: tables with a sentence of help. The parser, --check, --dump-defaults and the manual
 * are made from them. A table belongs to a section of kithd.conf: one for each part of the core
 * and one for each module.
 */
#ifndef SERVER_OPTION_H
#define SERVER_OPTION_H

#include "base/slice.h"

enum option_type {
	OPTION_TYPE_BOOL,     /* bool: yes, no */
	OPTION_TYPE_UINT,     /* uint32_t */
	OPTION_TYPE_DURATION, /* uint32_t milliseconds: 250ms, 30s, 5m, 2h, 7d */
	OPTION_TYPE_SIZE,     /* uint64_t bytes: 512, 64k, 10M, 1G */
	OPTION_TYPE_TEXT,     /* const char *, NULL when the default is NULL */
	OPTION_TYPE_CHOICE,   /* const char *, one of a few words */
	OPTION_TYPE_TEXTS,    /* struct text_list: {a, b} */
};

struct text_list {
	const char **v;
	size_t count;
};

struct option {
	const char *key; /* NULL ends a table */
	enum option_type type;
	size_t offset;                    /* of the member in the section's struct */
	uint64_t number, min, max;        /* default and bounds of numbers; bool: 0 or 1 */
	const char *text;                 /* default of a text; a list: comma separated */
	const char *about;                /* one sentence */
	const char *choices;              /* of a choice: "text, json or journal" */
	bool (*fits)(struct slice value); /* whether a list may have it; NULL: anything */
};

/* offsetof(S, m), and an error at compile time unless m has the type T. */
#define OFFSET_OF_TYPE(S, m, T) \
	(offsetof(S, m) + 0u * sizeof(struct { \
		_Static_assert(__builtin_types_compatible_p(__typeof__(((S *)0)->m), T), \
			#S "." #m " must be " #T); \
		int unused_; \
	}))

#define OPTION_BOOL(S, m, key, on, about) \
	{ \
		(key), OPTION_TYPE_BOOL, OFFSET_OF_TYPE(S, m, bool), (on), 0, 1, NULL, (about), \
			NULL, NULL \
	}
#define OPTION_UINT(S, m, key, number, min, max, about) \
	{ \
		(key), OPTION_TYPE_UINT, OFFSET_OF_TYPE(S, m, uint32_t), (number), (min), (max), \
			NULL, (about), NULL, NULL \
	}
#define OPTION_DURATION(S, m, key, ms, min, max, about) \
	{ \
		(key), OPTION_TYPE_DURATION, OFFSET_OF_TYPE(S, m, uint32_t), (ms), (min), (max), \
			NULL, (about), NULL, NULL \
	}
#define OPTION_SIZE(S, m, key, bytes, min, max, about) \
	{ \
		(key), OPTION_TYPE_SIZE, OFFSET_OF_TYPE(S, m, uint64_t), (bytes), (min), (max), \
			NULL, (about), NULL, NULL \
	}
#define OPTION_TEXT(S, m, key, text, about) \
	{ \
		(key), OPTION_TYPE_TEXT, OFFSET_OF_TYPE(S, m, const char *), 0, 0, 0, (text), \
			(about), NULL, NULL \
	}
#define OPTION_CHOICE(S, m, key, text, choices, about) \
	{ \
		(key), OPTION_TYPE_CHOICE, OFFSET_OF_TYPE(S, m, const char *), 0, 0, 0, (text), \
			(about), (choices), NULL \
	}
#define OPTION_TEXTS(S, m, key, text, about) \
	{ \
		(key), OPTION_TYPE_TEXTS, OFFSET_OF_TYPE(S, m, struct text_list), 0, 0, 0, (text), \
			(about), NULL, NULL \
	}

/* A list of texts each of which is a URI, see option_is_uri. */
#define OPTION_URIS(S, m, key, text, about) \
	{ \
		(key), OPTION_TYPE_TEXTS, OFFSET_OF_TYPE(S, m, struct text_list), 0, 0, 0, (text), \
			(about), "a list of URIs such as {mailto:me@example.org}", option_is_uri \
	}

/* Whether it has the form of a URI or an IRI: a scheme, a colon, and no blanks behind it. */
bool option_is_uri(struct slice value);

struct option_section;

/* Whether the section's option counts at the start only. */
bool option_is_fixed(const struct option_section *section, const struct option *option);

/* One section of kithd.conf. Its options count for what begins after a reload, unless fixed. */
struct option_section {
	const char *name; /* NULL ends a list of sections */
	const char *about;
	const struct option *options; /* may be NULL */
	size_t size;                  /* of the struct that the options fill */
	const char *const *fixed;     /* keys that count at the start only; NULL at the end */
};

#endif
