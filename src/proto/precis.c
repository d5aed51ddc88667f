/*
 * The profiles as chains of steps over UTF-32, with libunistring for what Unicode says of a
 * character and for NFC, and libidn2 for domains.
 */
#include "proto/precis.h"

#include "xml/chars.h"

#include <arpa/inet.h>
#include <errno.h>
#include <idn2.h>
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

enum { MOST_CODES = 1023 };

struct codes {
	uint32_t v[MOST_CODES * 4];
	size_t count;
};

static int
decode(struct slice text, struct codes *codes)
{
	const char *at = text.p, *end = text.p + text.len;

	codes->count = 0;
	if (text.len > MOST_CODES)
		return -EINVAL;
	while (at < end) {
		int len = utf8_decode(at, end, &codes->v[codes->count++]);

		if (len <= 0)
			return -EINVAL;
		at += len;
	}
	return 0;
}

static int
encode(const struct codes *codes, struct arena *arena, struct slice *out)
{
	char *text = arena_alloc(arena, size_mul(codes->count, 4) + 1);
	size_t len = 0;

	for (size_t i = 0; i < codes->count; i++)
		len += utf8_encode(codes->v[i], text + len);
	*out = slice_make(text, len);
	return len > 0 && len <= MOST_CODES ? 0 : -EINVAL;
}

/* One step of libunistring over the whole text. */
static int
replace(struct codes *codes, uint32_t *made, size_t count)
{
	int r = made != NULL && count <= COUNT_OF(codes->v) ? 0 : -EINVAL;

	if (r == 0 && count > 0)
		memcpy(codes->v, made, count * sizeof(*made));
	codes->count = count;
	free(made);
	return r;
}

static int
to_nfc(struct codes *codes)
{
	size_t count = 0;
	uint32_t *made = u32_normalize(UNINORM_NFC, codes->v, codes->count, NULL, &count);

	return replace(codes, made, count);
}

/* RFC 8265 3.3.2: toLowerCase of Unicode, without the tailoring of any language. */
static int
to_lower(struct codes *codes)
{
	size_t count = 0;
	uint32_t *made = u32_tolower(codes->v, codes->count, NULL, NULL, NULL, &count);

	return replace(codes, made, count);
}

/* RFC 8265 3.3.1: full-width and half-width forms become what they are forms of. */
static void
map_width(struct codes *codes)
{
	for (size_t i = 0; i < codes->count; i++) {
		ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];
		int tag, n = uc_decomposition(codes->v[i], &tag, parts);

		if (n == 1 && (tag == UC_DECOMP_WIDE || tag == UC_DECOMP_NARROW))
			codes->v[i] = parts[0];
	}
}

static bool
is_letter_or_digit(ucs4_t c)
{
	return uc_is_general_category_withtable(
		c, UC_CATEGORY_MASK_Ll | UC_CATEGORY_MASK_Lu | UC_CATEGORY_MASK_Lo |
			   UC_CATEGORY_MASK_Nd | UC_CATEGORY_MASK_Lm | UC_CATEGORY_MASK_Mn |
			   UC_CATEGORY_MASK_Mc);
}

/* RFC 8264 9.17: has a compatibility form. */
static bool
has_compat(ucs4_t c)
{
	uint32_t form[64];
	size_t count = COUNT_OF(form);
	uint32_t *made = u32_normalize(UNINORM_NFKC, &c, 1, form, &count);
	bool has = made == NULL || count != 1 || form[0] != c;

	if (made != NULL && made != form)
		free(made);
	return has;
}

/* RFC 8264 9.6: exceptions that are always valid, and those that never are. */
static bool
is_exception(ucs4_t c)
{
	return c == 0xdf || c == 0x3c2 || c == 0x6fd || c == 0x6fe || c == 0xf0b || c == 0x3007;
}

static bool
is_forbidden(ucs4_t c)
{
	return c == 0x640 || c == 0x7fa || c == 0x302e || c == 0x302f ||
	       (c >= 0x3031 && c <= 0x3035) || c == 0x303b ||
	       uc_is_property_default_ignorable_code_point(c) ||
	       uc_is_property_not_a_character(c) || uc_is_general_category(c, UC_CATEGORY_Cc) ||
	       uc_is_general_category(c, UC_CATEGORY_Cn) ||
	       uc_is_general_category(c, UC_CATEGORY_Cs) || (c >= 0x1100 && c <= 0x11ff) ||
	       (c >= 0xa960 && c <= 0xa97f) || (c >= 0xd7b0 && c <= 0xd7ff);
}

static int
script_is(ucs4_t c, const char *name)
{
	const uc_script_t *script = uc_script(c);

	return script != NULL && strcmp(script->name, name) == 0;
}

static bool
is_virama(ucs4_t c)
{
	return uc_combining_class(c) == UC_CCC_VR;
}

/* RFC 5892 A.1: between letters that join, of Arabic or Syriac kind. */
static bool
joins_here(const struct codes *codes, size_t at)
{
	size_t i = at;
	int type = UC_JOINING_TYPE_U;

	while (i > 0 && (type = uc_joining_type(codes->v[i - 1])) == UC_JOINING_TYPE_T)
		i--;
	if (i == 0 || (type != UC_JOINING_TYPE_L && type != UC_JOINING_TYPE_D))
		return false;
	for (i = at + 1; i < codes->count; i++) {
		type = uc_joining_type(codes->v[i]);
		if (type != UC_JOINING_TYPE_T)
			return type == UC_JOINING_TYPE_R || type == UC_JOINING_TYPE_D;
	}
	return false;
}

static bool
has_kana_or_han(const struct codes *codes)
{
	for (size_t i = 0; i < codes->count; i++) {
		if (script_is(codes->v[i], "Hiragana") || script_is(codes->v[i], "Katakana") ||
			script_is(codes->v[i], "Han"))
			return true;
	}
	return false;
}

static bool
has_between(const struct codes *codes, ucs4_t from, ucs4_t to)
{
	for (size_t i = 0; i < codes->count; i++) {
		if (codes->v[i] >= from && codes->v[i] <= to)
			return true;
	}
	return false;
}

/* RFC 5892 A: characters that are valid only where their rule holds. -1: this is none of them. */
static int
context_rule(const struct codes *codes, size_t at)
{
	ucs4_t c = codes->v[at], before = at > 0 ? codes->v[at - 1] : 0;
	ucs4_t after = at + 1 < codes->count ? codes->v[at + 1] : 0;

	switch (c) {
	case 0x200c:
		return (at > 0 && is_virama(before)) || joins_here(codes, at);
	case 0x200d:
		return at > 0 && is_virama(before);
	case 0xb7:
		return before == 'l' && after == 'l';
	case 0x375:
		return after != 0 && script_is(after, "Greek");
	case 0x5f3:
	case 0x5f4:
		return at > 0 && script_is(before, "Hebrew");
	case 0x30fb:
		return has_kana_or_han(codes);
	default:
		if (c >= 0x660 && c <= 0x669)
			return !has_between(codes, 0x6f0, 0x6f9);
		if (c >= 0x6f0 && c <= 0x6f9)
			return !has_between(codes, 0x660, 0x669);
		return -1;
	}
}

/* RFC 8264 4.2 (identifiers) and 4.3 (free form). */
static bool
is_valid_at(const struct codes *codes, size_t at, bool is_free)
{
	ucs4_t c = codes->v[at];
	int rule = context_rule(codes, at);

	if (rule >= 0)
		return rule == 1;
	if (is_exception(c))
		return true;
	if (is_forbidden(c))
		return false;
	if (c >= 0x21 && c <= 0x7e)
		return true;
	if (!is_free)
		return is_letter_or_digit(c) && !has_compat(c);
	return is_letter_or_digit(c) || has_compat(c) ||
	       uc_is_general_category_withtable(
		       c, UC_CATEGORY_MASK_Zs | UC_CATEGORY_MASK_S | UC_CATEGORY_MASK_P |
				  UC_CATEGORY_MASK_Lt | UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_Me);
}

static int
check(const struct codes *codes, bool is_free)
{
	for (size_t i = 0; i < codes->count; i++) {
		if (!is_valid_at(codes, i, is_free))
			return -EINVAL;
	}
	return codes->count > 0 ? 0 : -EINVAL;
}

static bool
is_class(const struct codes *codes, size_t at, unsigned classes)
{
	return (classes >> uc_bidi_class(codes->v[at]) & 1u) != 0;
}

#define BIDI(name) (1u << UC_BIDI_##name)

/* RFC 5893 2: text that is written from right to left may not be mixed at will. */
static int
check_bidi(const struct codes *codes)
{
	unsigned neutral = BIDI(ES) | BIDI(CS) | BIDI(ET) | BIDI(ON) | BIDI(BN) | BIDI(NSM) |
			   BIDI(EN);
	bool has_rtl = false, rtl, en = false, an = false;
	size_t last = codes->count;
	unsigned allowed, ending;

	for (size_t i = 0; i < codes->count; i++)
		has_rtl |= is_class(codes, i, BIDI(R) | BIDI(AL) | BIDI(AN));
	if (!has_rtl)
		return 0;
	rtl = is_class(codes, 0, BIDI(R) | BIDI(AL));
	if (!rtl && !is_class(codes, 0, BIDI(L)))
		return -EINVAL;
	allowed = neutral | (rtl ? BIDI(R) | BIDI(AL) | BIDI(AN) : BIDI(L));
	ending = BIDI(EN) | (rtl ? BIDI(R) | BIDI(AL) | BIDI(AN) : BIDI(L));
	for (size_t i = 0; i < codes->count; i++) {
		if (!is_class(codes, i, allowed))
			return -EINVAL;
		en |= is_class(codes, i, BIDI(EN));
		an |= is_class(codes, i, BIDI(AN));
	}
	while (last > 0 && is_class(codes, last - 1, BIDI(NSM)))
		last--;
	if (last == 0 || !is_class(codes, last - 1, ending) || (rtl && en && an))
		return -EINVAL;
	return 0;
}

/* RFC 7622 3.3.1: ASCII that the profile has and localparts have not. */
static int
check_local_exclusions(const struct codes *codes)
{
	for (size_t i = 0; i < codes->count; i++) {
		if (codes->v[i] < 128 && strchr("\"&'/:<>@", (int)codes->v[i]) != NULL)
			return -EINVAL;
	}
	return 0;
}

static bool
is_same(struct slice a, const struct codes *codes)
{
	static _Thread_local struct codes other;

	return decode(a, &other) == 0 && other.count == codes->count &&
	       memcmp(other.v, codes->v, codes->count * sizeof(codes->v[0])) == 0;
}

/* One pass of UsernameCaseMapped (RFC 8265, 3.3). */
static int
enforce_local(struct codes *codes)
{
	map_width(codes);
	if (to_lower(codes) < 0 || to_nfc(codes) < 0 || check(codes, false) < 0 ||
		check_bidi(codes) < 0)
		return -EINVAL;
	return check_local_exclusions(codes);
}

/* One pass of OpaqueString (RFC 8265, 4.2): other blanks become a space, then NFC. */
static int
enforce_opaque(struct codes *codes)
{
	for (size_t i = 0; i < codes->count; i++) {
		if (codes->v[i] >= 128 && uc_is_general_category(codes->v[i], UC_CATEGORY_Zs))
			codes->v[i] = ' ';
	}
	return to_nfc(codes) < 0 ? -EINVAL : check(codes, true);
}

/* RFC 8264 7: applied until nothing changes; what does not settle is refused. */
static int
settle(struct slice text, struct arena *arena, int (*enforce)(struct codes *), struct slice *out)
{
	enum { PASSES = 4 };
	struct codes codes;

	if (decode(text, &codes) < 0)
		return -EINVAL;
	for (int i = 0; i < PASSES; i++) {
		if (enforce(&codes) < 0 || encode(&codes, arena, out) < 0)
			return -EINVAL;
		if (enforce(&codes) == 0 && is_same(*out, &codes))
			return 0;
	}
	return -EINVAL;
}

int
precis_local(struct slice text, struct arena *arena, struct slice *out)
{
	return settle(text, arena, enforce_local, out);
}

int
precis_opaque(struct slice text, struct arena *arena, struct slice *out)
{
	return settle(text, arena, enforce_opaque, out);
}

/* [2001:db8::1] */
static int
address_literal(struct slice text, struct arena *arena, struct slice *out)
{
	struct in6_addr address;
	char canonical[INET6_ADDRSTRLEN];
	struct slice inner = slice_make(text.p + 1, text.len - 2);

	if (inet_pton(AF_INET6, arena_copy(arena, inner).p, &address) != 1)
		return -EINVAL;
	(void)inet_ntop(AF_INET6, &address, canonical, sizeof(canonical));
	*out = arena_printf(arena, "[%s]", canonical);
	return 0;
}

/* idn2 lets empty labels through, and ASCII that no host name has. */
static bool
is_host_name(struct slice name)
{
	char before = '.';

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c < 128 && c != '.' && c != '-' && !(c >= 'a' && c <= 'z') &&
			!(c >= '0' && c <= '9'))
			return false;
		if (c == '.' && before == '.')
			return false;
		before = (char)c;
	}
	return before != '.';
}

int
precis_domain(struct slice text, struct arena *arena, struct slice *out)
{
	uint8_t *ascii = NULL;
	char *unicode = NULL;
	const char *source;
	int r = -EINVAL;

	if (text.len > 2 && text.p[0] == '[' && text.p[text.len - 1] == ']')
		return address_literal(text, arena, out);
	if (!utf8_is_valid(text) || memchr(text.p, '\0', text.len) != NULL)
		return -EINVAL;
	source = arena_copy(arena, text).p;
	/* Through A-labels and back: both directions check, and mapping happens once. */
	if (idn2_lookup_u8((const uint8_t *)source, &ascii,
		    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
		idn2_to_unicode_8z8z((const char *)ascii, &unicode, 0) == IDN2_OK) {
		*out = arena_copy(arena, slice_of(unicode));
		r = out->len > 0 && out->len <= MOST_CODES ? 0 : -EINVAL;
	}
	if (r == 0 && !is_host_name(*out))
		r = -EINVAL;
	idn2_free(ascii);
	idn2_free(unicode);
	return r;
}
