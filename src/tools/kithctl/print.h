/* Answers for people: tables and lists, in which nothing can move a terminal's cursor or turn the
 * direction of the text. */
#ifndef KITHCTL_PRINT_H
#define KITHCTL_PRINT_H

#include "tools/kithctl/control_client.h"

/* How the answer to a verb is laid out. */
enum shape {
	SHAPE_NOTHING, /* it was done, there is nothing to tell */
	SHAPE_VALUES,  /* the first value of each record on a line, for scripts */
	SHAPE_TABLE,   /* a line for each record below titles */
	SHAPE_OBJECT,  /* one record, a line for each field */
};

/* All of it to out, as JSON or for people. */
void print_answer(const struct answer *answer, enum shape shape, bool json, FILE *out);

/* As people read it: bytes as "1.5 MiB", a value with control characters escaped. */
void print_size(struct buffer *out, uint64_t bytes);
void print_text(struct buffer *out, struct slice text);

#endif
