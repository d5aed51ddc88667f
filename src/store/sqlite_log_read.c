/*
 * Reading logs: up to the mark from the indexes, above it from the tail, each entry of which is
 * looked up. All ids in one part are above all ids in the other, so nothing is merged.
 */
#include "store/sqlite_internal.h"

#include <errno.h>
#include <stdlib.h>

/* One read, while it goes on. */
struct log_reading {
	struct sqlite_conn *conn;
	unsigned table;
	struct read *read;
	struct arena *arena;
	struct tail_query query;
	uint64_t wanted; /* rows, one more than the limit */
	uint64_t total;
	struct row_list rows;
};

static int
read_mark(struct sqlite_conn *conn, unsigned table, int64_t *mark_out)
{
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, table, ST_MARK, &stmt);
	int code;

	if (r < 0)
		return r;
	code = sqlite3_step(stmt);
	*mark_out = code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	(void)sqlite3_reset(stmt);
	return sqlite_error(conn->db, code);
}

static bool
is_number(const struct read *read)
{
	return read->kind == READ_COUNT || read->kind == READ_SIZE;
}

/* ---- From the indexes ---- */

static enum statement
statement_for(const struct read *read)
{
	bool has_with = read->range.with.p != NULL;

	if (read->kind == READ_SIZE)
		return ST_SIZE;
	if (read->kind == READ_COUNT)
		return has_with ? ST_COUNT_WITH : ST_COUNT;
	if (read->range.backward)
		return has_with ? ST_BACKWARD_WITH : ST_BACKWARD;
	return has_with ? ST_FORWARD_WITH : ST_FORWARD;
}

static void
bind_reading(sqlite3_stmt *stmt, const struct log_reading *reading)
{
	struct bounds bounds = reading->query.bounds;

	if (bounds.last_id > reading->query.mark)
		bounds.last_id = reading->query.mark;
	(void)sqlite3_bind_int64(stmt, 1, reading->query.owner);
	bind_bounds(stmt, &bounds);
	if (sqlite3_bind_parameter_count(stmt) >= 7)
		(void)sqlite3_bind_int64(stmt, 7, (int64_t)(reading->wanted - reading->rows.count));
	if (reading->query.has_with) {
		bind_text(stmt, 2, reading->read->range.with);
		(void)sqlite3_bind_int64(stmt, 8, reading->query.hash);
	}
}

static int
read_indexed(struct log_reading *reading)
{
	sqlite3_stmt *stmt;
	int r = sql_statement(reading->conn, reading->table, statement_for(reading->read), &stmt);
	int code;

	if (r < 0)
		return r;
	bind_reading(stmt, reading);
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (is_number(reading->read)) {
			reading->total += (uint64_t)sqlite3_column_int64(stmt, 0);
		} else {
			struct store_row row = ops_row(stmt, reading->arena);

			row_list_add(&reading->rows, &row);
		}
	}
	(void)sqlite3_reset(stmt);
	return sqlite_error(reading->conn->db, code);
}

/* ---- From the tail ---- */

static void
take_row(struct log_reading *reading, sqlite3_stmt *stmt)
{
	struct slice with = reading->read->range.with;
	struct slice peer = slice_make(
		(const char *)sqlite3_column_text(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
	struct store_row row;

	if (with.p != NULL && !slice_is(peer, with))
		return; /* only the hash is the same */
	if (reading->read->kind == READ_COUNT) {
		reading->total++;
	} else if (reading->read->kind == READ_SIZE) {
		reading->total += peer.len + (uint64_t)sqlite3_column_bytes(stmt, 1);
	} else {
		row = ops_row(stmt, reading->arena);
		row_list_add(&reading->rows, &row);
	}
}

static int
read_entry(struct log_reading *reading, const struct tail_entry *entry)
{
	sqlite3_stmt *stmt;
	int r = log_entry(reading->conn, reading->table, entry, &stmt);
	int code;

	if (r < 0)
		return r;
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		take_row(reading, stmt);
	(void)sqlite3_reset(stmt);
	return sqlite_error(reading->conn->db, code);
}

static int
read_tail(struct log_reading *reading)
{
	struct tail *tail = &reading->conn->logs->tails[reading->table];
	struct tail_list list = { 0 };
	int r = tail_find(tail, &reading->query, &list) ? 0 : -EAGAIN;

	for (size_t i = 0; r == 0 && i < list.count && reading->rows.count < reading->wanted; i++) {
		size_t at = reading->read->range.backward ? list.count - 1 - i : i;

		r = read_entry(reading, &list.v[at].entry);
	}
	free(list.v);
	return r;
}

/* ---- Both ---- */

static bool
is_full(const struct log_reading *reading)
{
	return reading->rows.count >= reading->wanted;
}

static int
read_backward(struct log_reading *reading)
{
	int r = read_tail(reading);

	return r < 0 || is_full(reading) ? r : read_indexed(reading);
}

static int
read_forward(struct log_reading *reading)
{
	int r = read_indexed(reading);

	return r < 0 || is_full(reading) ? r : read_tail(reading);
}

static int
read_range(struct log_reading *reading, struct slice owner)
{
	int r = log_owner(reading->conn, reading->table, owner, &reading->query.owner);

	if (r < 0 || reading->query.owner == 0)
		return r;
	r = times_narrow(reading->conn, reading->table, &reading->query.bounds);
	if (r < 0)
		return r;
	return reading->read->range.backward ? read_backward(reading) : read_forward(reading);
}

/* ---- Owners ---- */

static int
has_entries(struct log_reading *reading, uint32_t owner, bool *has_out)
{
	uint64_t before = reading->total;
	int r;

	reading->query.owner = owner;
	r = read_tail(reading);
	*has_out = reading->total > before;
	reading->total = before;
	return r;
}

/* Owners of all logs are in one table; so each is asked whether it has anything in this one. */
static int
read_owners(struct log_reading *reading)
{
	struct read counting = { .kind = READ_COUNT };
	struct log_reading tail = *reading;
	struct slice after = reading->read->key;
	sqlite3_stmt *stmt;
	int r = sql_statement(reading->conn, reading->table, ST_OWNERS, &stmt);
	int code = SQLITE_DONE;

	if (r < 0)
		return r;
	tail.read = &counting;
	bind_text(stmt, 2, after.p == NULL ? SLICE("") : after);
	while (r == 0 && !is_full(reading) && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		bool has = sqlite3_column_int(stmt, 2) != 0;

		if (!has)
			r = has_entries(&tail, (uint32_t)sqlite3_column_int64(stmt, 1), &has);
		if (r == 0 && has) {
			struct store_row row = { column_text(stmt, 0, reading->arena), SLICE(""), 0,
				0 };

			row_list_add(&reading->rows, &row);
		}
	}
	(void)sqlite3_reset(stmt);
	return r < 0 ? r : sqlite_error(reading->conn->db, code);
}

int
log_read(struct sqlite_conn *conn, struct slice owner, struct read *read, struct arena *arena)
{
	struct log_reading reading = {
		.conn = conn,
		.table = read->result.table,
		.read = read,
		.arena = arena,
		.query = {
			.bounds = range_bounds(&read->range),
			.has_with = read->range.with.p != NULL,
			.hash = read->range.with.p == NULL ? 0 : log_hash(read->range.with),
		},
		.wanted = read->range.limit == 0 ? INT64_MAX : (uint64_t)read->range.limit + 1,
	};
	int r = read_mark(conn, reading.table, &reading.query.mark);

	if (r == 0)
		r = read->kind == READ_OWNERS ? read_owners(&reading) : read_range(&reading, owner);
	row_list_take(&reading.rows, read->range.limit, arena, &read->result);
	if (is_number(read))
		read->result.total = reading.total;
	return r;
}
