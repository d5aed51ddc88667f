/*
 * Where in a log a time is. Stamps nearly grow with ids, but a clock may jump, so they cannot be
 * searched. Instead each few thousand ids there is a signpost: `high`, above all stamps up to this
 * id; and `low`, below all stamps after it. Who looks for what is not older than a time begins
 * after the last signpost whose high is older; who looks for what is not newer ends at the first
 * whose low is newer. When the clock goes back, or an entry comes late, signposts are corrected;
 * after a jump they say less, but never what is false. Deleting changes nothing.
 */
#include "store/sqlite_internal.h"

enum { STEP = 4096 };

static int
run(struct sqlite_conn *conn, unsigned table, enum statement which, int64_t id, int64_t stamp_ms)
{
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, table, which, &stmt);

	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(stmt, 4, id);
	(void)sqlite3_bind_int64(stmt, 5, stamp_ms);
	return sql_run(conn, stmt);
}

/* There is a signpost behind it already. */
static int
correct(struct sqlite_conn *conn, unsigned table, int64_t id, int64_t stamp_ms)
{
	int r = run(conn, table, ST_RAISE_TIMES, id, stamp_ms);

	return r < 0 ? r : run(conn, table, ST_LOWER_TIMES, id, stamp_ms);
}

int
times_note(struct sqlite_conn *conn, unsigned table, int64_t id, int64_t stamp_ms)
{
	struct log_times *times = &conn->logs->times[table];
	int r = 0;

	if (stamp_ms > times->high)
		times->high = stamp_ms;
	if (id <= times->last_post)
		return correct(conn, table, id, stamp_ms);
	if (stamp_ms < times->low) {
		r = run(conn, table, ST_LOWER_TIMES, id, stamp_ms);
		times->low = stamp_ms;
	}
	if (id > times->last_id)
		times->last_id = id;
	if (r < 0 || id < times->last_id || id - times->last_post < STEP)
		return r;
	times->last_post = id;
	times->low = INT64_MAX;
	return run(conn, table, ST_NEW_TIME, id, times->high);
}

int
times_load(struct sqlite_conn *conn, unsigned table)
{
	struct log_times *times = &conn->logs->times[table];
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, table, ST_LAST_TIME, &stmt);
	int code;

	*times = (struct log_times){ .high = INT64_MIN, .low = INT64_MIN };
	if (r < 0)
		return r;
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW) {
		times->last_post = times->last_id = sqlite3_column_int64(stmt, 0);
		times->high = sqlite3_column_int64(stmt, 1);
		times->low = sqlite3_column_int64(stmt, 2);
	}
	(void)sqlite3_reset(stmt);
	r = sqlite_error(conn->db, code);
	if (r == 0)
		r = sql_statement(conn, table, ST_NEWER, &stmt);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(stmt, 4, times->last_post);
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
		times->last_id = sqlite3_column_int64(stmt, 0);
		if (sqlite3_column_int64(stmt, 1) > times->high)
			times->high = sqlite3_column_int64(stmt, 1);
	}
	(void)sqlite3_reset(stmt);
	return sqlite_error(conn->db, code);
}

/* The signpost, or what *id_out is already. */
static int
look_up(struct sqlite_conn *conn, unsigned table, enum statement which, int64_t stamp_ms,
	int64_t *id_out)
{
	sqlite3_stmt *stmt;
	int r = sql_statement(conn, table, which, &stmt);
	int code;

	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(stmt, 5, stamp_ms);
	code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*id_out = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_reset(stmt);
	return sqlite_error(conn->db, code);
}

int
times_narrow(struct sqlite_conn *conn, unsigned table, struct bounds *bounds)
{
	int64_t after = 0, last = INT64_MAX;
	int r = 0;

	if (bounds->since_ms != INT64_MIN)
		r = look_up(conn, table, ST_SINCE, bounds->since_ms, &after);
	if (r == 0 && bounds->until_ms != INT64_MAX)
		r = look_up(conn, table, ST_UNTIL, bounds->until_ms, &last);
	if (after >= bounds->first_id)
		bounds->first_id = after + 1;
	if (last < bounds->last_id)
		bounds->last_id = last;
	return r;
}
