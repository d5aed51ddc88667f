/* A scenario's file: its statements, and what they say of the server before it starts. */
#ifndef TOOLS_KITH_SCRIPT_FILE_H
#define TOOLS_KITH_SCRIPT_FILE_H

#include "tools/kith-script/target.h"

/* Its first line's number, and its lines in one. */
struct statement {
	unsigned line;
	char *text;
};

/* Reads the file. The number of statements, or -1 and errno. */
int statements_read(const char *path, struct statement **list_out);
void statements_free(struct statement *list, size_t count);

/* The next word of the text, which is cut off; empty at the end. */
struct slice script_word(struct slice *rest);

/* "users juliet", "server serves DOMAIN" and "server has KEY=VALUE": nothing to do when their turn
 * comes. */
bool statement_is_need(const struct statement *statement);
/* Adds what the statements need. */
void needs_read(struct needs *needs, const struct statement *list, size_t count);
void needs_finish(struct needs *needs);

#endif
