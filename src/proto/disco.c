/* The elements of XEP-0030 as tables. */
#include "proto/disco.h"

static const struct field identity_fields[] = {
	ATTR_TEXT(struct disco_identity, category, "category"),
	ATTR_TEXT(struct disco_identity, type, "type"),
	ATTR_LANG(struct disco_identity, lang),
	ATTR_TEXT(struct disco_identity, name, "name"),
	FIELDS_END(struct disco_identity),
};
static const struct field feature_fields[] = {
	ATTR_TEXT(struct disco_feature, var, "var"),
	FIELDS_END(struct disco_feature),
};
static const struct field item_fields[] = {
	ATTR_TEXT(struct disco_item, jid, "jid"),
	ATTR_TEXT(struct disco_item, node, "node"),
	ATTR_TEXT(struct disco_item, name, "name"),
	FIELDS_END(struct disco_item),
};
static const struct field info_fields[] = {
	ATTR_TEXT(struct disco_info, node, "node"),
	CHILD_LIST(struct disco_info, identities, "identity", identity_fields),
	CHILD_LIST(struct disco_info, features, "feature", feature_fields),
	CHILD_FORMS(struct disco_info, forms),
	FIELDS_END(struct disco_info),
};
static const struct field items_fields[] = {
	ATTR_TEXT(struct disco_items, node, "node"),
	CHILD_LIST(struct disco_items, items, "item", item_fields),
	FIELDS_END(struct disco_items),
};
const struct payload disco_info_payload = { "query", NS_DISCO_INFO, info_fields };
const struct payload disco_items_payload = { "query", NS_DISCO_ITEMS, items_fields };
