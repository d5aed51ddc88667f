/* Lists that grow in an arena, and their form on the wire. */
#include "server/disco.h"

#include "server/account_internal.h"
#include "server/server_internal.h"

struct identity {
	struct slice category, type, name;
};
struct feature {
	struct slice var;
};
struct item {
	struct slice jid, node, name;
};

struct identities {
	struct identity *v;
	size_t count;
};
struct features {
	struct feature *v;
	size_t count;
};
struct items {
	struct item *v;
	size_t count;
};

struct disco {
	struct arena *arena;
	struct slice node; /* p NULL: none was asked for */
	struct identities identities;
	struct features features;
	struct items items;
	bool is_taken, is_refused;
	enum stanza_condition refusal;
};

static const struct field identity_fields[] = {
	ATTR_TEXT(struct identity, category, "category"),
	ATTR_TEXT(struct identity, type, "type"),
	ATTR_TEXT(struct identity, name, "name"),
	FIELDS_END(struct identity),
};
static const struct field feature_fields[] = {
	ATTR_TEXT(struct feature, var, "var"),
	FIELDS_END(struct feature),
};
static const struct field item_fields[] = {
	ATTR_TEXT(struct item, jid, "jid"),
	ATTR_TEXT(struct item, node, "node"),
	ATTR_TEXT(struct item, name, "name"),
	FIELDS_END(struct item),
};
static const struct field info_fields[] = {
	ATTR_TEXT(struct disco, node, "node"),
	CHILD_LIST(struct disco, identities, "identity", identity_fields),
	CHILD_LIST(struct disco, features, "feature", feature_fields),
	FIELDS_END(struct disco),
};
static const struct field items_fields[] = {
	ATTR_TEXT(struct disco, node, "node"),
	CHILD_LIST(struct disco, items, "item", item_fields),
	FIELDS_END(struct disco),
};
const struct payload disco_info_payload = {
	"query",
	"http://jabber.org/protocol/disco#info",
	info_fields,
};
const struct payload disco_items_payload = {
	"query",
	"http://jabber.org/protocol/disco#items",
	items_fields,
};

struct disco *
disco_create(struct arena *arena, struct slice node)
{
	struct disco *answer = arena_new(arena, struct disco);

	answer->arena = arena;
	answer->node = node;
	return answer;
}

/* Room for one more: doubles at each power of two. */
static void *
grow(struct arena *arena, void *old, size_t count, size_t size)
{
	void *bigger;

	if ((count & (count - 1)) != 0)
		return old;
	bigger = arena_alloc(arena, size_mul(count == 0 ? 1 : count * 2, size));
	if (count > 0)
		memcpy(bigger, old, count * size);
	return bigger;
}

void
disco_feature(struct disco *answer, const char *feature)
{
	struct features *list = &answer->features;

	for (size_t i = 0; i < list->count; i++) {
		if (slice_is_text(list->v[i].var, feature))
			return;
	}
	list->v = grow(answer->arena, list->v, list->count, sizeof(*list->v));
	list->v[list->count++] = (struct feature){ slice_of(feature) };
}

void
disco_identity(struct disco *answer, const char *category, const char *type, const char *name)
{
	struct identities *list = &answer->identities;

	list->v = grow(answer->arena, list->v, list->count, sizeof(*list->v));
	list->v[list->count++] = (struct identity){
		slice_of(category),
		slice_of(type),
		slice_of(name),
	};
}

void
disco_item_node(struct disco *answer, struct slice jid, struct slice node, struct slice name)
{
	struct items *list = &answer->items;

	list->v = grow(answer->arena, list->v, list->count, sizeof(*list->v));
	list->v[list->count++] = (struct item){ jid, node, name };
}

void
disco_item(struct disco *answer, struct slice jid, struct slice name)
{
	disco_item_node(answer, jid, NO_SLICE, name);
}

void
disco_take(struct disco *answer)
{
	answer->is_taken = true;
}

void
disco_refuse(struct disco *answer, enum stanza_condition condition)
{
	answer->is_refused = true;
	answer->refusal = condition;
}

bool
disco_is_taken(const struct disco *answer, bool *is_refused_out, enum stanza_condition *refusal_out)
{
	*is_refused_out = answer->is_refused;
	*refusal_out = answer->refusal;
	return answer->is_taken;
}

void
disco_collect_node(struct disco *answer, struct host *host, const struct jid *from)
{
	hook_disco_host_node(&host->server->pipeline, answer, host, from);
}

struct slice
disco_node(const struct disco *answer)
{
	return answer->node;
}

static void
add_features(struct disco *answer, const char *const *features)
{
	for (; features != NULL && *features != NULL; features++)
		disco_feature(answer, *features);
}

void
disco_collect_host(struct disco *answer, struct host *host)
{
	const struct server *server = host->server;

	for (size_t i = 0; i < server->module_count; i++)
		add_features(answer, server->modules[i].module->features);
	hook_disco_host(&server->pipeline, answer, host);
}

void
disco_collect_account(struct disco *answer, struct account *acct)
{
	const struct server *server = acct->shard->server;

	for (size_t i = 0; i < server->module_count; i++)
		add_features(answer, server->modules[i].module->account_features);
	hook_disco_account(&server->pipeline, answer, acct);
}

const void *
disco_info(const struct disco *answer)
{
	return answer;
}

const void *
disco_items(const struct disco *answer)
{
	return answer;
}
