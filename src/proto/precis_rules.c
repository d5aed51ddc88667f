/*
 * Each rule takes one walk over the text, however it is written: what a rule asks of the text as
 * a whole is collected first.
 */
#include "proto/precis_rules.h"

#include <unictype.h>

enum precis_class
precis_class_of(uint32_t code)
{
	size_t low = 0, high = precis_table_count;
	enum precis_class class;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (precis_table[middle] >> 3 <= code)
			low = middle;
		else
			high = middle;
	}
	class = (enum precis_class)(precis_table[low] & 7);
	if (class == PRECIS_DISALLOWED || code < 0x80)
		return class;
	return uc_is_general_category(code, UC_CATEGORY_Cn) ? PRECIS_UNASSIGNED : class;
}

static bool
script_is(uint32_t code, const char *name)
{
	return uc_is_script(code, uc_script_byname(name));
}

static bool
is_virama(uint32_t code)
{
	return uc_combining_class(code) == UC_CCC_VR;
}

/* What three of the rules ask of the whole text. */
struct seen {
	bool japanese, arabic_digit, extended_digit;
};

static bool
is_arabic_digit(uint32_t code)
{
	return code >= 0x660 && code <= 0x669;
}

static bool
is_extended_digit(uint32_t code)
{
	return code >= 0x6f0 && code <= 0x6f9;
}

static struct seen
look_at(const struct codes *codes)
{
	struct seen seen = { 0 };

	for (size_t i = 0; i < codes->count; i++) {
		uint32_t code = codes->v[i];

		seen.arabic_digit |= is_arabic_digit(code);
		seen.extended_digit |= is_extended_digit(code);
		if (!seen.japanese && code > 0x2e00)
			seen.japanese = script_is(code, "Han") || script_is(code, "Hiragana") ||
					script_is(code, "Katakana");
	}
	return seen;
}

/* RFC 5892 A.1: also between letters that join, over transparent ones. */
static bool
joins_here(const struct codes *codes, size_t at)
{
	int type = UC_JOINING_TYPE_U;

	for (size_t i = at; i-- > 0;) {
		type = uc_joining_type(codes->v[i]);
		if (type != UC_JOINING_TYPE_T)
			break;
	}
	if (type != UC_JOINING_TYPE_L && type != UC_JOINING_TYPE_D)
		return false;
	for (size_t i = at + 1; i < codes->count; i++) {
		type = uc_joining_type(codes->v[i]);
		if (type != UC_JOINING_TYPE_T)
			return type == UC_JOINING_TYPE_R || type == UC_JOINING_TYPE_D;
	}
	return false;
}

static bool
rule_holds(const struct codes *codes, size_t at, struct seen seen)
{
	uint32_t code = codes->v[at], before = at > 0 ? codes->v[at - 1] : 0;
	uint32_t after = at + 1 < codes->count ? codes->v[at + 1] : 0;

	switch (code) {
	case 0x200c: /* A.1 zero width non-joiner */
		return is_virama(before) || joins_here(codes, at);
	case 0x200d: /* A.2 zero width joiner */
		return is_virama(before);
	case 0xb7: /* A.3 middle dot, as in Catalan */
		return before == 'l' && after == 'l';
	case 0x375: /* A.4 Greek lower numeral sign */
		return script_is(after, "Greek");
	case 0x5f3: /* A.5 geresh */
	case 0x5f4: /* A.6 gershayim */
		return script_is(before, "Hebrew");
	case 0x30fb: /* A.7 katakana middle dot */
		return seen.japanese;
	default: /* A.8 and A.9: digits of one kind only */
		return (is_arabic_digit(code) && !seen.extended_digit) ||
		       (is_extended_digit(code) && !seen.arabic_digit);
	}
}

bool
precis_context_holds(const struct codes *codes)
{
	struct seen seen = look_at(codes);

	for (size_t i = 0; i < codes->count; i++) {
		enum precis_class class = precis_class_of(codes->v[i]);

		if ((class == PRECIS_CONTEXTJ || class == PRECIS_CONTEXTO) &&
			!rule_holds(codes, i, seen))
			return false;
	}
	return true;
}

#define BIDI(name) (1u << UC_BIDI_##name)

static unsigned
bidi_of(uint32_t code)
{
	return 1u << uc_bidi_class(code);
}

bool
precis_bidi_holds(const struct codes *codes)
{
	const unsigned neutral = BIDI(EN) | BIDI(ES) | BIDI(CS) | BIDI(ET) | BIDI(ON) | BIDI(BN);
	const unsigned right = BIDI(R) | BIDI(AL) | BIDI(AN);
	unsigned all = 0, first, last = 0;

	for (size_t i = 0; i < codes->count; i++) {
		unsigned bidi = bidi_of(codes->v[i]);

		all |= bidi;
		if (bidi != BIDI(NSM))
			last = bidi;
	}
	if ((all & right) == 0)
		return true;
	/* rule 1: the first character decides; L is no way out, for rule 5 has no right part */
	first = bidi_of(codes->v[0]);
	if (first != BIDI(R) && first != BIDI(AL))
		return false;
	/* rules 2 to 4 */
	return (all & ~(right | neutral | BIDI(NSM))) == 0 && (last & (right | BIDI(EN))) != 0 &&
	       (all & (BIDI(EN) | BIDI(AN))) != (BIDI(EN) | BIDI(AN));
}
