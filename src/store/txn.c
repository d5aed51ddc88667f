/*
 * A transaction while it is built: a list of operations in the request's arena. Conditions are
 * put before the writes, so that a transaction that fails has written nothing, and needs no
 * savepoint inside the group that it is committed with.
 */
#include "store/store_internal.h"

#include <assert.h>
#include <errno.h>

struct store_txn *
store_txn_create(struct store *store, struct slice owner)
{
	struct store_txn *txn;
	struct arena arena;

	assert(owner.len > 0 && owner.len <= STORE_MAX_KEY);
	arena_init(&arena, 1024);
	txn = arena_new(&arena, struct store_txn);
	txn->request.store = store;
	txn->request.writes = true;
	txn->owner = arena_copy(&arena, owner);
	txn->last = &txn->first;
	txn->request.arena = arena;
	return txn;
}

static struct op *
new_op(struct store_txn *txn, enum op_kind kind, unsigned table)
{
	struct op *op = arena_new(&txn->request.arena, struct op);

	assert(kind == OP_FORGET || table < txn->request.store->table_count);
	op->kind = kind;
	op->table = table;
	return op;
}

static struct op *
add(struct store_txn *txn, enum op_kind kind, unsigned table)
{
	struct op *op = new_op(txn, kind, table);

	txn->rows++;
	*txn->last = op;
	txn->last = &op->next;
	return op;
}

static struct op *
add_condition(struct store_txn *txn, enum op_kind kind, unsigned table)
{
	struct op *op = new_op(txn, kind, table);

	op->next = txn->first;
	if (txn->first == NULL)
		txn->last = &op->next;
	txn->first = op;
	return op;
}

static void
add_key(struct store_txn *txn, enum op_kind kind, unsigned table, enum store_kind table_kind,
	struct slice key, struct slice value)
{
	struct op *op = add(txn, kind, table);

	assert(txn->request.store->tables[table].kind == table_kind);
	(void)table_kind;
	if (key.len > STORE_MAX_KEY || value.len > STORE_MAX_BLOB) {
		txn->refused = -EMSGSIZE;
		return;
	}
	op->key = arena_copy(&txn->request.arena, key);
	op->value = arena_copy(&txn->request.arena, value);
	txn->bytes += txn->owner.len + key.len + value.len;
}

void
store_txn_value_create(struct store_txn *txn, unsigned table, struct slice value)
{
	(void)add_condition(txn, OP_ABSENT, table);
	store_txn_value_set(txn, table, value);
}

void
store_txn_value_require(struct store_txn *txn, unsigned table)
{
	assert(txn->request.store->tables[table].kind == STORE_VALUE);
	(void)add_condition(txn, OP_PRESENT, table);
}

void
store_txn_expect(struct store_txn *txn, unsigned table, struct slice key, struct slice value)
{
	struct op *op = add_condition(txn, OP_SAME, table);
	enum store_kind kind = txn->request.store->tables[table].kind;

	assert(key.p == NULL ? kind == STORE_VALUE : kind == STORE_MAP);
	(void)kind;
	op->key = arena_copy(&txn->request.arena, key);
	op->value = value.p == NULL ? NO_SLICE : arena_copy(&txn->request.arena, value);
}

void
store_txn_value_set(struct store_txn *txn, unsigned table, struct slice value)
{
	add_key(txn, OP_PUT, table, STORE_VALUE, NO_SLICE, value);
}

void
store_txn_value_delete(struct store_txn *txn, unsigned table)
{
	add_key(txn, OP_DELETE, table, STORE_VALUE, NO_SLICE, NO_SLICE);
}

void
store_txn_set_add(struct store_txn *txn, unsigned table, struct slice key)
{
	add_key(txn, OP_PUT, table, STORE_SET, key, NO_SLICE);
}

void
store_txn_set_remove(struct store_txn *txn, unsigned table, struct slice key)
{
	add_key(txn, OP_DELETE, table, STORE_SET, key, NO_SLICE);
}

void
store_txn_set_clear(struct store_txn *txn, unsigned table)
{
	add_key(txn, OP_CLEAR, table, STORE_SET, NO_SLICE, NO_SLICE);
}

void
store_txn_map_put(struct store_txn *txn, unsigned table, struct slice key, struct slice value)
{
	add_key(txn, OP_PUT, table, STORE_MAP, key, value);
}

void
store_txn_map_delete(struct store_txn *txn, unsigned table, struct slice key)
{
	add_key(txn, OP_DELETE, table, STORE_MAP, key, NO_SLICE);
}

void
store_txn_map_clear(struct store_txn *txn, unsigned table)
{
	add_key(txn, OP_CLEAR, table, STORE_MAP, NO_SLICE, NO_SLICE);
}

uint64_t
store_txn_log_append(struct store_txn *txn, unsigned table, int64_t stamp_ms, struct slice with,
	struct slice value)
{
	struct op *op;

	add_key(txn, OP_APPEND, table, STORE_LOG, with, value);
	op = container_of(txn->last, struct op, next);
	op->stamp_ms = stamp_ms;
	op->id = atomic_fetch_add_explicit(&txn->request.store->last_id, 1, memory_order_relaxed) +
		 1;
	return op->id;
}

void
store_txn_log_delete(struct store_txn *txn, unsigned table, const struct store_range *range)
{
	struct op *op = add(txn, OP_TRIM, table);
	struct store_range *copy = arena_new(&txn->request.arena, struct store_range);

	assert(txn->request.store->tables[table].kind == STORE_LOG);
	*copy = *range;
	copy->with = arena_copy(&txn->request.arena, range->with);
	op->range = copy;
}

void
store_txn_owner_delete(struct store_txn *txn)
{
	(void)add(txn, OP_FORGET, 0);
}

void
store_commit(struct store_txn *txn, unsigned target, void (*done)(struct store_request *request),
	void *arg)
{
	struct store *store = txn->request.store;

	txn->request.target = target;
	txn->request.done = done;
	txn->request.arg = arg;
	if (store_accepts(store, &txn->request))
		store->backend->commit(store, txn);
}

struct store_txn *
store_txn_of(struct store_request *request)
{
	assert(request->writes);
	return container_of(request, struct store_txn, request);
}

uint64_t
store_txn_log_id(const struct store_txn *txn, unsigned n)
{
	const struct op *op = txn->first;

	for (;; op = op->next) {
		assert(op != NULL);
		if (op->kind == OP_APPEND && n-- == 0)
			return op->id;
	}
}

void
store_txn_destroy(struct store_txn **txn)
{
	struct store_txn *gone = *txn;

	*txn = NULL;
	if (gone != NULL)
		store_request_drop(&gone->request);
}

struct slice
store_txn_owner(const struct store_txn *txn)
{
	return txn->owner;
}
