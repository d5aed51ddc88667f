/*
 * Interned names: element names, attribute names and namespaces become small numbers while they
 * are scanned, so that matching is comparing integers. The table is filled at start, by names
 * that the code knows; it is read-only afterwards and shared by all threads. What a peer makes
 * up gets the number 0 and never enters the table.
 */
#ifndef XML_NAMES_H
#define XML_NAMES_H

#include "base/slice.h"

typedef uint16_t xml_name;

/* The names that the code compares with by constant; in every table. */
enum {
	NAME_UNKNOWN,
#define NAME(symbol, text) symbol,
#include "xml/names.def"
#undef NAME
	NAMES_FIXED
};

struct names;

struct names *names_create(void);
void names_destroy(struct names **names);

/* The number of the text, which is added if it is new. At start only. */
xml_name names_add(struct names *names, struct slice text);

/* The number of the text, or 0. Any thread. */
xml_name names_find(const struct names *names, struct slice text);

/* The text of a number; empty for 0. */
struct slice names_text(const struct names *names, xml_name name);

#endif
