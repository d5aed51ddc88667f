/*
 * The client's side of the control socket: requests of words, answered in their order. What goes
 * over the socket is in proto/control_line.h and docs/design/administration.md.
 */
#ifndef KITHCTL_CONTROL_CLIENT_H
#define KITHCTL_CONTROL_CLIENT_H

#include "base/buffer.h"
#include "proto/control_line.h"

#include <stdio.h>

struct control {
	int fd;
	struct buffer in; /* bytes of answers that were not taken yet */
	size_t taken;
};

struct record {
	struct control_field *fields;
	size_t count;
};

/* One answer, in an arena of its own. */
struct answer {
	struct arena arena;
	struct record *records;
	size_t count;
	const char *error; /* the server said no; NULL: it said ok */
};

/* Connects to the server of that data directory. 0, or -1 after a message on stderr (if loud). */
int control_connect(struct control *control, const char *directory, bool loud);
void control_close(struct control *control);

/* Sends one request. 0, or -1 after a message: the connection broke. */
int control_send(struct control *control, const char *const *words, size_t count);

/*
 * Reads one answer, which must be finished in any case. 0 if the server answered, whatever it said;
 * -1 after a message: the connection broke.
 */
int control_answer(struct control *control, struct answer *answer);
void answer_finish(struct answer *answer);

/* The field's value in the record; p NULL: there is none. */
struct slice record_value(const struct record *record, const char *name);

#endif
