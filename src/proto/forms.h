/*
 * Data forms (XEP-0004): the form as it stands on the wire, and what we ask for as a table of
 * declared fields, each a member of one struct. From a table and a struct comes the form that is
 * shown, and from a submitted form the struct again, or a sentence that names the wrong field.
 *
 * Texts of a form that was made or read live in the arena, in the scanned bytes, or in what was
 * given. Nothing here has state; any thread.
 */
#ifndef PROTO_FORMS_H
#define PROTO_FORMS_H

#include "proto/codec.h"

#define NS_FORMS "jabber:x:data"

/* ---- On the wire ---- */

struct form_option {
	struct slice label, value;
};

struct form_field {
	struct slice var, type, label, desc; /* p NULL: not there */
	bool required;
	struct slice_list values;
	struct form_option_list {
		struct form_option *v;
		size_t count;
	} options;
};

struct form_field_list {
	struct form_field *v;
	size_t count;
};

struct form_item_list {
	struct form_item {
		struct form_field_list fields;
	} * v;
	size_t count;
};

struct form {
	struct slice type; /* "form", "submit", "cancel", "result" */
	struct slice title;
	struct slice_list instructions;
	struct form_field_list fields;
	struct form_item_list reported, items; /* rows, and the one that heads them */
	struct slice more;                     /* XML that is written behind all that; not read */
};

/* In what wraps forms they are a list, though there is one at most that counts: the first. */
struct form_list {
	struct form *v;
	size_t count;
};

extern const struct field form_fields[];
extern const struct payload form_payload; /* <x/> itself */

#define CHILD_FORMS(S, m) \
	{ \
		.kind = FIELD_CHILD_LIST, .offset = FIELD_OFFSET(S, m, struct form_list), \
		.name = "x", .ns = NS_FORMS, .sub = form_fields, .sub_size = sizeof(struct form) \
	}

/* ---- Declared ---- */

enum form_kind {
	FORM_END,     /* offset: size of the struct */
	FORM_BOOL,    /* bool */
	FORM_TEXT,    /* struct slice: one line */
	FORM_PRIVATE, /* struct slice: one line that is never shown again */
	FORM_LINES,   /* struct slice_list: lines of text */
	FORM_UINT,    /* uint32_t: one line with a number */
	FORM_JID,     /* struct jid */
	FORM_JIDS,    /* struct jid_list, each once */
	FORM_CHOICE,  /* struct slice: one of the choices */
	FORM_CHOICES, /* struct slice_list: some of the choices, each once */
};

struct form_choice {
	const char *value, *label; /* value NULL ends a list */
};

struct form_entry {
	enum form_kind kind;
	size_t offset;
	const char *var, *label;
	bool required;
	uint64_t min, max; /* of a number; max also: bytes of a text, how many lines or JIDs */
	const struct form_choice *choices;
};

struct form_spec {
	const char *title, *instructions; /* may be NULL */
	const char *form_type;            /* the hidden FORM_TYPE (XEP-0068), or NULL */
	const struct form_entry *entries;
};

#define FORM_ENTRY(S, m, T, kind_, var_, label_, required_, min_, max_, choices_) \
	{ \
		.kind = (kind_), .offset = FIELD_OFFSET(S, m, T), .var = (var_), \
		.label = (label_), .required = (required_), .min = (min_), .max = (max_), \
		.choices = (choices_) \
	}
#define ENTRY_BOOL(S, m, var, label) \
	FORM_ENTRY(S, m, bool, FORM_BOOL, var, label, false, 0, 0, NULL)
#define ENTRY_TEXT(S, m, var, label, required, most_bytes) \
	FORM_ENTRY(S, m, struct slice, FORM_TEXT, var, label, required, 0, most_bytes, NULL)
#define ENTRY_PRIVATE(S, m, var, label, required, most_bytes) \
	FORM_ENTRY(S, m, struct slice, FORM_PRIVATE, var, label, required, 0, most_bytes, NULL)
#define ENTRY_LINES(S, m, var, label, required, most) \
	FORM_ENTRY(S, m, struct slice_list, FORM_LINES, var, label, required, 0, most, NULL)
#define ENTRY_UINT(S, m, var, label, required, min, max) \
	FORM_ENTRY(S, m, uint32_t, FORM_UINT, var, label, required, min, max, NULL)
#define ENTRY_JID(S, m, var, label, required) \
	FORM_ENTRY(S, m, struct jid, FORM_JID, var, label, required, 0, 1, NULL)
#define ENTRY_JIDS(S, m, var, label, required, most) \
	FORM_ENTRY(S, m, struct jid_list, FORM_JIDS, var, label, required, 0, most, NULL)
#define ENTRY_CHOICE(S, m, var, label, required, choices) \
	FORM_ENTRY(S, m, struct slice, FORM_CHOICE, var, label, required, 0, 1, choices)
#define ENTRY_CHOICES(S, m, var, label, required, choices) \
	FORM_ENTRY(S, m, struct slice_list, FORM_CHOICES, var, label, required, 0, 0, choices)
#define ENTRIES_END(S) \
	{ \
		.kind = FORM_END, .offset = sizeof(S) \
	}

/* Bytes of the struct that the entries fill. */
size_t form_size(const struct form_spec *spec);

/* The form to fill in, with what data holds as the values so far; data NULL: none. */
struct form form_ask(const struct form_spec *spec, const void *data, struct arena *arena);

/* The same fields as something to read: type "result". Private ones are left out. */
struct form form_tell(const struct form_spec *spec, const void *data, struct arena *arena);

/*
 * Reads a submitted form into data. What was not submitted keeps the value that data has (3.4);
 * what nobody declared is ignored (3.1); what is there without a value becomes zero. 0, or
 * -EINVAL and data is untouched: *why_out is then a sentence that names the field, in the arena.
 */
int form_read(const struct form_spec *spec, const struct form *form, struct arena *arena,
	void *data, const char **why_out);

#endif
