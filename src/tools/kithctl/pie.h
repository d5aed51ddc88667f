/*
 * The accounts of a file of XEP-0227, in their order, with what the file includes of others
 * (XEP-0227, 5).
 */
#ifndef KITHCTL_PIE_H
#define KITHCTL_PIE_H

#include "tools/kithctl/pie_file.h"

#define NS_PIE "urn:xmpp:pie:0"

/* Where a child of <user/> is from. */
struct pie_part {
	const struct pie_file *file;
	const struct xml_token *element;
};

struct pie_user {
	struct slice host;
	const struct pie_file *file;
	const struct xml_token *element;
	struct slice xml;       /* the whole <user/>, standing alone */
	struct pie_part *parts; /* its children, in the order in which they stand in xml */
	size_t count;
};

/*
 * Calls take for each. False from take: it goes no further. 0, or -1 after a message on stderr:
 * there was a mistake in the file itself; accounts before it were taken.
 */
int pie_read(const char *path, bool (*take)(void *arg, const struct pie_user *user), void *arg);

#endif
