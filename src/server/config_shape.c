/*
 * Whether everything that a configuration opens is closed in the same file. libconfuse takes the
 * end of a file for the end of whatever is open, so half a file, as a full disk leaves it, would
 * pass for a whole one. Words, strings and comments are told apart as libconfuse does it.
 */
#include "server/config.h"

#include <errno.h>

enum { DEPTH_MOST = 8 };

struct shape {
	struct slice text;
	const char *name;
	struct config_error *error;
	size_t at;
	unsigned line;
	unsigned depth;
	unsigned opened[DEPTH_MOST]; /* lines of the braces that are open */
};

static int
complain(struct shape *s, unsigned line, const char *sentence)
{
	(void)snprintf(
		s->error->text, sizeof(s->error->text), "%.200s:%u: %s", s->name, line, sentence);
	return -EINVAL;
}

static int
complain_of_string(struct shape *s, unsigned line, char quote)
{
	return complain(s, line,
		quote == '"' ? "the text that begins here has no end; add the missing \""
			     : "the text that begins here has no end; add the missing '");
}

static char
look(const struct shape *s, size_t ahead)
{
	return s->text.len - s->at > ahead ? s->text.p[s->at + ahead] : '\0';
}

static void
skip(struct shape *s, size_t count)
{
	for (; count > 0 && s->at < s->text.len; count--)
		s->line += s->text.p[s->at++] == '\n';
}

/* The length of ${NAME}; 0: here is none. */
static size_t
variable(const struct shape *s)
{
	struct slice rest = slice_from(s->text, s->at);
	size_t end = slice_find(rest, '}');

	return look(s, 0) == '$' && look(s, 1) == '{' && end < rest.len ? end + 1 : 0;
}

static int
take_string(struct shape *s, char quote)
{
	unsigned line = s->line;

	for (skip(s, 1); s->at < s->text.len && look(s, 0) != quote;) {
		size_t n = quote == '"' ? variable(s) : 0;

		if (look(s, 0) == '\\' && quote == '"' && look(s, 1) >= '0' && look(s, 1) <= '9')
			return complain(s, s->line,
				"a backslash with a digit means no character; write the character "
				"itself, or two backslashes");
		skip(s, n > 0 ? n : look(s, 0) == '\\' ? 2 : 1);
	}
	if (s->at == s->text.len)
		return complain_of_string(s, line, quote);
	skip(s, 1);
	return 0;
}

static int
take_comment(struct shape *s)
{
	unsigned line = s->line;

	for (skip(s, 2); s->at < s->text.len; skip(s, 1)) {
		if (look(s, 0) == '*' && look(s, 1) == '/') {
			skip(s, 2);
			return 0;
		}
	}
	return complain(s, line, "the comment that begins here has no end; add the missing */");
}

static int
take_brace(struct shape *s)
{
	bool opens = look(s, 0) == '{';

	if (!opens && s->depth == 0)
		return complain(s, s->line,
			"this } closes nothing; remove it, or look above for one too many");
	if (opens && s->depth == DEPTH_MOST)
		return complain(s, s->line, "too many { are open; close a section with }");
	if (opens)
		s->opened[s->depth++] = s->line;
	else
		s->depth--;
	skip(s, 1);
	return 0;
}

/* Within a word, slashes begin no comment, and a dollar no variable. */
static void
take_word(struct shape *s)
{
	size_t start = s->at;

	while (s->at < s->text.len && strchr(" #\"'\t\n\r={}()+,*", look(s, 0)) == NULL)
		s->at++;
	if (s->at == start)
		skip(s, 1);
}

static int
take_token(struct shape *s)
{
	char c = look(s, 0), next = look(s, 1);
	size_t n = variable(s);

	if (c == '"' || c == '\'')
		return take_string(s, c);
	if (c == '/' && next == '*')
		return take_comment(s);
	if (c == '{' || c == '}')
		return take_brace(s);
	if (c == '#' || (c == '/' && next == '/'))
		skip(s, slice_find(slice_from(s->text, s->at), '\n'));
	else if (n > 0)
		skip(s, n);
	else
		take_word(s);
	return 0;
}

int
config_check_shape(struct slice text, const char *name, struct config_error *error)
{
	struct shape s = { .text = text, .name = name, .error = error, .line = 1 };
	int r = 0;

	if (slice_find(text, '\0') < text.len)
		return complain(&s, 1, "there are zero bytes in it; give a text file");
	while (r == 0 && s.at < text.len)
		r = take_token(&s);
	if (r == 0 && s.depth > 0)
		r = complain(&s, s.opened[s.depth - 1],
			"the { that is opened here is never closed; add a } behind its last line");
	return r;
}
