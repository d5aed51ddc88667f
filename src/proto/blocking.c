/* The elements of XEP-0191 as tables. */
#include "proto/blocking.h"

static const struct field fields[] = {
	CHILD_JIDS(struct blocking, items, "item", "jid"),
	FIELDS_END(struct blocking),
};
const struct payload blocklist_payload = { "blocklist", NS_BLOCKING, fields };
const struct payload block_payload = { "block", NS_BLOCKING, fields };
const struct payload unblock_payload = { "unblock", NS_BLOCKING, fields };
const struct payload blocked_payload = { "blocked", NS_BLOCKING_ERRORS, NULL };
