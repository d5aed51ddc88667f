/* Escaping keeps a line a line, whatever is in its words. */
#include "proto/control_line.h"

#include <errno.h>

static const char plain[] = "\\\t\n\r";
static const char escaped[] = "\\tnr";

void
control_put_word(struct buffer *line, struct slice word, bool is_first)
{
	size_t done = 0;

	if (!is_first)
		(void)buffer_text(line, "\t");
	for (size_t i = 0; i < word.len; i++) {
		const char *hit = memchr(plain, word.p[i], sizeof(plain) - 1);

		if (hit == NULL)
			continue;
		(void)buffer_append(line, slice_make(word.p + done, i - done));
		(void)buffer_append(
			line, slice_make((const char[]){ '\\', escaped[hit - plain] }, 2));
		done = i + 1;
	}
	if (done < word.len)
		(void)buffer_append(line, slice_from(word, done));
}

/* The word may only become shorter. */
static size_t
unescape(struct slice word, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < word.len; i++) {
		const char *hit = NULL;

		if (word.p[i] == '\\' && i + 1 < word.len)
			hit = memchr(escaped, word.p[i + 1], sizeof(escaped) - 1);
		out[len++] = hit == NULL ? word.p[i] : plain[hit - escaped];
		i += hit != NULL;
	}
	return len;
}

struct slice
control_take_word(struct slice *line, struct arena *arena)
{
	size_t end = slice_find(*line, '\t');
	char *word = arena_alloc(arena, end + 1);
	size_t len = unescape(slice_make(line->p, end), word);

	*line = end < line->len ? slice_from(*line, end + 1) : NO_SLICE;
	return slice_make(word, len);
}

void
control_put_field(struct buffer *line, const struct control_field *field, bool is_first)
{
	const char kind = (char)field->kind;

	control_put_word(line, slice_make(&kind, 1), is_first);
	control_put_word(line, field->name, true);
	(void)buffer_text(line, "=");
	control_put_word(line, field->value, true);
}

int
control_read_field(struct slice word, struct control_field *field_out)
{
	size_t equals = slice_find(word, '=');

	if (equals < 2 || equals == word.len || memchr("snb-ie", word.p[0], 6) == NULL)
		return -EINVAL;
	*field_out = (struct control_field){
		.kind = (enum control_kind)(unsigned char)word.p[0],
		.name = slice_make(word.p + 1, equals - 1),
		.value = slice_from(word, equals + 1),
	};
	return 0;
}
