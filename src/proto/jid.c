/*
 * Addresses, split at the first slash and the first at sign (RFC 7622, 3.1). Plain ASCII in
 * lower case is its own normal form and is only looked at; everything else goes to precis.c.
 */
#include "proto/jid.h"

#include "proto/precis.h"

#include <errno.h>

/*
 * In which parts a byte is its own normal form: L local, D domain, R resource. RFC 7622 3.3.1
 * forbids some ASCII in localparts; capitals change there, so they are not plain.
 */
enum { L = 1, D = 2, R = 4, A = L | D | R, B = L | R };

/* clang-format off */
static const unsigned char plain[128] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	R, B, R, B, B, B, R, R, B, B, B, B, B, A, A, R,
	A, A, A, A, A, A, A, A, A, A, R, B, R, B, R, B,
	R, R, R, R, R, R, R, R, R, R, R, R, R, R, R, R,
	R, R, R, R, R, R, R, R, R, R, R, B, B, B, B, B,
	B, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A,
	A, A, A, A, A, A, A, A, A, A, A, B, B, B, B, 0,
};
/* clang-format on */

static bool
is_plain(struct slice text, unsigned char part)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c >= 128 || (plain[c] & part) == 0)
			return false;
	}
	return true;
}

static bool
has_good_length(struct slice text)
{
	return text.len > 0 && text.len <= LIMIT_JID_PART;
}

/* Labels of 1 to 63 bytes that neither begin nor end with a hyphen. */
static bool
is_plain_domain(struct slice text)
{
	size_t label = 0;

	if (!is_plain(text, D))
		return false;
	for (size_t i = 0; i <= text.len; i++) {
		if (i < text.len && text.p[i] != '.') {
			label++;
			continue;
		}
		if (label == 0 || label > 63 || text.p[i - 1] == '-' || text.p[i - label] == '-')
			return false;
		/* A-labels become U-labels, so they are not plain. */
		if (label > 3 && memcmp(text.p + i - label + 2, "--", 2) == 0)
			return false;
		label = 0;
	}
	return true;
}

int
jid_prepare_local(struct slice text, struct arena *arena, struct slice *out)
{
	if (!has_good_length(text))
		return -EINVAL;
	if (is_plain(text, L)) {
		*out = text;
		return 0;
	}
	return precis_local(text, arena, out);
}

int
jid_prepare_domain(struct slice text, struct arena *arena, struct slice *out)
{
	/* RFC 7622 3.2: a final dot does not belong to the domain. */
	if (text.len > 1 && text.p[text.len - 1] == '.')
		text.len--;
	if (!has_good_length(text))
		return -EINVAL;
	if (is_plain_domain(text)) {
		*out = text;
		return 0;
	}
	return precis_domain(text, arena, out);
}

int
jid_prepare_resource(struct slice text, struct arena *arena, struct slice *out)
{
	if (!has_good_length(text))
		return -EINVAL;
	if (is_plain(text, R)) {
		*out = text;
		return 0;
	}
	return precis_opaque(text, arena, out);
}

struct parts {
	struct slice local, domain, resource; /* p NULL: not there */
};

static struct parts
split(struct slice text)
{
	size_t slash = slice_find(text, '/'), at;
	struct parts parts = { NO_SLICE, slice_make(text.p, slash), NO_SLICE };

	if (slash < text.len)
		parts.resource = slice_from(text, slash + 1);
	at = slice_find(parts.domain, '@');
	if (at < parts.domain.len) {
		parts.local = slice_make(text.p, at);
		parts.domain = slice_from(parts.domain, at + 1);
	}
	return parts;
}

static void
set_lengths(struct jid *jid, const struct parts *parts)
{
	jid->local_len = (uint16_t)parts->local.len;
	jid->domain_len = (uint16_t)parts->domain.len;
	jid->resource_len = (uint16_t)parts->resource.len;
}

static struct jid
join(const struct parts *parts, struct arena *arena)
{
	struct jid jid;

	jid.full = arena_printf(arena, "%.*s%s%.*s%s%.*s", SLICE_ARG(parts->local),
		parts->local.len > 0 ? "@" : "", SLICE_ARG(parts->domain),
		parts->resource.len > 0 ? "/" : "", SLICE_ARG(parts->resource));
	set_lengths(&jid, parts);
	return jid;
}

static int
prepare(struct parts *parts, struct arena *arena, const char **why_out)
{
	*why_out = "The part before the '@' is empty, too long, or has a forbidden character";
	if (parts->local.p != NULL && jid_prepare_local(parts->local, arena, &parts->local) < 0)
		return -EINVAL;
	*why_out = "The domain is no domain";
	if (jid_prepare_domain(parts->domain, arena, &parts->domain) < 0)
		return -EINVAL;
	*why_out = "The resource is empty, too long, or has a forbidden character";
	if (parts->resource.p != NULL &&
		jid_prepare_resource(parts->resource, arena, &parts->resource) < 0)
		return -EINVAL;
	return 0;
}

int
jid_parse_why(struct slice text, struct arena *arena, struct jid *jid_out, const char **why_out)
{
	struct parts raw = split(text), parts = raw;

	if (prepare(&parts, arena, why_out) < 0)
		return -EINVAL;
	if (parts.local.p == raw.local.p && parts.domain.p == raw.domain.p &&
		parts.domain.len == raw.domain.len && parts.resource.p == raw.resource.p) {
		jid_out->full = text;
		set_lengths(jid_out, &parts);
	} else {
		*jid_out = join(&parts, arena);
	}
	return 0;
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
	struct parts parts = {
		local.len == 0 ? NO_SLICE : local,
		domain,
		resource.len == 0 ? NO_SLICE : resource,
	};
	const char *why;

	if (prepare(&parts, arena, &why) < 0)
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
