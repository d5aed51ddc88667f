/*
 * Logs in the file: rows in the order of their ids, which are written once, at the end; an index
 * by owner and one by owner and `with`, in bulk. sqlite_tail.h has the idea.
 *
 * A `with` is in its index as a hash; its text is in the row, and is compared there.
 */
#include "store/sqlite_internal.h"

#include <stdlib.h>

/* ---- All logs ---- */

void
logs_init(struct sqlite_logs *logs, const struct sql_tables *tables, size_t window)
{
	*logs = (struct sqlite_logs){ .tables = tables };
	logs->tails = xcalloc(size_add(tables->count, 1), sizeof(*logs->tails));
	for (size_t i = 0; i < tables->count; i++)
		tail_init(&logs->tails[i], window);
	logs->times = xcalloc(size_add(tables->count, 1), sizeof(*logs->times));
	logs->kept_times = xcalloc(size_add(tables->count, 1), sizeof(*logs->times));
	owners_init(&logs->owners);
}

void
logs_finish(struct sqlite_logs *logs)
{
	if (logs->tails == NULL)
		return;
	for (size_t i = 0; i < logs->tables->count; i++)
		tail_finish(&logs->tails[i]);
	free(logs->tails);
	free(logs->times);
	free(logs->kept_times);
	owners_finish(&logs->owners);
	*logs = (struct sqlite_logs){ 0 };
}

void
logs_begin(struct sqlite_logs *logs)
{
	for (size_t i = 0; i < logs->tables->count; i++)
		tail_begin(&logs->tails[i]);
	memcpy(logs->kept_times, logs->times, logs->tables->count * sizeof(*logs->times));
}

void
logs_commit(struct sqlite_logs *logs)
{
	for (size_t i = 0; i < logs->tables->count; i++)
		tail_commit(&logs->tails[i]);
}

void
logs_rollback(struct sqlite_logs *logs)
{
	for (size_t i = 0; i < logs->tables->count; i++)
		tail_rollback(&logs->tails[i]);
	memcpy(logs->times, logs->kept_times, logs->tables->count * sizeof(*logs->times));
	owners_reset(&logs->owners);
}

bool
logs_wait(struct sqlite_logs *logs, bool freeze)
{
	bool wait = false;

	for (size_t i = 0; i < logs->tables->count; i++) {
		struct tail *tail = &logs->tails[i];

		if (freeze)
			tail_freeze(tail);
		wait |= tail_has_frozen(tail) || tail->fresh.count > 0;
	}
	return wait;
}

void
logs_drop_old(struct sqlite_logs *logs)
{
	for (size_t i = 0; i < logs->tables->count; i++)
		tail_drop_old(&logs->tails[i]);
}

/* ---- Owners and hashes ---- */

/* FNV-1a. Who makes addresses collide makes pages by contact slower for whom he writes to. */
int32_t
log_hash(struct slice with)
{
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < with.len; i++)
		hash = (hash ^ (unsigned char)with.p[i]) * 16777619;
	return (int32_t)(hash ^ hash >> 16);
}

int
log_owner(struct sqlite_conn *conn, unsigned table, struct slice owner, uint32_t *number_out)
{
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, table, ST_OWNER, &stmt);
	int code;

	*number_out = 0;
	if (r < 0)
		return r;
	bind_text(stmt, 2, owner);
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*number_out = (uint32_t)sqlite3_column_int64(stmt, 0);
	(void)sqlite3_reset(stmt);
	return sqlite_error(conn->db, code);
}

int
log_find_owner(struct sqlite_conn *conn, unsigned table, struct slice owner, uint32_t *number_out)
{
	int r;

	*number_out = owners_find(&conn->logs->owners, owner);
	if (*number_out != 0)
		return 0;
	r = log_owner(conn, table, owner, number_out);
	if (r == 0 && *number_out != 0)
		owners_add(&conn->logs->owners, owner, *number_out);
	return r;
}

static int
number_owner(struct sqlite_conn *conn, unsigned table, struct slice owner, uint32_t *number_out)
{
	sqlite3_stmt *stmt;
	int r = log_find_owner(conn, table, owner, number_out);

	if (r < 0 || *number_out != 0)
		return r;
	r = sql_statement(conn, table, ST_NEW_OWNER, &stmt);
	if (r < 0)
		return r;
	bind_text(stmt, 2, owner);
	r = sql_run(conn, stmt);
	if (r < 0)
		return r;
	*number_out = (uint32_t)sqlite3_last_insert_rowid(conn->db);
	owners_add(&conn->logs->owners, owner, *number_out);
	return 0;
}

int
log_forget_owner(struct sqlite_conn *conn, struct slice owner)
{
	for (unsigned i = 0; i < conn->tables->count; i++) {
		sqlite3_stmt *stmt;
		int r;

		if (conn->tables->v[i].kind != STORE_LOG)
			continue;
		r = sql_statement(conn, i, ST_FORGET_OWNER, &stmt);
		if (r < 0)
			return r;
		owners_remove(&conn->logs->owners, owner);
		bind_text(stmt, 2, owner);
		return sql_run(conn, stmt);
	}
	return 0;
}

/* ---- The indexes ---- */

static void
bind_entry(sqlite3_stmt *stmt, const struct tail_entry *entry)
{
	(void)sqlite3_bind_int64(stmt, 1, entry->owner);
	(void)sqlite3_bind_int64(stmt, 4, entry->id);
	if (sqlite3_bind_parameter_count(stmt) >= 5)
		(void)sqlite3_bind_int64(stmt, 5, entry->stamp_ms);
	if (sqlite3_bind_parameter_count(stmt) >= 8)
		(void)sqlite3_bind_int64(stmt, 8, entry->hash);
}

int
log_run_on(struct sqlite_conn *conn, unsigned table, enum statement which,
	const struct tail_entry *entry)
{
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, table, which, &stmt);

	if (r < 0)
		return r;
	bind_entry(stmt, entry);
	return sql_run(conn, stmt);
}

static int
index_entry(struct sqlite_conn *conn, unsigned table, const struct tail_entry *entry)
{
	int r = log_run_on(conn, table, ST_INDEX, entry);

	if (r == 0 && entry->has_with)
		r = log_run_on(conn, table, ST_INDEX_WITH, entry);
	return r;
}

static int
set_mark(struct sqlite_conn *conn, unsigned table, int64_t mark)
{
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, table, ST_SET_MARK, &stmt);

	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(stmt, 1, mark);
	return sql_run(conn, stmt);
}

static int
index_some(struct sqlite_conn *conn, unsigned table, size_t most)
{
	struct tail *tail = &conn->logs->tails[table];
	const struct tail_entry *entry = NULL;
	int r = 0;

	while (r == 0 && most > 0 && (entry = tail_next(tail)) != NULL) {
		if (entry->is_dead)
			continue;
		r = index_entry(conn, table, entry);
		most--;
	}
	if (r < 0 || most == 0)
		return r;
	tail->is_finishing = true;
	return set_mark(conn, table, tail->frozen_last);
}

int
logs_index_some(struct sqlite_conn *conn, size_t most)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < conn->tables->count; i++) {
		if (tail_has_frozen(&conn->logs->tails[i]))
			r = index_some(conn, i, most);
	}
	return r;
}

/* ---- Loading ---- */

static int
load_tail(struct sqlite_conn *conn, unsigned table, struct tail *tail)
{
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, table, ST_TAIL, &stmt);
	int code;

	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(stmt, 1, tail->mark);
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct slice with = slice_make((const char *)sqlite3_column_text(stmt, 3),
			(size_t)sqlite3_column_bytes(stmt, 3));

		tail_add(tail, &(struct tail_entry){
				       .id = sqlite3_column_int64(stmt, 0),
				       .owner = (uint32_t)sqlite3_column_int64(stmt, 1),
				       .stamp_ms = sqlite3_column_int64(stmt, 2),
				       .has_with = with.p != NULL,
				       .hash = with.p == NULL ? 0 : log_hash(with),
				       .is_indexed = true,
			       });
	}
	(void)sqlite3_reset(stmt);
	return sqlite_error(conn->db, code);
}

static int
load_log(struct sqlite_conn *conn, unsigned table)
{
	struct tail *tail = &conn->logs->tails[table];
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, table, ST_MARK, &stmt);
	int code;

	if (r < 0)
		return r;
	code = sqlite3_step(stmt);
	tail_reset(tail, code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0);
	(void)sqlite3_reset(stmt);
	r = sqlite_error(conn->db, code);
	if (r == 0)
		r = times_load(conn, table);
	return r < 0 ? r : load_tail(conn, table, tail);
}

int
logs_load(struct sqlite_conn *conn)
{
	int r = 0;

	owners_reset(&conn->logs->owners);
	for (unsigned i = 0; r == 0 && i < conn->tables->count; i++) {
		if (conn->tables->v[i].kind == STORE_LOG)
			r = load_log(conn, i);
	}
	return r;
}

/* ---- Appending ---- */

static int
insert_row(struct sqlite_conn *conn, const struct op *op, const struct tail_entry *entry)
{
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, op->table, ST_PUT, &stmt);

	if (r < 0)
		return r;
	bind_entry(stmt, entry);
	bind_text(stmt, 2, op->key);
	bind_blob(stmt, 3, op->value);
	return sql_run(conn, stmt);
}

int
log_append(struct sqlite_conn *conn, struct slice owner, const struct op *op)
{
	struct tail *tail = &conn->logs->tails[op->table];
	struct tail_entry entry = {
		.id = (int64_t)op->id,
		.stamp_ms = op->stamp_ms,
		.has_with = op->key.p != NULL,
		.hash = op->key.p == NULL ? 0 : log_hash(op->key),
		.is_indexed = tail_is_late(tail, (int64_t)op->id),
	};
	int r = number_owner(conn, op->table, owner, &entry.owner);

	if (r == 0)
		r = insert_row(conn, op, &entry);
	if (r == 0)
		r = times_note(conn, op->table, entry.id, entry.stamp_ms);
	if (r == 0 && entry.is_indexed)
		r = index_entry(conn, op->table, &entry);
	if (r == 0 && entry.id > tail->mark)
		tail_add(tail, &entry);
	return r;
}

/* ---- Looking up ---- */

int
log_entry(struct sqlite_conn *conn, unsigned table, const struct tail_entry *entry,
	sqlite3_stmt **stmt_out)
{
	int r = sql_statement(conn, table, ST_ENTRY, stmt_out);

	if (r == 0)
		bind_entry(*stmt_out, entry);
	return r;
}
