/* Tables and ranges of characters. */
#include "xml/chars.h"

enum { S = XML_BYTE_NAME_START | XML_BYTE_NAME, N = XML_BYTE_NAME, W = XML_BYTE_SPACE };

/* Eight rows of sixteen; nothing beyond ASCII. */
/* clang-format off */
const uint8_t xml_byte_kinds[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, W, W, 0, 0, W, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	W, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, N, N, 0, /* - . */
	N, N, N, N, N, N, N, N, N, N, 0, 0, 0, 0, 0, 0, /* 0 to 9 */
	0, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, /* A */
	S, S, S, S, S, S, S, S, S, S, S, 0, 0, 0, 0, S, /* to Z, _ */
	0, S, S, S, S, S, S, S, S, S, S, S, S, S, S, S, /* a */
	S, S, S, S, S, S, S, S, S, S, S, 0, 0, 0, 0, 0, /* to z */
};
/* clang-format on */

static bool
is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/*
 * Characters of two and three bytes whose first byte tells that whatever follows is allowed: most
 * of the world's writing, and the ASCII that stands among it. The odd ranges behind E0, ED, EF and
 * F0 are left to the decoder.
 */
static const char *
skip_usual(const char *at, const char *end)
{
	while (end - at >= 3) {
		unsigned char first = (unsigned char)at[0];

		if (first == ' ' || (xml_byte_kinds[first] & XML_BYTE_NAME))
			at++;
		else if (first >= 0xc2 && first <= 0xdf && is_continuation(at[1]))
			at += 2;
		else if (first >= 0xe1 && first <= 0xec && is_continuation(at[1]) &&
			 is_continuation(at[2]))
			at += 3;
		else
			break;
	}
	return at;
}

const char *
xml_skip_foreign(const char *at, const char *end)
{
	at = skip_usual(at, end);
	while (at < end && (unsigned char)*at >= 0x80) {
		uint32_t code;
		int len = utf8_decode(at, end, &code);

		if (len <= 0 || !xml_is_char(code))
			break;
		at = skip_usual(at + len, end);
	}
	return at;
}

struct range {
	uint32_t from, to;
};

static const struct range letters[] = {
	{ 0xc0, 0xd6 },
	{ 0xd8, 0xf6 },
	{ 0xf8, 0x131 },
	{ 0x3a3, 0x3ce },
	{ 0x40e, 0x44f },
	{ 0x5d0, 0x5ea },
	{ 0x621, 0x63a },
	{ 0x3041, 0x3094 },
	{ 0x30a1, 0x30fa },
	{ 0x4e00, 0x9fa5 },
	{ 0xac00, 0xd7a3 },
};

static bool
is_letter(uint32_t code)
{
	for (size_t i = 0; i < COUNT_OF(letters); i++) {
		if (code >= letters[i].from && code <= letters[i].to)
			return true;
	}
	return false;
}

bool
xml_is_name_start(uint32_t code)
{
	return code < 0x80 ? (xml_byte_kinds[code] & XML_BYTE_NAME_START) != 0 : is_letter(code);
}

bool
xml_is_name_char(uint32_t code)
{
	/* U+00B7 is an Extender of the fourth edition and a NameChar of the fifth. */
	return code < 0x80 ? (xml_byte_kinds[code] & XML_BYTE_NAME) != 0
			   : code == 0xb7 || is_letter(code);
}
