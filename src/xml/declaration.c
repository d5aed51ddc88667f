/*
 * It is read when it is whole: it is short, and a byte that it cannot have ends the wait. Three
 * attributes in a fixed order, each with a check of its own.
 */
#include "xml/declaration.h"

#include "xml/chars.h"

#include <strings.h>

static enum parse_result
check_version(struct parser *p, struct slice value)
{
	if (slice_is_text(value, "1.0"))
		return PARSE_DONE;
	return parse_fail(p, XML_UNSUPPORTED_VERSION, "XMPP is XML 1.0");
}

static enum parse_result
check_encoding(struct parser *p, struct slice value)
{
	/* RFC 6120, 11.6 */
	if (value.len == 5 && strncasecmp(value.p, "utf-8", 5) == 0)
		return PARSE_DONE;
	return parse_fail(p, XML_UNSUPPORTED_ENCODING, "XMPP is written in UTF-8");
}

static enum parse_result
check_standalone(struct parser *p, struct slice value)
{
	if (slice_is_text(value, "yes") || slice_is_text(value, "no"))
		return PARSE_DONE;
	return parse_malformed(p, "A declaration's standalone is yes or no");
}

struct part {
	const char *name;
	bool required;
	enum parse_result (*check)(struct parser *p, struct slice value);
};

static const struct part parts[] = {
	{ "version", true, check_version },
	{ "encoding", false, check_encoding },
	{ "standalone", false, check_standalone },
};

/* Steps over white space, '=', white space and a quoted value. False: that is not there. */
static bool
take_value(struct slice *rest, struct slice *value_out)
{
	struct slice r = slice_from(*rest, xml_count_space(*rest));
	size_t end;

	if (r.len == 0 || r.p[0] != '=')
		return false;
	r = slice_from(r, 1);
	r = slice_from(r, xml_count_space(r));
	if (r.len == 0 || (r.p[0] != '\'' && r.p[0] != '"'))
		return false;
	end = slice_find(slice_from(r, 1), r.p[0]);
	if (1 + end == r.len)
		return false;
	*value_out = slice_make(r.p + 1, end);
	*rest = slice_from(r, end + 2);
	return true;
}

/* What stands between "<?xml" and "?>". */
static enum parse_result
read_parts(struct parser *p, struct slice rest)
{
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		struct slice name = slice_of(parts[i].name), value;
		size_t space = xml_count_space(rest);
		enum parse_result r;

		if (space == 0 || !slice_starts(slice_from(rest, space), name)) {
			if (parts[i].required)
				return parse_malformed(p, "A declaration has no version");
			continue;
		}
		rest = slice_from(rest, space + name.len);
		if (!take_value(&rest, &value))
			return parse_malformed(p, "A declaration's value is malformed");
		r = parts[i].check(p, value);
		if (r != PARSE_DONE)
			return r;
	}
	if (xml_count_space(rest) < rest.len)
		return parse_malformed(p, "A declaration has something unknown");
	return PARSE_DONE;
}

/* How many bytes at the beginning can belong to a declaration. */
static size_t
count_possible(struct slice text)
{
	size_t n = 0;

	while (n < text.len && text.p[n] != '?' &&
		(xml_is_space(text.p[n]) ||
			(xml_byte_kinds[(unsigned char)text.p[n]] & XML_BYTE_NAME) ||
			text.p[n] == '=' || text.p[n] == '\'' || text.p[n] == '"' ||
			text.p[n] == ':'))
		n++;
	return n;
}

enum parse_result
declaration_read(struct parser *p, struct slice input, size_t *len_out)
{
	static const char opening[] = "<?xml";
	enum { OPENING = sizeof(opening) - 1 };
	struct slice rest;
	size_t n;

	*len_out = 0;
	if (memcmp(input.p, opening, input.len < OPENING ? input.len : OPENING) != 0)
		return PARSE_DONE;
	if (input.len <= OPENING)
		return PARSE_MORE;
	if (!xml_is_space(input.p[OPENING]))
		return PARSE_DONE; /* an instruction of another name */
	rest = slice_from(input, OPENING);
	n = count_possible(rest);
	if (n < rest.len && rest.p[n] != '?')
		return parse_malformed(p, "The XML declaration is malformed");
	if (rest.len - n < 2)
		return PARSE_MORE;
	if (rest.p[n + 1] != '>')
		return parse_malformed(p, "The XML declaration is malformed");
	*len_out = OPENING + n + 2;
	return read_parts(p, slice_make(rest.p, n));
}
