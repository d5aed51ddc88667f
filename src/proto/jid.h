/*
 * XMPP addresses (RFC 7622): local@domain/resource. A JID is normalised once, where it comes in,
 * and compared by its bytes from then on. It is a view: its text belongs to an arena, to the
 * bytes that were parsed, or to whoever holds it, and is never changed. Passed by pointer or by
 * value; all functions here may be called from any thread.
 */
#ifndef PROTO_JID_H
#define PROTO_JID_H

#include "base/arena.h"

enum { LIMIT_JID_PART = 1023, LIMIT_DOMAIN = 1023, LIMIT_JID = 3 * 1023 + 2 };

struct jid {
	struct slice full;                            /* normalised; p NULL: no address */
	uint16_t local_len, domain_len, resource_len; /* 0: the part is not there */
};

#define NO_JID ((struct jid){ NO_SLICE, 0, 0, 0 })

struct jid_list {
	struct jid *v;
	size_t count;
};

/* Each as a view into the JID; empty where the part is missing. */
static inline struct slice
jid_local(const struct jid *jid)
{
	return slice_make(jid->full.p, jid->local_len);
}

static inline struct slice
jid_domain(const struct jid *jid)
{
	size_t at = jid->local_len > 0 ? (size_t)jid->local_len + 1 : 0;

	return slice_make(jid->full.p == NULL ? NULL : jid->full.p + at, jid->domain_len);
}

static inline struct slice
jid_resource(const struct jid *jid)
{
	size_t n = jid->resource_len;

	return slice_make(n == 0 ? NULL : jid->full.p + jid->full.len - n, n);
}

/* The text up to the slash; the key of an account. */
static inline struct slice
jid_bare(const struct jid *jid)
{
	size_t cut = jid->resource_len > 0 ? (size_t)jid->resource_len + 1 : 0;

	return slice_make(jid->full.p, jid->full.len - cut);
}

/* The JID without its resource; the same text. */
static inline struct jid
jid_to_bare(const struct jid *jid)
{
	return (struct jid){ jid_bare(jid), jid->local_len, jid->domain_len, 0 };
}

/* Whether it has a resource, has none, is only a domain. "No address" is none of these. */
static inline bool
jid_is_full(const struct jid *jid)
{
	return jid->resource_len > 0;
}

static inline bool
jid_is_bare(const struct jid *jid)
{
	return jid->full.p != NULL && jid->resource_len == 0;
}

static inline bool
jid_is_domain(const struct jid *jid)
{
	return jid->full.p != NULL && jid->domain_len == jid->full.len;
}

static inline bool
jid_is(const struct jid *a, const struct jid *b)
{
	return slice_is(a->full, b->full);
}

static inline bool
jid_same_bare(const struct jid *a, const struct jid *b)
{
	return slice_is(jid_bare(a), jid_bare(b));
}

/*
 * Reads and normalises an address; any bytes may come in. 0, or -EINVAL. What is normal already,
 * as nearly all traffic is, is not copied: the JID then points into the text, so jid_copy it to
 * keep it longer. jid_parse_why says what is wrong: on failure *why_out is a static sentence,
 * otherwise it is untouched.
 */
int jid_parse(struct slice text, struct arena *arena, struct jid *jid_out);
int jid_parse_why(
	struct slice text, struct arena *arena, struct jid *jid_out, const char **why_out);

/* From its parts, each normalised here; local and resource may be empty. In the arena. */
int jid_make(struct slice local, struct slice domain, struct slice resource, struct arena *arena,
	struct jid *jid_out);

/* The bare JID of this one with another resource, which is normalised. In the arena. */
int jid_with_resource(
	const struct jid *jid, struct slice resource, struct arena *arena, struct jid *jid_out);

/* The same JID with its text in the arena. "No address" stays that. */
struct jid jid_copy(const struct jid *jid, struct arena *arena);

/*
 * Prepares one part alone: 0 and the normalised text (in the arena, or the text itself), or
 * -EINVAL. RFC 7622, 3.2 to 3.4.
 */
int jid_prepare_local(struct slice text, struct arena *arena, struct slice *out);
int jid_prepare_domain(struct slice text, struct arena *arena, struct slice *out);
int jid_prepare_resource(struct slice text, struct arena *arena, struct slice *out);

#endif
