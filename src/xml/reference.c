/* Numbers are checked against production 2 of XML: a reference cannot smuggle a control in. */
#include "xml/reference.h"

#include "xml/chars.h"

bool
reference_cut(struct slice *text)
{
	for (size_t i = 0; i < text->len; i++) {
		if (text->p[i] == ';') {
			text->len = i;
			return true;
		}
	}
	return false;
}

bool
reference_is_possible(struct slice name, bool ended)
{
	for (size_t i = 0; i < name.len; i++) {
		unsigned kind = xml_byte_kinds[(unsigned char)name.p[i]];

		if (i == 0 && (name.p[0] == '#' || (kind & XML_BYTE_NAME_START)))
			continue;
		if (i == 0 || !(kind & XML_BYTE_NAME))
			return false;
	}
	return name.len > 0 || !ended;
}

/* 0: it is none of the five. */
static char
entity_value(struct slice name)
{
	switch (name.len) {
	case 2:
		if (name.p[1] == 't')
			return name.p[0] == 'l' ? '<' : name.p[0] == 'g' ? '>' : 0;
		return 0;
	case 3:
		return memcmp(name.p, "amp", 3) == 0 ? '&' : 0;
	case 4:
		if (memcmp(name.p, "apos", 4) == 0)
			return '\'';
		return memcmp(name.p, "quot", 4) == 0 ? '"' : 0;
	default:
		return 0;
	}
}

/* The value of a digit, or the base when it is none. */
static uint32_t
digit_value(char c, uint32_t base)
{
	char low = (char)(c | 0x20);

	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0');
	return base == 16 && low >= 'a' && low <= 'f' ? (uint32_t)(low - 'a') + 10 : base;
}

/* 0, which is no character of XML, when it is no number. */
static uint32_t
number_value(struct slice digits, uint32_t base)
{
	uint32_t code = 0;

	for (size_t i = 0; i < digits.len; i++) {
		uint32_t digit = digit_value(digits.p[i], base);

		if (digit == base || code > 0x10ffff)
			return 0;
		code = code * base + digit;
	}
	return code;
}

size_t
reference_decode(struct slice name, char out[REFERENCE_TEXT])
{
	uint32_t code;

	if (name.len == 0 || name.p[0] != '#') {
		out[0] = entity_value(name);
		return out[0] != 0;
	}
	if (name.len > 1 && name.p[1] == 'x')
		code = number_value(slice_from(name, 2), 16);
	else
		code = number_value(slice_from(name, 1), 10);
	return code > 0 && xml_is_char(code) ? utf8_encode(code, out) : 0;
}
