/*
 * Rows in memory. Each owner has one sorted array: keys in byte order, or log entries by id, so
 * that reads give the same order as the other back ends.
 */
#include "store/memory_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct memory_row {
	char *bytes; /* key, then value */
	size_t key_len, value_len;
	uint64_t id;
	int64_t stamp_ms;
	bool has_key;
};

struct memory_owner {
	struct map_node node;
	struct memory_row *rows;
	size_t count, capacity;
	char text[];
};

static struct slice
row_key(const struct memory_row *row)
{
	return row->has_key ? slice_make(row->bytes, row->key_len) : NO_SLICE;
}

static struct memory_owner *
find_owner(const struct memory_table *table, struct slice text)
{
	struct map_node *node = map_find(&table->owners, text);

	return node == NULL ? NULL : container_of(node, struct memory_owner, node);
}

static struct memory_owner *
need_owner(struct memory_table *table, struct slice text)
{
	struct memory_owner *owner = find_owner(table, text);

	if (owner != NULL)
		return owner;
	owner = xcalloc(1, size_add(sizeof(*owner), text.len));
	memcpy(owner->text, text.p, text.len);
	owner->node.key = slice_make(owner->text, text.len);
	map_insert(&table->owners, &owner->node);
	return owner;
}

static void
free_owner(struct memory_owner *owner)
{
	for (size_t i = 0; i < owner->count; i++)
		free(owner->rows[i].bytes);
	free(owner->rows);
	free(owner);
}

/* An owner without rows is not there. */
static void
drop_if_empty(struct memory_table *table, struct memory_owner *owner)
{
	if (owner->count > 0)
		return;
	map_remove(&table->owners, &owner->node);
	free_owner(owner);
}

static void
drop_owner(struct memory_table *table, struct slice text)
{
	struct memory_owner *owner = find_owner(table, text);

	if (owner == NULL)
		return;
	map_remove(&table->owners, &owner->node);
	free_owner(owner);
}

void
memory_table_destroy(struct memory_table *table)
{
	struct map_node *node;

	for (size_t at = 0; (node = map_next(&table->owners, &at)) != NULL;)
		free_owner(container_of(node, struct memory_owner, node));
	map_finish(&table->owners);
	free(table->name);
	free(table);
}

/* The first row whose key is not smaller. */
static size_t
lower_bound(const struct memory_owner *owner, struct slice key)
{
	size_t low = 0, high = owner->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (slice_compare(row_key(&owner->rows[middle]), key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
has_key_at(const struct memory_owner *owner, size_t at, struct slice key)
{
	return at < owner->count && slice_is(row_key(&owner->rows[at]), key);
}

static struct memory_row
make_row(const struct op *op)
{
	struct memory_row row = { .key_len = op->key.len, .value_len = op->value.len };

	row.bytes = xmalloc(size_add(row.key_len, row.value_len));
	if (row.key_len > 0)
		memcpy(row.bytes, op->key.p, row.key_len);
	if (row.value_len > 0)
		memcpy(row.bytes + row.key_len, op->value.p, row.value_len);
	row.has_key = op->key.p != NULL;
	row.id = op->id;
	row.stamp_ms = op->stamp_ms;
	return row;
}

static void
insert_row(struct memory_owner *owner, size_t at, struct memory_row row)
{
	if (owner->count == owner->capacity) {
		owner->capacity = owner->capacity == 0 ? 4 : size_mul(owner->capacity, 2);
		owner->rows = xrealloc(owner->rows, size_mul(owner->capacity, sizeof(row)));
	}
	memmove(&owner->rows[at + 1], &owner->rows[at], (owner->count - at) * sizeof(row));
	owner->rows[at] = row;
	owner->count++;
}

static void
remove_row(struct memory_owner *owner, size_t at)
{
	free(owner->rows[at].bytes);
	owner->count--;
	memmove(&owner->rows[at], &owner->rows[at + 1],
		(owner->count - at) * sizeof(owner->rows[0]));
}

static void
put(struct memory_table *table, struct slice text, const struct op *op)
{
	struct memory_owner *owner = need_owner(table, text);
	size_t at = lower_bound(owner, op->key);

	if (has_key_at(owner, at, op->key))
		remove_row(owner, at);
	insert_row(owner, at, make_row(op));
}

static void
delete_key(struct memory_table *table, struct slice text, struct slice key)
{
	struct memory_owner *owner = find_owner(table, text);
	size_t at;

	if (owner == NULL)
		return;
	at = lower_bound(owner, key);
	if (has_key_at(owner, at, key))
		remove_row(owner, at);
	drop_if_empty(table, owner);
}

static bool
is_in_range(const struct memory_row *row, const struct bounds *bounds, struct slice with)
{
	int64_t id = (int64_t)row->id;

	return id >= bounds->first_id && id <= bounds->last_id &&
	       row->stamp_ms >= bounds->since_ms && row->stamp_ms <= bounds->until_ms &&
	       (with.p == NULL || (row->has_key && slice_is(row_key(row), with)));
}

static void
trim(struct memory_table *table, struct slice text, const struct store_range *range)
{
	struct memory_owner *owner = find_owner(table, text);
	struct bounds bounds = range_bounds(range);

	if (owner == NULL)
		return;
	for (size_t i = owner->count; i-- > 0;) {
		if (is_in_range(&owner->rows[i], &bounds, range->with))
			remove_row(owner, i);
	}
	drop_if_empty(table, owner);
}

static void
append(struct memory_table *table, struct slice text, struct op *op, uint64_t *last_id)
{
	struct memory_owner *owner = need_owner(table, text);
	size_t at = owner->count;

	if (op->id > *last_id)
		*last_id = op->id;
	/* Ids are given before the commit, so one may come late. */
	while (at > 0 && owner->rows[at - 1].id > op->id)
		at--;
	insert_row(owner, at, make_row(op));
}

static void
forget(const struct map *all, struct slice text)
{
	struct map_node *node;

	for (size_t at = 0; (node = map_next(all, &at)) != NULL;)
		drop_owner(container_of(node, struct memory_table, node), text);
}

static bool
is_same(const struct memory_owner *owner, const struct op *op)
{
	size_t at = owner == NULL ? 0 : lower_bound(owner, op->key);
	const struct memory_row *row;

	if (owner == NULL || !has_key_at(owner, at, op->key))
		return op->value.p == NULL;
	row = &owner->rows[at];
	return op->value.p != NULL &&
	       slice_is(slice_make(row->bytes + row->key_len, row->value_len), op->value);
}

int
memory_check(struct memory_table *const *tables, const struct store_txn *txn)
{
	for (const struct op *op = txn->first; op != NULL; op = op->next) {
		if (op->kind == OP_ABSENT && find_owner(tables[op->table], txn->owner) != NULL)
			return -EEXIST;
		if (op->kind == OP_PRESENT && find_owner(tables[op->table], txn->owner) == NULL)
			return -ENOENT;
		if (op->kind == OP_SAME && !is_same(find_owner(tables[op->table], txn->owner), op))
			return -ESTALE;
	}
	return 0;
}

void
memory_apply(struct memory_table *const *tables, const struct map *all, struct store_txn *txn,
	uint64_t *last_id)
{
	for (struct op *op = txn->first; op != NULL; op = op->next) {
		struct memory_table *table = op->kind == OP_FORGET ? NULL : tables[op->table];

		switch (op->kind) {
		case OP_ABSENT:
		case OP_PRESENT:
		case OP_SAME:
			break;
		case OP_PUT:
			put(table, txn->owner, op);
			break;
		case OP_DELETE:
			delete_key(table, txn->owner, op->key);
			break;
		case OP_CLEAR:
			drop_owner(table, txn->owner);
			break;
		case OP_APPEND:
			append(table, txn->owner, op, last_id);
			break;
		case OP_TRIM:
			trim(table, txn->owner, op->range);
			break;
		case OP_FORGET:
			forget(all, txn->owner);
			break;
		}
	}
}

static void
collect_row(struct row_list *list, const struct memory_row *row, struct arena *arena)
{
	struct slice value = slice_make(row->bytes + row->key_len, row->value_len);
	struct store_row out = { .id = row->id, .stamp_ms = row->stamp_ms };

	out.key = arena_copy(arena, row_key(row));
	out.value = arena_copy(arena, value);
	row_list_add(list, &out);
}

static void
collect_log(const struct memory_owner *owner, const struct store_range *range,
	struct row_list *list, struct arena *arena)
{
	struct bounds bounds = range_bounds(range);

	for (size_t i = 0; i < owner->count; i++) {
		size_t at = range->backward ? owner->count - 1 - i : i;

		if (!is_in_range(&owner->rows[at], &bounds, range->with))
			continue;
		collect_row(list, &owner->rows[at], arena);
		if (range->limit != 0 && list->count > range->limit)
			return;
	}
}

static void
collect_keys(const struct memory_owner *owner, const struct read *read, struct row_list *list,
	struct arena *arena)
{
	for (size_t i = 0; i < owner->count; i++) {
		if (read->kind == READ_ALL || slice_is(row_key(&owner->rows[i]), read->key))
			collect_row(list, &owner->rows[i], arena);
	}
}

static uint64_t
count_rows(const struct memory_table *table, const struct memory_owner *owner,
	const struct store_range *range)
{
	struct bounds bounds = range_bounds(range);
	uint64_t count = 0;

	if (owner == NULL)
		return 0;
	if (table->kind != STORE_LOG)
		return owner->count;
	for (size_t i = 0; i < owner->count; i++)
		count += is_in_range(&owner->rows[i], &bounds, range->with);
	return count;
}

static uint64_t
count_bytes(const struct memory_owner *owner)
{
	uint64_t bytes = 0;

	for (size_t i = 0; owner != NULL && i < owner->count; i++)
		bytes += owner->rows[i].key_len + owner->rows[i].value_len;
	return bytes;
}

static int
compare_rows(const void *a, const void *b)
{
	return slice_compare(
		((const struct store_row *)a)->key, ((const struct store_row *)b)->key);
}

static void
collect_owners(const struct memory_table *table, const struct read *read, struct row_list *list)
{
	struct map_node *node;

	for (size_t at = 0; (node = map_next(&table->owners, &at)) != NULL;) {
		if (read->key.p == NULL || slice_compare(node->key, read->key) > 0)
			row_list_add(list, &(struct store_row){ .key = node->key });
	}
	if (list->count > 0)
		qsort(list->rows, list->count, sizeof(list->rows[0]), compare_rows);
}

static void
copy_owners(struct row_list *list, uint32_t limit, struct arena *arena)
{
	for (size_t i = 0; i < list->count && (limit == 0 || i < limit); i++) {
		list->rows[i].key = arena_copy(arena, list->rows[i].key);
		list->rows[i].value = SLICE("");
	}
}

void
memory_read(const struct memory_table *table, struct slice owner_text, struct read *read,
	struct arena *arena)
{
	const struct memory_owner *owner = find_owner(table, owner_text);
	struct row_list list = { 0 };

	if (read->kind == READ_OWNERS) {
		collect_owners(table, read, &list);
		copy_owners(&list, read->range.limit, arena);
	} else if (read->kind == READ_LOG && owner != NULL) {
		collect_log(owner, &read->range, &list, arena);
	} else if (owner != NULL && read->kind != READ_COUNT && read->kind != READ_SIZE) {
		collect_keys(owner, read, &list, arena);
	}
	row_list_take(&list, read->range.limit, arena, &read->result);
	if (read->kind == READ_COUNT)
		read->result.total = count_rows(table, owner, &read->range);
	else if (read->kind == READ_SIZE)
		read->result.total = count_bytes(owner);
}
