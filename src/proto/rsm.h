/*
 * XEP-0059: Result Set Management, as far as it costs nothing that grows: pages before and after an
 * item, by its id. There is no index of a page in the whole.
 */
#ifndef PROTO_RSM_H
#define PROTO_RSM_H

#include "proto/codec.h"

#define NS_RSM "http://jabber.org/protocol/rsm"

struct rsm {
	struct slice max, after, before; /* of a request; before may be empty: the last page */
	struct slice first, last, count; /* of an answer */
};

/* At most one counts: the first. */
struct rsm_list {
	struct rsm *v;
	size_t count;
};

extern const struct field rsm_fields[];

#define CHILD_RSM(S, m) \
	{ \
		.kind = FIELD_CHILD_LIST, .offset = FIELD_OFFSET(S, m, struct rsm_list), \
		.name = "set", .ns = NS_RSM, .sub = rsm_fields, .sub_size = sizeof(struct rsm) \
	}

/* What is asked for. */
struct rsm_page {
	uint32_t max;
	struct slice after, before; /* p NULL: no bound */
	bool backward;              /* the last ones are wanted, rather than the first */
};

/*
 * most: how many a page may have, which is what who does not say gets. False: max is no
 * number.
 */
bool rsm_read(const struct rsm_list *asked, uint32_t most, struct rsm_page *page_out);

#endif
