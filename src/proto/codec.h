/*
 * The codec: structs and const field tables say what is on the wire, and one decoder and one
 * encoder read the tables. Features see structs, never XML.
 *
 * A payload is an element by name and namespace with the fields of one struct. Slices and JIDs
 * of a decoded struct live in the arena or in the bytes that were scanned.
 */
#ifndef PROTO_CODEC_H
#define PROTO_CODEC_H

#include "base/arena.h"
#include "base/buffer.h"
#include "proto/jid.h"
#include "xml/scanner.h"

struct slice_list {
	struct slice *v;
	size_t count;
};

/*
 * An element that nobody here understands, kept to be given back. Its xml means the same in any
 * place whose default namespace is the parent's; with a namespace of its own, anywhere.
 */
struct foreign {
	struct slice name, ns, xml;
};

struct foreign_list {
	struct foreign *v;
	size_t count;
};

enum field_kind {
	FIELD_END,         /* offset: size of the struct */
	FIELD_ATTR_TEXT,   /* struct slice */
	FIELD_ATTR_JID,    /* struct jid; a text that is no JID fails the decoding */
	FIELD_ATTR_UINT,   /* uint32_t */
	FIELD_ATTR_BOOL,   /* bool: true, 1, false, 0 */
	FIELD_ATTR_LANG,   /* struct slice: xml:lang */
	FIELD_TEXT,        /* struct slice: the element's own text */
	FIELD_CHILD_TEXT,  /* struct slice: text of the first child of that name */
	FIELD_CHILD_TEXTS, /* struct slice_list: text of each */
	FIELD_CHILD_FLAG,  /* bool: whether there is such a child */
	FIELD_CHILD_JIDS,  /* struct jid_list: an attribute of each */
	FIELD_XML,         /* struct slice: written as it is; decoding leaves it alone */
	FIELD_CHILD_LIST,  /* struct { T *v; size_t count; }: each as a struct of sub */
	FIELD_CHILDREN,    /* struct foreign_list: every child, also those of other fields */
};

struct field {
	enum field_kind kind;
	size_t offset;
	const char *name;        /* of the attribute or the child */
	const char *ns;          /* of the child; NULL: the payload's own */
	const char *attribute;   /* FIELD_CHILD_JIDS */
	const struct field *sub; /* FIELD_CHILD_LIST */
	size_t sub_size;         /* of an element of that list; sub must be a table for that */
};

struct payload {
	const char *name, *ns;
	const struct field
		*fields; /* NULL: the element is empty, or its content is not looked at */
};

/* offsetof(S, m), and an error at compile time unless m has the type T. */
#define FIELD_OFFSET(S, m, T) \
	(offsetof(S, m) + 0u * sizeof(struct { \
		_Static_assert(__builtin_types_compatible_p(__typeof__(((S *)0)->m), T), \
			#S "." #m " must be " #T); \
		int unused_; \
	}))

#define ATTR_TEXT(S, m, name_) \
	{ \
		.kind = FIELD_ATTR_TEXT, .offset = FIELD_OFFSET(S, m, struct slice), .name = name_ \
	}
#define ATTR_JID(S, m, name_) \
	{ \
		.kind = FIELD_ATTR_JID, .offset = FIELD_OFFSET(S, m, struct jid), .name = name_ \
	}
#define ATTR_UINT(S, m, name_) \
	{ \
		.kind = FIELD_ATTR_UINT, .offset = FIELD_OFFSET(S, m, uint32_t), .name = name_ \
	}
#define ATTR_BOOL(S, m, name_) \
	{ \
		.kind = FIELD_ATTR_BOOL, .offset = FIELD_OFFSET(S, m, bool), .name = name_ \
	}
#define ATTR_LANG(S, m) \
	{ \
		.kind = FIELD_ATTR_LANG, .offset = FIELD_OFFSET(S, m, struct slice), \
		.name = "xml:lang" \
	}
#define OWN_TEXT(S, m) \
	{ \
		.kind = FIELD_TEXT, .offset = FIELD_OFFSET(S, m, struct slice) \
	}
#define INNER_XML(S, m) \
	{ \
		.kind = FIELD_XML, .offset = FIELD_OFFSET(S, m, struct slice) \
	}
#define CHILD_TEXT(S, m, name_) \
	{ \
		.kind = FIELD_CHILD_TEXT, .offset = FIELD_OFFSET(S, m, struct slice), \
		.name = name_ \
	}
#define CHILD_TEXTS(S, m, name_) \
	{ \
		.kind = FIELD_CHILD_TEXTS, .offset = FIELD_OFFSET(S, m, struct slice_list), \
		.name = name_ \
	}
#define CHILD_FLAG(S, m, name_) \
	{ \
		.kind = FIELD_CHILD_FLAG, .offset = FIELD_OFFSET(S, m, bool), .name = name_ \
	}
#define CHILD_JIDS(S, m, name_, attribute_) \
	{ \
		.kind = FIELD_CHILD_JIDS, .offset = FIELD_OFFSET(S, m, struct jid_list), \
		.name = name_, .attribute = attribute_ \
	}
/* offsetof(S, m), and an error at compile time unless m is a struct { T *v; size_t count; }. */
#define LIST_OFFSET(S, m) \
	(offsetof(S, m) + 0u * sizeof(struct { \
		_Static_assert( \
			offsetof(__typeof__(((S *)0)->m), v) == 0 && \
				offsetof(__typeof__(((S *)0)->m), count) == sizeof(void *) && \
				sizeof(((S *)0)->m) == sizeof(void *) + sizeof(size_t) && \
				__builtin_types_compatible_p( \
					__typeof__(((S *)0)->m.count), size_t), \
			#S "." #m " must be struct { T *v; size_t count; }"); \
		int unused_; \
	}))

/* That fields_ is a table for the elements is checked by their size, when the codec is built. */
#define CHILD_LIST(S, m, name_, fields_) \
	{ \
		.kind = FIELD_CHILD_LIST, .offset = LIST_OFFSET(S, m), .name = name_, \
		.sub = fields_, .sub_size = sizeof(*((S *)0)->m.v) \
	}
#define CHILDREN(S, m) \
	{ \
		.kind = FIELD_CHILDREN, .offset = FIELD_OFFSET(S, m, struct foreign_list) \
	}
#define FIELDS_END(S) \
	{ \
		.kind = FIELD_END, .offset = sizeof(S) \
	}

/*
 * Tables compiled for one table of names: every name in them has its number. Built at start,
 * read-only afterwards and shared by all threads.
 */
struct codec;
struct codec_type;

/* names: gets the names of the payloads; must outlive the codec. */
struct codec *codec_create(struct names *names);
void codec_destroy(struct codec **codec);

/* The compiled payload; the same one for the same payload. At start only. */
const struct codec_type *codec_add(struct codec *codec, const struct payload *payload);
const struct payload *codec_payload(const struct codec_type *type);

/* Whether the element is the payload's, by name and namespace. */
bool codec_matches(const struct codec_type *type, const struct xml_token *element);

/*
 * Reads an element of that payload into a zeroed struct from the arena. 0, or -EINVAL: a field
 * is not what its kind says; *why_out is then a static English sentence.
 */
int codec_decode(const struct codec_type *type, const struct xml_token *element,
	struct arena *arena, void **data_out, const char **why_out);

/*
 * Appends the payload as XML; data may be NULL when it has no fields. Attributes and children
 * that are not there (slice p NULL, JID not there, bool false, empty list) are left out; so is
 * a uint of 0.
 */
void codec_encode(struct buffer *out, const struct payload *payload, const void *data);

#endif
