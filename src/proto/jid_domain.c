/*
 * Plain ASCII names are handled here. For all others libidn2 maps as UTS 46 says (width, case,
 * NFC; non-transitional, so that ß and final sigma stay), and then judges the result without any
 * mapping, as IDNA 2008 does: UTS 46 alone would let symbols and emoji pass.
 */
#include "proto/jid_domain.h"

#include "proto/precis.h"
#include "xml/chars.h"

#include <arpa/inet.h>
#include <errno.h>
#include <idn2.h>

enum { LABEL_MAX = 63, DOMAIN_MAX = 1023 };

/* What labels consist of. */
/* clang-format off */
static const bool is_label_byte[256] = {
	['-'] = true,
	['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true,
	['5'] = true, ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true,
	['a'] = true, ['b'] = true, ['c'] = true, ['d'] = true, ['e'] = true, ['f'] = true,
	['g'] = true, ['h'] = true, ['i'] = true, ['j'] = true, ['k'] = true, ['l'] = true,
	['m'] = true, ['n'] = true, ['o'] = true, ['p'] = true, ['q'] = true, ['r'] = true,
	['s'] = true, ['t'] = true, ['u'] = true, ['v'] = true, ['w'] = true, ['x'] = true,
	['y'] = true, ['z'] = true,
};
/* clang-format on */

/* The end of a label of letters, digits and hyphens: NULL if it is empty, too long, begins or
 * ends with a hyphen, or has two where A-labels have them (RFC 5890 2.3.1). */
static const char *
label_end(const char *p, const char *end)
{
	const char *at = p;
	size_t len;

	while (at < end && is_label_byte[(unsigned char)*at])
		at++;
	len = (size_t)(at - p);
	if (len == 0 || len > LABEL_MAX || *p == '-' || at[-1] == '-')
		return NULL;
	return len > 3 && p[2] == '-' && p[3] == '-' ? NULL : at;
}

const char *
jid_domain_end(const char *p, const char *end)
{
	p = label_end(p, end);
	while (p != NULL && p < end && *p == '.')
		p = label_end(p + 1, end);
	return p;
}

/* [2001:db8::1], as inet_ntop writes it (RFC 5952). */
static int
prepare_literal(struct slice text, struct arena *arena, struct slice *out)
{
	struct in6_addr address;
	char canonical[INET6_ADDRSTRLEN];
	struct slice inner = arena_copy(arena, slice_make(text.p + 1, text.len - 2));

	if (inet_pton(AF_INET6, inner.p, &address) != 1)
		return -EINVAL;
	(void)inet_ntop(AF_INET6, &address, canonical, sizeof(canonical));
	*out = arena_printf(arena, "[%s]", canonical);
	return 0;
}

/* A copy with ASCII in lower case. */
static struct slice
lowered(struct slice text, struct arena *arena)
{
	char *copy = arena_alloc(arena, size_add(text.len, 1));

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		copy[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	return slice_make(copy, text.len);
}

/* RFC 7622 3.2: a final dot is not part of the domain. */
static struct slice
without_final_dot(struct slice text)
{
	if (text.len > 1 && text.p[text.len - 1] == '.')
		text.len--;
	return text;
}

static bool
is_plain(struct slice text)
{
	return text.len > 0 && text.len <= DOMAIN_MAX &&
	       jid_domain_end(text.p, text.p + text.len) == text.p + text.len;
}

/* libidn2 lets through empty labels, and ASCII that no host name has. */
static bool
is_host_name(struct slice text)
{
	char before = '.';

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c > 0 && c != '.' && !is_label_byte[(unsigned char)c])
			return false;
		if (c == '.' && before == '.')
			return false;
		before = c;
	}
	return before != '.';
}

/* Whether it consists of U-labels and plain ones as IDNA 2008 wants them; NUL-terminated. */
static bool
is_strict(const char *text)
{
	uint8_t *ascii = NULL;
	int r = idn2_lookup_u8((const uint8_t *)text, &ascii, IDN2_NFC_INPUT | IDN2_NO_TR46);

	idn2_free(ascii);
	return r == IDN2_OK;
}

/* Through A-labels and back, so that both ways to write a name have one result. */
static int
prepare_international(const char *text, struct arena *arena, struct slice *out)
{
	uint8_t *ascii = NULL;
	char *unicode = NULL;
	struct slice made = NO_SLICE;

	if (idn2_lookup_u8((const uint8_t *)text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) ==
			IDN2_OK &&
		idn2_to_unicode_8z8z((const char *)ascii, &unicode, 0) == IDN2_OK)
		made = arena_copy(arena, slice_of(unicode));
	idn2_free(ascii);
	idn2_free(unicode);
	if (made.p == NULL || made.len == 0 || !is_strict(made.p))
		return -EINVAL;
	made = without_final_dot(made);
	if (!is_host_name(made))
		return -EINVAL;
	*out = made;
	return made.len <= DOMAIN_MAX ? 0 : -EMSGSIZE;
}

int
jid_domain_prepare(struct slice text, struct arena *arena, struct slice *out)
{
	struct slice plain;

	if (text.len > PRECIS_RAW_MAX)
		return -EMSGSIZE;
	if (!utf8_is_valid(text))
		return -EILSEQ;
	if (text.len == 0 || slice_find(text, '\0') < text.len)
		return -EINVAL;
	if (text.p[0] == '[' && text.p[text.len - 1] == ']' && text.len > 2)
		return prepare_literal(text, arena, out);
	text = lowered(text, arena);
	plain = without_final_dot(text);
	if (is_plain(plain)) {
		*out = plain;
		return 0;
	}
	return prepare_international(text.p, arena, out);
}

struct slice
jid_domain_ascii(struct slice domain, struct arena *arena)
{
	struct slice result = arena_copy(arena, domain);
	uint8_t *ascii = NULL;

	if (!is_plain(domain) &&
		idn2_lookup_u8((const uint8_t *)result.p, &ascii, IDN2_NFC_INPUT) == IDN2_OK)
		result = arena_copy(arena, slice_of((const char *)ascii));
	idn2_free(ascii);
	return result;
}
