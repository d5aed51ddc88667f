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

int
utf8_decode(const char *p, const char *end, uint32_t *code_out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)*p;
	int len = first < 0x80 ? 1 : first < 0xc2 ? -1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t code;

	if (len == -1 || first > 0xf4)
		return -1;
	code = len == 1 ? first : first & (0xffu >> (len + 1));
	for (int i = 1; i < len; i++) {
		if (p + i == end)
			return 0;
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return -1;
		code = code << 6 | ((unsigned char)p[i] & 0x3f);
	}
	if (code < least[len] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return -1;
	*code_out = code;
	return len;
}

size_t
utf8_encode(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

bool
utf8_is_valid(struct slice text)
{
	const char *at = text.p, *end = text.p + text.len;
	uint32_t code;

	while (at < end) {
		int len = utf8_decode(at, end, &code);

		if (len <= 0)
			return false;
		at += len;
	}
	return true;
}

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
