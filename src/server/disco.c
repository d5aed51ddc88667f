/* Lists that grow in an arena, and the one string that stands for all that a host tells. */
#include "server/disco.h"

#include "proto/caps.h"
#include "server/account_internal.h"
#include "server/server_internal.h"

struct disco {
	struct arena *arena;
	struct disco_info info;
	struct disco_items items;
	bool is_taken, is_refused;
	enum stanza_condition refusal;
};

struct disco *
disco_create(struct arena *arena, struct slice node)
{
	struct disco *answer = arena_new(arena, struct disco);

	answer->arena = arena;
	answer->info.node = answer->items.node = node;
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
	struct disco_feature_list *list = &answer->info.features;

	for (size_t i = 0; i < list->count; i++) {
		if (slice_is_text(list->v[i].var, feature))
			return;
	}
	list->v = grow(answer->arena, list->v, list->count, sizeof(*list->v));
	list->v[list->count++] = (struct disco_feature){ slice_of(feature) };
}

void
disco_identity(struct disco *answer, const char *category, const char *type, const char *name)
{
	struct disco_identity_list *list = &answer->info.identities;

	list->v = grow(answer->arena, list->v, list->count, sizeof(*list->v));
	list->v[list->count++] = (struct disco_identity){
		.category = slice_of(category),
		.type = slice_of(type),
		.name = slice_of(name),
	};
}

void
disco_item_node(struct disco *answer, struct slice jid, struct slice node, struct slice name)
{
	struct disco_item_list *list = &answer->items.items;

	list->v = grow(answer->arena, list->v, list->count, sizeof(*list->v));
	list->v[list->count++] = (struct disco_item){ jid, node, name };
}

void
disco_item(struct disco *answer, struct slice jid, struct slice name)
{
	disco_item_node(answer, jid, NO_SLICE, name);
}

static void
add_field(struct disco *answer, struct form *form, struct form_field *field,
	const char *const *values, size_t count)
{
	struct form_field_list *list = &form->fields;

	field->values.v = arena_array(answer->arena, count + 1, struct slice);
	for (; field->values.count < count; field->values.count++)
		field->values.v[field->values.count] = slice_of(values[field->values.count]);
	list->v = grow(answer->arena, list->v, list->count, sizeof(*list->v));
	list->v[list->count++] = *field;
}

/* The form of that type, which has its type as its first field. */
static struct form *
form_of(struct disco *answer, const char *form_type)
{
	struct form_list *list = &answer->info.forms;
	struct form_field field = { .var = SLICE("FORM_TYPE"), .type = SLICE("hidden") };

	for (size_t i = 0; i < list->count; i++) {
		if (slice_is_text(list->v[i].fields.v[0].values.v[0], form_type))
			return &list->v[i];
	}
	list->v = grow(answer->arena, list->v, list->count, sizeof(*list->v));
	list->v[list->count] = (struct form){ .type = SLICE("result") };
	add_field(answer, &list->v[list->count], &field, &form_type, 1);
	return &list->v[list->count++];
}

void
disco_form_field(struct disco *answer, const char *form_type, const char *var,
	const char *const *values, size_t count)
{
	struct form_field field = { .var = slice_of(var) };

	add_field(answer, form_of(answer, form_type), &field, values, count);
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
	return answer->info.node;
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

	disco_identity(answer, "server", "im", server_name());
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

const struct disco_info *
disco_info(const struct disco *answer)
{
	return &answer->info;
}

const struct disco_items *
disco_items(const struct disco *answer)
{
	return &answer->items;
}

void
disco_settle(struct server *server)
{
	for (size_t i = 0; i < server->host_count; i++) {
		struct host *host = server->hosts[i];
		struct disco *told;
		struct arena arena;

		arena_init(&arena, 0);
		told = disco_create(&arena, NO_SLICE);
		disco_collect_host(told, host);
		host->caps_ver = arena_copy(
			&server->config->arena, caps_ver(disco_info(told), &arena));
		arena_finish(&arena);
	}
}

struct slice
host_caps_ver(const struct host *host)
{
	return host->caps_ver;
}
