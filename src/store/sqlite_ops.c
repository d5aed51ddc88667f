/*
 * Transactions and reads, executed on a connection inside of a transaction of SQLite's that the
 * caller has begun.
 */
#include "store/sqlite_internal.h"

#include <errno.h>

/* So many ids are written down as given away at once, so that not every group writes that. */
enum { ID_STEP = 4096 };

static int
note_id(struct sqlite_conn *conn, struct id_source *ids, uint64_t id)
{
	int r;

	if ((int64_t)id <= ids->limit)
		return 0;
	r = schema_write_id_limit(conn, (int64_t)id + ID_STEP);
	if (r == 0)
		ids->limit = (int64_t)id + ID_STEP;
	return r;
}

static int
check_condition(struct sqlite_conn *conn, const struct store_txn *txn, const struct op *op)
{
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, op->table, ST_EXISTS, &stmt);
	int code;

	if (r < 0)
		return r;
	bind_text(stmt, 1, txn->owner);
	code = sqlite3_step(stmt);
	(void)sqlite3_reset(stmt);
	if (code == SQLITE_ROW && op->kind == OP_ABSENT)
		return -EEXIST;
	if (code == SQLITE_DONE && op->kind == OP_PRESENT)
		return -ENOENT;
	return sqlite_error(conn->db, code);
}

static int
check_same(struct sqlite_conn *conn, const struct store_txn *txn, const struct op *op)
{
	bool is_value = conn->tables->v[op->table].kind == STORE_VALUE;
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, op->table, is_value ? ST_ALL : ST_KEY, &stmt);
	bool is_same = op->value.p == NULL;
	int code;

	if (r < 0)
		return r;
	bind_text(stmt, 1, txn->owner);
	bind_text(stmt, 2, op->key);
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		is_same = op->value.p != NULL &&
			  slice_is(slice_make(sqlite3_column_blob(stmt, 1),
					   (size_t)sqlite3_column_bytes(stmt, 1)),
				  op->value);
	(void)sqlite3_reset(stmt);
	r = sqlite_error(conn->db, code);
	return r == 0 && !is_same ? -ESTALE : r;
}

static int
run_on_key(struct sqlite_conn *conn, const struct store_txn *txn, const struct op *op,
	enum statement which)
{
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, op->table, which, &stmt);

	if (r < 0)
		return r;
	bind_text(stmt, 1, txn->owner);
	bind_text(stmt, 2, op->key);
	bind_blob(stmt, 3, op->value);
	return sql_run(conn, stmt);
}

static int
append(struct sqlite_conn *conn, const struct store_txn *txn, struct op *op, struct id_source *ids)
{
	int r = note_id(conn, ids, op->id);

	return r < 0 ? r : log_append(conn, txn->owner, op);
}

static int
forget(struct sqlite_conn *conn, const struct store_txn *txn)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < conn->tables->count; i++) {
		if (conn->tables->v[i].kind == STORE_LOG)
			r = log_trim(conn, i, txn->owner, &(struct store_range){ 0 });
		else
			r = run_on_key(conn, txn, &(struct op){ .table = i }, ST_CLEAR);
	}
	return r < 0 ? r : log_forget_owner(conn, txn->owner);
}

static int
execute(struct sqlite_conn *conn, struct store_txn *txn, struct op *op, struct id_source *ids)
{
	switch (op->kind) {
	case OP_ABSENT:
	case OP_PRESENT:
		return check_condition(conn, txn, op);
	case OP_SAME:
		return check_same(conn, txn, op);
	case OP_PUT:
		return run_on_key(conn, txn, op, ST_PUT);
	case OP_DELETE:
		return run_on_key(conn, txn, op, ST_DELETE);
	case OP_CLEAR:
		return run_on_key(conn, txn, op, ST_CLEAR);
	case OP_APPEND:
		return append(conn, txn, op, ids);
	case OP_TRIM:
		return log_trim(conn, op->table, txn->owner, op->range);
	case OP_FORGET:
		return forget(conn, txn);
	}
	return 0;
}

int
ops_execute(struct sqlite_conn *conn, struct store_txn *txn, struct id_source *ids)
{
	int r = 0;

	for (struct op *op = txn->first; r == 0 && op != NULL; op = op->next)
		r = execute(conn, txn, op, ids);
	return r;
}

static enum statement
statement_for(const struct read *read)
{
	switch (read->kind) {
	case READ_ALL:
		return ST_ALL;
	case READ_KEY:
		return ST_KEY;
	case READ_COUNT:
		return ST_COUNT;
	case READ_SIZE:
		return ST_SIZE;
	case READ_OWNERS:
		return ST_OWNERS;
	case READ_LOG:
		break; /* log_read's */
	}
	return ST_ALL;
}

static void
bind_read(sqlite3_stmt *stmt, const struct store_batch *batch, const struct read *read)
{
	int64_t limit = read->range.limit == 0 ? -1 : (int64_t)read->range.limit + 1;

	if (read->kind == READ_OWNERS) {
		bind_text(stmt, 2, read->key.p == NULL ? SLICE("") : read->key);
		(void)sqlite3_bind_int64(stmt, 3, limit);
		return;
	}
	bind_text(stmt, 1, batch->owner.p == NULL ? SLICE("") : batch->owner);
	bind_text(stmt, 2, read->key);
}

struct store_row
ops_row(sqlite3_stmt *stmt, struct arena *arena)
{
	struct store_row row = { .key = column_text(stmt, 0, arena), .value = SLICE("") };
	int columns = sqlite3_column_count(stmt);

	if (columns > 1)
		row.value = column_blob(stmt, 1, arena);
	if (columns > 2) {
		row.id = (uint64_t)sqlite3_column_int64(stmt, 2);
		row.stamp_ms = sqlite3_column_int64(stmt, 3);
	}
	return row;
}

static bool
is_number(const struct read *read)
{
	return read->kind == READ_COUNT || read->kind == READ_SIZE;
}

static int
read_one(struct sqlite_conn *conn, const struct store_batch *batch, struct read *read,
	struct arena *arena)
{
	struct row_list list = { 0 };
	uint64_t total = 0;
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, read->result.table, statement_for(read), &stmt);
	int code;

	if (r < 0)
		return r;
	bind_read(stmt, batch, read);
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct store_row row;

		if (is_number(read)) {
			total = (uint64_t)sqlite3_column_int64(stmt, 0);
			continue;
		}
		row = ops_row(stmt, arena);
		row_list_add(&list, &row);
	}
	(void)sqlite3_reset(stmt);
	row_list_take(&list, read->range.limit, arena, &read->result);
	if (is_number(read))
		read->result.total = total;
	return sqlite_error(conn->db, code);
}

int
ops_read(struct sqlite_conn *conn, struct store_batch *batch)
{
	int r = 0;

	for (struct read *read = batch->first; r == 0 && read != NULL; read = read->next) {
		if (conn->tables->v[read->result.table].kind == STORE_LOG)
			r = log_read(conn, batch->owner, read, &batch->request.arena);
		else
			r = read_one(conn, batch, read, &batch->request.arena);
	}
	return r;
}
