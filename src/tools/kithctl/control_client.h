/*
 * The client's side of the control socket: requests of words, answered in order. A request is a
 * line of words with tabs between; an answer is lines that begin with "=", then "ok" or "error
 * TEXT". See docs/design/administration.md.
 */
#ifndef KITHCTL_CONTROL_CLIENT_H
#define KITHCTL_CONTROL_CLIENT_H

#include "base/buffer.h"

#include <stdio.h>

struct control {
	int fd;
	struct buffer in; /* bytes of answers that were not taken yet */
	size_t taken;
};

/* Connects to the server of that data directory. 0, or -1 after a message on stderr. */
int control_connect(struct control *control, const char *directory);
void control_close(struct control *control);

/* Sends one request. Words with tabs or line ends are refused. 0, or -1 after a message. */
int control_send(struct control *control, const char *const *words, size_t count);

/*
 * Reads one answer; its lines, without the "=", go to out (NULL: nowhere). 0: ok; 1: the server
 * said error, the text is in error_out (size bytes); -1 after a message: the connection broke.
 */
int control_answer(struct control *control, FILE *out, char *error_out, size_t size);

#endif
