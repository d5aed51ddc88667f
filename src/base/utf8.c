/* Four lengths of characters, each with its least code. */
#include "base/utf8.h"

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

bool
utf8_is_plain(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	return code != 0x200e && code != 0x200f && (code < 0x2028 || code > 0x202e) &&
	       (code < 0x2066 || code > 0x2069) && code != 0xfeff;
}
