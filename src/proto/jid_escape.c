/* Ten characters and their sequences; all other backslashes are ordinary characters. */
#include "proto/jid_escape.h"

#include <errno.h>

static const struct {
	char c, digits[3];
} sequences[] = {
	{ ' ', "20" },
	{ '"', "22" },
	{ '&', "26" },
	{ '\'', "27" },
	{ '/', "2f" },
	{ ':', "3a" },
	{ '<', "3c" },
	{ '>', "3e" },
	{ '@', "40" },
	{ '\\', "5c" },
};

/* A to F only; digits are the same in both cases. */
static char
lower(char c)
{
	return c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
}

/* The character whose sequence begins here, or 0. */
static char
escaped_at(struct slice text, size_t at, bool any_case)
{
	if (text.len - at < 3 || text.p[at] != '\\')
		return 0;
	for (size_t i = 0; i < COUNT_OF(sequences); i++) {
		const char *digits = sequences[i].digits;
		char a = text.p[at + 1], b = text.p[at + 2];

		if (a == digits[0] && (any_case ? lower(b) : b) == digits[1])
			return sequences[i].c;
	}
	return 0;
}

/*
 * The digits for the character here, or NULL if it stays. XEP-0106 4.1: a backslash is escaped
 * where it begins what looks like a sequence. Here that holds for capital digits, too: preparing
 * the JID would make them small, and \2F would then be read as a slash.
 */
static const char *
digits_for(struct slice text, size_t at)
{
	if (text.p[at] == '\\' && escaped_at(text, at, true) == 0)
		return NULL;
	for (size_t i = 0; i < COUNT_OF(sequences); i++) {
		if (text.p[at] == sequences[i].c)
			return sequences[i].digits;
	}
	return NULL;
}

int
jid_escape(struct slice text, struct arena *arena, struct slice *out)
{
	char *made, *at;

	/* XEP-0106 4.1: \20 is neither the first nor the last of a localpart */
	if (text.len == 0 || text.p[0] == ' ' || text.p[text.len - 1] == ' ')
		return -EINVAL;
	made = at = arena_alloc(arena, size_add(size_mul(text.len, 3), 1));
	for (size_t i = 0; i < text.len; i++) {
		const char *digits = digits_for(text, i);

		*at++ = digits == NULL ? text.p[i] : '\\';
		if (digits != NULL) {
			*at++ = digits[0];
			*at++ = digits[1];
		}
	}
	*out = slice_make(made, (size_t)(at - made));
	return 0;
}

struct slice
jid_unescape(struct slice local, struct arena *arena)
{
	char *made, *at;

	if (slice_find(local, '\\') == local.len)
		return local;
	made = at = arena_alloc(arena, local.len + 1);
	for (size_t i = 0; i < local.len; i++) {
		char c = escaped_at(local, i, false);
		bool outermost = i == 0 || i + 3 == local.len;

		if (c == 0 || (c == ' ' && outermost)) {
			*at++ = local.p[i];
			continue;
		}
		*at++ = c;
		i += 2;
	}
	return slice_make(made, (size_t)(at - made));
}
