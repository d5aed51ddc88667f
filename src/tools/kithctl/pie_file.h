/* One XML file of an import, scanned, with the lines of its elements for messages. */
#ifndef KITHCTL_PIE_FILE_H
#define KITHCTL_PIE_FILE_H

#include "base/buffer.h"
#include "xml/scanner.h"

struct pie_file {
	const char *path; /* for messages; "-" is standard input */
	struct names *names;
	struct arena arena;
	struct buffer bytes;
	struct slice text; /* the element, without what stands before it */
	struct xml_tokens tokens;
};

/*
 * Reads and scans the file; the path must outlive it. 0, or -1 after a message on stderr. To be
 * finished in any case.
 */
int pie_file_open(struct pie_file *file, const char *path);
void pie_file_finish(struct pie_file *file);

/* The line of the element in the file, from 1. */
unsigned long pie_file_line(const struct pie_file *file, const struct xml_token *element);

/* "kithctl: FILE:LINE: <name>: text" on stderr. */
void pie_file_complain(
	const struct pie_file *file, const struct xml_token *element, const char *text);

/* The value of an attribute without namespace; p NULL: it is not there. */
struct slice pie_attribute(const struct xml_token *element, const char *name);

bool pie_is(const struct xml_token *element, const char *name, const char *ns);

#endif
