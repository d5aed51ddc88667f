/*
 * A profile is a chain of steps over code points. libunistring knows the characters and their
 * normal forms; which of them are allowed stands in the generated table.
 *
 * What is disallowed is looked for twice: before anything is mapped (RFC 8265 3.3.2, so that the
 * Kelvin sign does not become an accepted k) and in the result, where the rules that depend on
 * neighbours hold or not.
 */
#include "proto/precis.h"

#include "proto/precis_rules.h"
#include "xml/chars.h"

#include <errno.h>
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

/*
 * The text, and room for the next step's result. No text has more code points at any step than
 * it had bytes: what becomes n of them took n bytes before. The library may want a little more.
 */
struct work {
	struct codes codes, spare;
	size_t room;
};

static int
decode(struct slice text, struct arena *arena, struct work *work)
{
	const char *at = text.p, *end = text.p + text.len;

	if (text.len > PRECIS_RAW_MAX)
		return -EMSGSIZE;
	*work = (struct work){ .room = 2 * text.len + 16 };
	work->codes.v = arena_array(arena, work->room, uint32_t);
	work->spare.v = arena_array(arena, work->room, uint32_t);
	while (at < end) {
		int len = utf8_decode(at, end, &work->codes.v[work->codes.count++]);

		if (len <= 0)
			return -EILSEQ;
		at += len;
	}
	return work->codes.count > 0 ? 0 : -EINVAL;
}

static int
encode(const struct codes *codes, struct arena *arena, struct slice *out)
{
	char *text = arena_alloc(arena, size_add(size_mul(codes->count, 4), 1));
	size_t len = 0;

	for (size_t i = 0; i < codes->count; i++)
		len += utf8_encode(codes->v[i], text + len);
	if (len > PRECIS_MAX)
		return -EMSGSIZE;
	*out = slice_make(text, len);
	return 0;
}

/* What a step made becomes the text. made is spare.v, unless it found no room there. */
static int
advance(struct work *work, uint32_t *made, size_t count)
{
	struct codes old = work->codes;

	if (made != work->spare.v) {
		free(made);
		return -EMSGSIZE;
	}
	work->codes = (struct codes){ made, count };
	work->spare = (struct codes){ old.v, 0 };
	return 0;
}

static int
to_nfc(struct work *work)
{
	size_t count = work->room;
	uint32_t *made = u32_normalize(
		UNINORM_NFC, work->codes.v, work->codes.count, work->spare.v, &count);

	return advance(work, made, count);
}

/* RFC 8265 3.3.1: toLowerCase of Unicode, final sigma included, of no language in particular. */
static int
to_lower(struct work *work)
{
	size_t count = work->room;
	uint32_t *made = u32_tolower(
		work->codes.v, work->codes.count, NULL, NULL, work->spare.v, &count);

	return advance(work, made, count);
}

/* RFC 8265 3.3.1: full-width and half-width forms become what they are forms of. */
static void
map_width(struct codes *codes)
{
	for (size_t i = 0; i < codes->count; i++) {
		ucs4_t form[UC_DECOMPOSITION_MAX_LENGTH];
		int tag, n;

		if (codes->v[i] < 0x3000)
			continue;
		n = uc_decomposition(codes->v[i], &tag, form);
		if (n == 1 && (tag == UC_DECOMP_WIDE || tag == UC_DECOMP_NARROW))
			codes->v[i] = form[0];
	}
}

/* RFC 8265 4.2: all blanks are U+0020. */
static void
map_blanks(struct codes *codes)
{
	for (size_t i = 0; i < codes->count; i++) {
		if (codes->v[i] > 0x7f && uc_is_general_category(codes->v[i], UC_CATEGORY_Zs))
			codes->v[i] = ' ';
	}
}

/* Whether all characters are of the class, without a look at their neighbours. */
static bool
is_allowed(const struct codes *codes, bool is_free)
{
	for (size_t i = 0; i < codes->count; i++) {
		enum precis_class class = precis_class_of(codes->v[i]);

		if (class <= PRECIS_DISALLOWED || (class == PRECIS_FREE && !is_free))
			return false;
	}
	return true;
}

static int
check(const struct codes *codes, bool is_free)
{
	return is_allowed(codes, is_free) && precis_context_holds(codes) ? 0 : -EINVAL;
}

/* RFC 8265 3.3.3 */
static int
enforce_username(struct work *work)
{
	int r;

	map_width(&work->codes);
	if (!is_allowed(&work->codes, false))
		return -EINVAL;
	r = to_lower(work);
	if (r == 0)
		r = to_nfc(work);
	if (r == 0)
		r = check(&work->codes, false);
	if (r == 0 && !precis_bidi_holds(&work->codes))
		r = -EDOM;
	return r;
}

/* RFC 8265 4.2 */
static int
enforce_opaque(struct work *work)
{
	int r;

	if (!is_allowed(&work->codes, true))
		return -EINVAL;
	map_blanks(&work->codes);
	r = to_nfc(work);
	return r < 0 ? r : check(&work->codes, true);
}

static bool
is_same(const struct codes *codes, struct slice before)
{
	return codes->count * sizeof(*codes->v) == before.len &&
	       memcmp(codes->v, before.p, before.len) == 0;
}

/* RFC 8264 7: until nothing changes any more; what does not settle is refused. */
static int
settle(struct slice text, struct arena *arena, int (*enforce)(struct work *), struct slice *out)
{
	enum { ROUNDS = 4 };
	struct work work;
	int r = decode(text, arena, &work);

	for (int i = 0; r == 0 && i < ROUNDS; i++) {
		struct slice before = arena_copy(
			arena, slice_make((const char *)work.codes.v,
				       work.codes.count * sizeof(*work.codes.v)));

		r = enforce(&work);
		if (r == 0 && is_same(&work.codes, before))
			return encode(&work.codes, arena, out);
	}
	return r < 0 ? r : -EINVAL;
}

int
precis_username(struct slice text, struct arena *arena, struct slice *out)
{
	return settle(text, arena, enforce_username, out);
}

int
precis_opaque(struct slice text, struct arena *arena, struct slice *out)
{
	return settle(text, arena, enforce_opaque, out);
}
