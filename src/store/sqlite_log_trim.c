/*
 * Deleting parts of a log: what lies up to the mark is found by the indexes, the rest in the tail.
 */
#include "store/sqlite_internal.h"

#include <stdlib.h>

enum { TRIM_STEP = 256 };

static int
unindex_entry(struct sqlite_conn *conn, unsigned table, const struct tail_entry *entry)
{
	int r = log_run_on(conn, table, ST_UNINDEX, entry);

	if (r == 0 && entry->has_with)
		r = log_run_on(conn, table, ST_UNINDEX_WITH, entry);
	return r;
}

static int
delete_entry(struct sqlite_conn *conn, unsigned table, const struct tail_entry *entry)
{
	int r = log_run_on(conn, table, ST_DELETE, entry);

	if (r == 0 && entry->is_indexed)
		r = unindex_entry(conn, table, entry);
	return r;
}

/* The first entries of the range that are in the index. */
static int
find_indexed(struct sqlite_conn *conn, unsigned table, const struct tail_query *query,
	struct slice with, struct tail_entry found[TRIM_STEP], size_t *count_out)
{
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, table, query->has_with ? ST_FIND_WITH : ST_FIND, &stmt);
	size_t count = 0;
	int code;

	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(stmt, 1, query->owner);
	bind_bounds(stmt, &query->bounds);
	(void)sqlite3_bind_int64(stmt, 7, TRIM_STEP);
	if (query->has_with) {
		bind_text(stmt, 2, with);
		(void)sqlite3_bind_int64(stmt, 8, query->hash);
	}
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW && count < TRIM_STEP) {
		const char *text = (const char *)sqlite3_column_text(stmt, 1);
		struct slice peer = slice_make(text, (size_t)sqlite3_column_bytes(stmt, 1));

		found[count++] = (struct tail_entry){
			.id = sqlite3_column_int64(stmt, 0),
			.owner = query->owner,
			.has_with = text != NULL,
			.hash = text == NULL ? 0 : log_hash(peer),
			.is_indexed = true,
		};
	}
	(void)sqlite3_reset(stmt);
	*count_out = count;
	return sqlite_error(conn->db, code);
}

/* What is in the index above the mark belongs to the tail. */
static int
trim_indexed(
	struct sqlite_conn *conn, unsigned table, const struct tail_query *query, struct slice with)
{
	struct tail_query indexed = *query;
	struct tail_entry found[TRIM_STEP];
	size_t count = TRIM_STEP;
	int r = 0;

	if (indexed.bounds.last_id > query->mark)
		indexed.bounds.last_id = query->mark;
	while (r == 0 && count == TRIM_STEP) {
		r = find_indexed(conn, table, &indexed, with, found, &count);
		for (size_t i = 0; r == 0 && i < count; i++)
			r = delete_entry(conn, table, &found[i]);
	}
	return r;
}

/* Whether the row is there, and has this `with` (NO_SLICE: any). */
static int
look_at_row(struct sqlite_conn *conn, unsigned table, const struct tail_entry *entry,
	struct slice with, bool *is_it_out)
{
	sqlite3_stmt *stmt;
	int r = log_entry(conn, table, entry, &stmt);
	int code;

	*is_it_out = false;
	if (r < 0)
		return r;
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*is_it_out = with.p == NULL ||
			     slice_is(slice_make((const char *)sqlite3_column_text(stmt, 0),
					      (size_t)sqlite3_column_bytes(stmt, 0)),
				     with);
	(void)sqlite3_reset(stmt);
	return sqlite_error(conn->db, code);
}

static int
trim_found(
	struct sqlite_conn *conn, unsigned table, const struct tail_found *found, struct slice with)
{
	bool is_it = true;
	int r = 0;

	if (found->entry.is_dead)
		return 0;
	if (with.p != NULL)
		r = look_at_row(conn, table, &found->entry, with, &is_it);
	if (r < 0 || !is_it)
		return r;
	r = delete_entry(conn, table, &found->entry);
	tail_kill(&conn->logs->tails[table], found->place);
	return r;
}

static int
trim_tail(
	struct sqlite_conn *conn, unsigned table, const struct tail_query *query, struct slice with)
{
	struct tail_list list = { 0 };
	int r = 0;

	(void)tail_find(&conn->logs->tails[table], query, &list);
	for (size_t i = 0; r == 0 && i < list.count; i++)
		r = trim_found(conn, table, &list.v[i], with);
	free(list.v);
	return r;
}

int
log_trim(struct sqlite_conn *conn, unsigned table, struct slice owner,
	const struct store_range *range)
{
	struct tail_query query = {
		.bounds = range_bounds(range),
		.mark = conn->logs->tails[table].mark,
		.has_with = range->with.p != NULL,
		.hash = range->with.p == NULL ? 0 : log_hash(range->with),
	};
	int r = log_find_owner(conn, table, owner, &query.owner);

	if (r < 0 || query.owner == 0)
		return r;
	r = times_narrow(conn, table, &query.bounds);
	if (r == 0)
		r = trim_indexed(conn, table, &query, range->with);
	return r < 0 ? r : trim_tail(conn, table, &query, range->with);
}
