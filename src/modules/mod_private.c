/*
 * XEP-0049: Private XML Storage. One entry of a map for each element, by its name and namespace.
 * Nothing of it is in memory with the account: clients ask for it once, when they sign in.
 *
 * Namespaces that the XEP calls reserved are not refused (2.3 leaves that open): what is private
 * to a user disturbs nobody. An empty element is what is told when there is nothing, so storing
 * one deletes the entry.
 */
#include "server/limits.h"
#include "server/module.h"

#define NS_PRIVATE "jabber:iq:private"

enum { STORE_DATA };

struct private_data {
	struct foreign_list elements;
};

static const struct field fields[] = {
	CHILDREN(struct private_data, elements),
	FIELDS_END(struct private_data),
};
static const struct payload payload = { "query", NS_PRIVATE, fields };

struct private_config {
	uint32_t max_entries;
	uint64_t max_bytes;
};

enum { METRIC_READ, METRIC_SAVED };

extern const struct module mod_private;

static bool
is_same_kind(const struct foreign *a, const struct foreign *b)
{
	return slice_is(a->name, b->name) && slice_is(a->ns, b->ns);
}

/* Whether an earlier element has the same key. */
static bool
came_before(const struct foreign_list *elements, size_t number)
{
	size_t i = 0;

	while (!is_same_kind(&elements->v[i], &elements->v[number]))
		i++;
	return i < number;
}

static struct slice
key_of(struct arena *arena, const struct foreign *element)
{
	return arena_printf(arena, "{%.*s}%.*s", SLICE_ARG(element->ns), SLICE_ARG(element->name));
}

/* The element with nothing in it. */
static struct slice
empty_of(struct arena *arena, const struct foreign *element)
{
	struct payload shell = {
		.name = arena_copy(arena, element->name).p,
		.ns = arena_copy(arena, element->ns).p,
	};
	struct slice empty;
	struct buffer xml;

	buffer_init(&xml, LIMIT_STORED_STANZA);
	codec_encode(&xml, &shell, NULL);
	empty = arena_copy(arena, buffer_slice(&xml));
	buffer_finish(&xml);
	return empty;
}

/* All elements of the kind of that one, in their order; p NULL: nothing is worth keeping. */
static struct slice
value_of(struct arena *arena, const struct foreign_list *elements, size_t number)
{
	struct slice value;
	struct buffer xml;

	buffer_init(&xml, LIMIT_FROZEN_STANZA);
	for (size_t i = number; i < elements->count; i++) {
		if (is_same_kind(&elements->v[i], &elements->v[number]))
			(void)buffer_append(&xml, elements->v[i].xml);
	}
	value = arena_copy(arena, buffer_slice(&xml));
	buffer_finish(&xml);
	return slice_is(value, empty_of(arena, &elements->v[number])) ? NO_SLICE : value;
}

/* 2.3: what is stored is in a namespace of its own, and only one namespace is asked for. */
static const char *
mistake_in(const struct foreign_list *elements, bool is_question)
{
	for (size_t i = 0; i < elements->count; i++) {
		if (elements->v[i].ns.len == 0 || slice_is_text(elements->v[i].ns, NS_PRIVATE))
			return "An element has no namespace of its own";
		if (is_question && !slice_is(elements->v[i].ns, elements->v[0].ns))
			return "Ask for one namespace at a time";
	}
	return NULL;
}

/* True when the request was refused. */
static bool
refuse(struct iq *iq, const struct foreign_list *elements, bool is_question)
{
	const struct private_config *conf = module_config(iq->host, &mod_private);
	const char *mistake = mistake_in(elements, is_question);

	if (elements->count == 0)
		iq_error(iq, is_question ? BAD_REQUEST : NOT_ACCEPTABLE, "Name an element");
	else if (mistake != NULL)
		iq_error(iq, NOT_ACCEPTABLE, mistake);
	else if (elements->count > conf->max_entries)
		iq_error(iq, NOT_ACCEPTABLE, "These are too many elements");
	else
		return false;
	return true;
}

static void
got_data(struct iq *iq, const struct store_batch *batch)
{
	const struct private_data *asked = iq_data(iq, &payload);
	struct private_data answer = {
		.elements.v = arena_array(iq->arena, asked->elements.count, struct foreign),
		.elements.count = asked->elements.count,
	};

	for (size_t i = 0; i < asked->elements.count; i++) {
		const struct store_result *found = store_result(batch, (unsigned)i);

		answer.elements.v[i].xml = found->count > 0
						   ? found->rows[0].value
						   : empty_of(iq->arena, &asked->elements.v[i]);
	}
	iq_result(iq, &payload, &answer);
}

static void
read_keys(struct iq *iq, struct store_batch *batch, const struct foreign_list *elements)
{
	unsigned table = account_table(iq->account, &mod_private, STORE_DATA);

	for (size_t i = 0; i < elements->count; i++)
		(void)store_read_key(batch, table, key_of(iq->arena, &elements->v[i]));
}

static void
get_data(struct iq *iq)
{
	const struct private_data *asked = iq_data(iq, &payload);
	struct store_batch *batch;

	if (refuse(iq, &asked->elements, true))
		return;
	metric_add_iq(iq, &mod_private, METRIC_READ);
	batch = batch_begin(iq->account);
	read_keys(iq, batch, &asked->elements);
	iq_fetch(iq, batch, got_data);
}

static void
data_saved(struct iq *iq)
{
	metric_add_iq(iq, &mod_private, METRIC_SAVED);
	iq_result(iq, NULL, NULL);
}

/* How many entries there would be; those of one kind are one. */
static uint64_t
entries_after(const struct foreign_list *elements, const struct store_batch *batch)
{
	uint64_t count = store_result(batch, (unsigned)elements->count)->total;

	for (size_t i = 0; i < elements->count; i++) {
		if (!came_before(elements, i) && store_result(batch, (unsigned)i)->count == 0)
			count++;
	}
	return count;
}

static void
save(struct iq *iq, const struct foreign_list *elements)
{
	unsigned table = account_table(iq->account, &mod_private, STORE_DATA);
	struct store_txn *txn = txn_begin(iq->account);

	for (size_t i = 0; i < elements->count; i++) {
		struct slice value;

		if (came_before(elements, i))
			continue;
		value = value_of(iq->arena, elements, i);
		if (value.p == NULL)
			store_txn_map_delete(txn, table, key_of(iq->arena, &elements->v[i]));
		else
			store_txn_map_put(txn, table, key_of(iq->arena, &elements->v[i]), value);
	}
	iq_commit(iq, txn, data_saved);
}

static void
know_what_is_there(struct iq *iq, const struct store_batch *batch)
{
	const struct private_config *conf = module_config(iq->host, &mod_private);
	const struct private_data *asked = iq_data(iq, &payload);

	if (entries_after(&asked->elements, batch) > conf->max_entries)
		iq_error(iq, RESOURCE_CONSTRAINT,
			"There are too many entries; store an empty element over one that is not "
			"needed");
	else
		save(iq, &asked->elements);
}

static void
set_data(struct iq *iq)
{
	const struct private_config *conf = module_config(iq->host, &mod_private);
	const struct private_data *asked = iq_data(iq, &payload);
	const struct foreign_list *elements = &asked->elements;
	struct store_batch *batch;

	if (refuse(iq, elements, false))
		return;
	for (size_t i = 0; i < elements->count; i++) {
		if (value_of(iq->arena, elements, i).len > conf->max_bytes) {
			iq_error(iq, NOT_ACCEPTABLE, "An element is too long to be kept");
			return;
		}
	}
	batch = batch_begin(iq->account);
	read_keys(iq, batch, elements);
	(void)store_read_count(batch, account_table(iq->account, &mod_private, STORE_DATA), NULL);
	iq_fetch(iq, batch, know_what_is_there);
}

static void
refuse_others(struct iq *iq)
{
	iq_error(iq, FORBIDDEN, "Private data is its owner's alone");
}

/* XEP-0227, 4.5 */
static void
write_data(struct transfer *transfer, const struct store_result *stores)
{
	const struct store_result *found = &stores[STORE_DATA];
	struct private_data data = {
		.elements.v = arena_array(
			transfer_arena(transfer), found->count + 1, struct foreign),
		.elements.count = found->count,
	};

	for (size_t i = 0; i < found->count; i++)
		data.elements.v[i].xml = found->rows[i].value;
	if (found->count > 0)
		transfer_put(transfer, &payload, &data);
}

static void
read_data(struct transfer *transfer, const void *data)
{
	const struct private_config *conf = module_config(transfer_host(transfer), &mod_private);
	const struct foreign_list *elements = &((const struct private_data *)data)->elements;
	struct arena *arena = transfer_arena(transfer);
	const char *mistake = mistake_in(elements, false);

	if (mistake == NULL && elements->count > conf->max_entries)
		mistake = "these are more elements than private.max_entries";
	if (mistake != NULL)
		transfer_mistake(transfer, 0, mistake);
	for (size_t i = 0; mistake == NULL && i < elements->count; i++) {
		struct slice value = value_of(arena, elements, i);

		if (value.len > conf->max_bytes)
			transfer_mistake(transfer, i + 1, "it is larger than private.max_bytes");
		if (value.p != NULL && !came_before(elements, i))
			store_txn_map_put(transfer_txn(transfer),
				transfer_table(transfer, &mod_private, STORE_DATA),
				key_of(arena, &elements->v[i]), value);
	}
}

static const struct transfer_entry transfers[] = {
	{ &payload, write_data, read_data },
	{ 0 },
};

static const struct xep xeps[] = {
	{ 49, "1.2", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_UINT(struct private_config, max_entries, "max_entries", 100, 1, 10000,
		"How many private elements one account may keep, and ask for at once."),
	OPTION_SIZE(struct private_config, max_bytes, "max_bytes", 64 * 1024, 1, 256 * 1024,
		"How large each of them may be."),
	{ 0 },
};

static const struct store_entry stores[] = {
	[STORE_DATA] = { "data", STORE_MAP, .version = 1 },
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_READ] = { "private_requests_total", "Times that private data was asked for." },
	[METRIC_SAVED] = { "private_saved_total", "Times that private data was stored." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_GET, TO_SELF, &payload, get_data },
	{ IQ_SET, TO_SELF, &payload, set_data },
	{ IQ_GET, TO_ACCOUNT, &payload, refuse_others },
	{ IQ_SET, TO_ACCOUNT, &payload, refuse_others },
	{ 0 },
};

const struct module mod_private = {
	.name = "private",
	.about = "Keeps data of clients for their users, as old bookmarks.",
	.xeps = xeps,
	.features = (const char *const[]){ NS_PRIVATE, NULL },
	.account_features = (const char *const[]){ NS_PRIVATE, NULL },
	.options = options,
	.config_size = sizeof(struct private_config),
	.stores = stores,
	.transfers = transfers,
	.metrics = metrics,
	.routes = routes,
};
