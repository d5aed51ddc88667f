/*
 * The lines between kithctl and a server, as both write and read them. A line is words with tabs
 * between; in a word, backslash, tab and the line ends are written as \\, \t, \n and \r, so a word
 * may be any bytes. A request is a line of words. An answer is any number of records, each a line
 * that begins with "=" and whose words are fields, and then "ok" or "error TEXT".
 *
 * A field is a letter for its kind, its name, "=" and its value, so who reads it can make a table
 * for people or JSON for programs without knowing what was asked.
 */
#ifndef PROTO_CONTROL_LINE_H
#define PROTO_CONTROL_LINE_H

#include "base/arena.h"
#include "base/buffer.h"

enum control_kind {
	CONTROL_TEXT = 's',
	CONTROL_NUMBER = 'n', /* decimal, with a sign */
	CONTROL_FLAG = 'b',   /* "true" or "false" */
	CONTROL_NULL = '-',   /* there is nothing to tell */
	CONTROL_ITEM = 'i',   /* one of a list: fields of this name follow each other */
	CONTROL_EMPTY = 'e',  /* a list of none */
};

struct control_field {
	enum control_kind kind;
	struct slice name, value;
};

/* Appends the word, with a tab before it unless it is the first of its line. */
void control_put_word(struct buffer *line, struct slice word, bool is_first);

/*
 * The next word of a line without its end; the rest of the line stays in *line, whose p is NULL
 * after the last word. A line has at least one word, which may be empty. A backslash before
 * anything else stands for itself. In the arena, with a NUL behind it.
 */
struct slice control_take_word(struct slice *line, struct arena *arena);

/* The same for fields. Names have no "=". */
void control_put_field(struct buffer *line, const struct control_field *field, bool is_first);

/* 0, or -EINVAL: the word is no field. The texts are the word's. */
int control_read_field(struct slice word, struct control_field *field_out);

#endif
