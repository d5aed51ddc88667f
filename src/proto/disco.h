/*
 * Service discovery (XEP-0030) as it stands on the wire, with its extension by forms (XEP-0128).
 * Clients and servers ask and answer alike.
 */
#ifndef PROTO_DISCO_H
#define PROTO_DISCO_H

#include "proto/forms.h"

#define NS_DISCO_INFO "http://jabber.org/protocol/disco#info"
#define NS_DISCO_ITEMS "http://jabber.org/protocol/disco#items"

struct disco_identity {
	struct slice category, type, lang, name; /* p NULL: not there */
};

struct disco_identity_list {
	struct disco_identity *v;
	size_t count;
};

struct disco_feature {
	struct slice var;
};

struct disco_feature_list {
	struct disco_feature *v;
	size_t count;
};

struct disco_info {
	struct slice node; /* p NULL: none was asked for */
	struct disco_identity_list identities;
	struct disco_feature_list features;
	struct form_list forms;
};

struct disco_item {
	struct slice jid, node, name;
};

struct disco_item_list {
	struct disco_item *v;
	size_t count;
};

struct disco_items {
	struct slice node;
	struct disco_item_list items;
};

extern const struct payload disco_info_payload;
extern const struct payload disco_items_payload;

#endif
