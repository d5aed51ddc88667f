/*
 * Addresses, split at the first slash and the first at sign before it (RFC 7622, 3.1). Nearly
 * all that come in are plain: ASCII that is its own normal form. These are recognised in one
 * walk and stay where they are. Everything else is cut into parts, the parts are prepared, and
 * the result is put together in the arena.
 */
#include "proto/jid.h"

#include "proto/jid_domain.h"
#include "proto/precis.h"

#include <errno.h>

/*
 * Where a byte is its own normal form: in localparts, in resources. RFC 7622 3.3.1 forbids some
 * ASCII in localparts; capitals change there, so they are not plain.
 */
enum { R = 1, L = 2, B = L | R };

/* clang-format off */
static const unsigned char plain[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	R, B, R, B, B, B, R, R, B, B, B, B, B, B, B, R,
	B, B, B, B, B, B, B, B, B, B, R, B, R, B, R, B,
	R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R,
	R, R, R, R, R, R, R, R, R, R, R, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, 0,
};
/* clang-format on */

/* The first byte that is not plain in this part, or end. */
static const char *
skip_plain(const char *p, const char *end, unsigned char part)
{
	while (p < end && (plain[(unsigned char)*p] & part) != 0)
		p++;
	return p;
}

static bool
is_plain(struct slice text, unsigned char part)
{
	return skip_plain(text.p, text.p + text.len, part) == text.p + text.len;
}

/* Whether a part has a length that it may have. */
static bool
is_sized(size_t len)
{
	return len > 0 && len <= LIMIT_JID_PART;
}

/* The one walk: whether the text is an address in normal form, in plain ASCII. */
static bool
parse_plain(struct slice text, struct jid *jid_out)
{
	const char *end = text.p + text.len, *domain = text.p, *cut = skip_plain(text.p, end, L);
	size_t local_len = 0, domain_len, resource_len = 0;

	if (cut < end && *cut == '@') {
		local_len = (size_t)(cut - text.p);
		domain = cut + 1;
		if (!is_sized(local_len))
			return false;
	}
	cut = jid_domain_end(domain, end);
	if (cut == NULL)
		return false;
	domain_len = (size_t)(cut - domain);
	if (cut < end) {
		resource_len = (size_t)(end - cut) - 1;
		if (*cut != '/' || !is_sized(resource_len) || skip_plain(cut + 1, end, R) < end)
			return false;
	}
	if (domain_len > LIMIT_DOMAIN)
		return false;
	*jid_out = (struct jid){ text, (uint16_t)local_len, (uint16_t)domain_len,
		(uint16_t)resource_len };
	return true;
}

enum part { LOCAL, DOMAIN, RESOURCE, PARTS };

struct parts {
	struct slice v[PARTS]; /* p NULL: not there */
};

static struct parts
split(struct slice text)
{
	size_t slash = slice_find(text, '/'), at;
	struct parts parts = { { NO_SLICE, slice_make(text.p, slash), NO_SLICE } };

	if (slash < text.len)
		parts.v[RESOURCE] = slice_from(text, slash + 1);
	at = slice_find(parts.v[DOMAIN], '@');
	if (at < slash) {
		parts.v[LOCAL] = slice_make(text.p, at);
		parts.v[DOMAIN] = slice_from(parts.v[DOMAIN], at + 1);
	}
	return parts;
}

/* RFC 7622 3.3.1: ASCII that the profile has and localparts have not. */
static bool
has_excluded(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] > 0 && strchr("\"&'/:<>@", text.p[i]) != NULL)
			return true;
	}
	return false;
}

/* These three have the errors of precis.h. */
static int
prepare_local(struct slice text, struct arena *arena, struct slice *out)
{
	struct slice made;
	int r;

	if (is_sized(text.len) && is_plain(text, L)) {
		*out = text;
		return 0;
	}
	r = precis_username(text, arena, &made);
	if (r == 0 && has_excluded(made))
		r = -EINVAL;
	if (r == 0)
		*out = made;
	return r;
}

static int
prepare_domain(struct slice text, struct arena *arena, struct slice *out)
{
	if (text.len > 0 && text.len <= LIMIT_DOMAIN &&
		jid_domain_end(text.p, text.p + text.len) == text.p + text.len) {
		*out = text;
		return 0;
	}
	return jid_domain_prepare(text, arena, out);
}

static int
prepare_resource(struct slice text, struct arena *arena, struct slice *out)
{
	if (is_sized(text.len) && is_plain(text, R)) {
		*out = text;
		return 0;
	}
	return precis_opaque(text, arena, out);
}

int
jid_prepare_local(struct slice text, struct arena *arena, struct slice *out)
{
	return prepare_local(text, arena, out) < 0 ? -EINVAL : 0;
}

int
jid_prepare_domain(struct slice text, struct arena *arena, struct slice *out)
{
	return prepare_domain(text, arena, out) < 0 ? -EINVAL : 0;
}

int
jid_prepare_resource(struct slice text, struct arena *arena, struct slice *out)
{
	return prepare_resource(text, arena, out) < 0 ? -EINVAL : 0;
}

/* What is wrong with a part, in words. */
static const char *
sentence(enum part part, struct slice text, int error)
{
	enum { EMPTY, LONG, ENCODING, DIRECTION, CHARACTER, KINDS };
	static const char *const sentences[PARTS][KINDS] = {
		{
			"Before the '@' there is nothing.",
			"The part before the '@' is longer than 1023 bytes.",
			"The part before the '@' is not UTF-8.",
			"The part before the '@' mixes writing directions.",
			"The part before the '@' has a character that is not allowed there.",
		},
		{
			"The domain is missing.",
			"The domain is too long.",
			"The domain is not UTF-8.",
			"The domain mixes writing directions.",
			"The domain is neither a host name nor an IP address.",
		},
		{
			"After the '/' there is nothing.",
			"The part after the '/' is longer than 1023 bytes.",
			"The part after the '/' is not UTF-8.",
			"The part after the '/' mixes writing directions.",
			"The part after the '/' has a character that is not allowed there.",
		},
	};
	int kind = CHARACTER;

	if (text.len == 0)
		kind = EMPTY;
	else if (error == -EMSGSIZE)
		kind = LONG;
	else if (error == -EILSEQ)
		kind = ENCODING;
	else if (error == -EDOM)
		kind = DIRECTION;
	return sentences[part][kind];
}

static int
prepare(struct parts *parts, struct arena *arena, const char **why_out)
{
	static int (*const how[])(struct slice, struct arena *, struct slice *) = {
		prepare_local,
		prepare_domain,
		prepare_resource,
	};

	for (enum part i = LOCAL; i < PARTS; i++) {
		struct slice raw = parts->v[i];
		int r = raw.p == NULL && i != DOMAIN ? 0 : how[i](raw, arena, &parts->v[i]);

		if (r < 0) {
			*why_out = sentence(i, raw, r);
			return -EINVAL;
		}
	}
	return 0;
}

static char *
put(char *at, struct slice text)
{
	if (text.len > 0)
		memcpy(at, text.p, text.len);
	return at + text.len;
}

/* The parts are normal and not too long. */
static struct jid
join(const struct parts *parts, struct arena *arena)
{
	const struct slice *v = parts->v;
	char *text = arena_alloc(arena, v[LOCAL].len + v[DOMAIN].len + v[RESOURCE].len + 3);
	char *at = put(text, v[LOCAL]);

	if (v[LOCAL].len > 0)
		*at++ = '@';
	at = put(at, v[DOMAIN]);
	if (v[RESOURCE].len > 0)
		*at++ = '/';
	at = put(at, v[RESOURCE]);
	return (struct jid){ slice_make(text, (size_t)(at - text)), (uint16_t)v[LOCAL].len,
		(uint16_t)v[DOMAIN].len, (uint16_t)v[RESOURCE].len };
}

int
jid_parse_why(struct slice text, struct arena *arena, struct jid *jid_out, const char **why_out)
{
	struct parts parts;
	int r;

	if (parse_plain(text, jid_out))
		return 0;
	if (text.len > 3 * (size_t)LIMIT_JID) {
		*why_out = "The address is too long.";
		return -EINVAL;
	}
	parts = split(text);
	r = prepare(&parts, arena, why_out);
	if (r == 0)
		*jid_out = join(&parts, arena);
	return r;
}

int
jid_parse(struct slice text, struct arena *arena, struct jid *jid_out)
{
	const char *why;

	return jid_parse_why(text, arena, jid_out, &why);
}

int
jid_make(struct slice local, struct slice domain, struct slice resource, struct arena *arena,
	struct jid *jid_out)
{
	struct parts parts = { {
		local.len == 0 ? NO_SLICE : local,
		domain,
		resource.len == 0 ? NO_SLICE : resource,
	} };
	const char *why;
	int r = prepare(&parts, arena, &why);

	if (r == 0)
		*jid_out = join(&parts, arena);
	return r;
}

int
jid_with_resource(
	const struct jid *jid, struct slice resource, struct arena *arena, struct jid *jid_out)
{
	struct parts parts = { { jid->local_len > 0 ? jid_local(jid) : NO_SLICE, jid_domain(jid),
		NO_SLICE } };

	if (prepare_resource(resource, arena, &parts.v[RESOURCE]) < 0)
		return -EINVAL;
	*jid_out = join(&parts, arena);
	return 0;
}

struct jid
jid_copy(const struct jid *jid, struct arena *arena)
{
	struct jid copy = *jid;

	copy.full = arena_copy(arena, jid->full);
	return copy;
}
