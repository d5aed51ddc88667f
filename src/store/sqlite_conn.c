/*
 * A connection to the file, with one prepared statement per table and operation. What is kept
 * decides the SQL: four kinds, four small families of statements.
 *
 * One connection writes and checkpoints; the others may only read, and are told never to
 * checkpoint when they close. This keeps clear of the race between a commit and a checkpoint of
 * two connections that SQLite had from 3.7.0 to 3.51.2.
 */
#include "store/sqlite_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { BUSY_MS = 5000, SLOT_BYTES = 1200, SLOTS = 10 };

#define RANGE " AND i.id >= ?3 AND i.id <= ?4 AND i.stamp >= ?5 AND i.stamp <= ?6"
#define ENTRY "SELECT r.peer, r.value, i.id, i.stamp"
#define JOIN " CROSS JOIN \"@\" r ON r.id = i.id WHERE i.owner = ?1"
#define BY_OWNER " FROM \"@#owner\" i" JOIN
#define BY_WITH " FROM \"@#with\" i" JOIN " AND i.hash = ?8 AND r.peer = ?2"
#define SIZE(bytes) ("SELECT coalesce(sum(" bytes "), 0) FROM \"@\" WHERE owner = ?1")
#define OWNERS "SELECT DISTINCT owner FROM \"@\" WHERE owner > ?2 ORDER BY owner LIMIT ?3"

/* '@' stands for the table's name; ?1 is the owner, ?2 a key, a `with` or another owner. */
static const char *const sql_of[][STATEMENTS] = {
	[STORE_VALUE] = {
		[ST_EXISTS] = "SELECT 1 FROM \"@\" WHERE owner = ?1",
		[ST_PUT] = ("INSERT INTO \"@\" (owner, value) VALUES (?1, ?3)"
			" ON CONFLICT (owner) DO UPDATE SET value = excluded.value"),
		[ST_DELETE] = "DELETE FROM \"@\" WHERE owner = ?1",
		[ST_CLEAR] = "DELETE FROM \"@\" WHERE owner = ?1",
		[ST_ALL] = "SELECT NULL, value FROM \"@\" WHERE owner = ?1",
		[ST_COUNT] = "SELECT count(*) FROM \"@\" WHERE owner = ?1",
		[ST_SIZE] = SIZE("length(value)"),
		[ST_OWNERS] = OWNERS,
	},
	[STORE_SET] = {
		[ST_PUT] = "INSERT INTO \"@\" (owner, key) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
		[ST_DELETE] = "DELETE FROM \"@\" WHERE owner = ?1 AND key = ?2",
		[ST_CLEAR] = "DELETE FROM \"@\" WHERE owner = ?1",
		[ST_ALL] = "SELECT key, NULL FROM \"@\" WHERE owner = ?1 ORDER BY key",
		[ST_KEY] = "SELECT key, NULL FROM \"@\" WHERE owner = ?1 AND key = ?2",
		[ST_COUNT] = "SELECT count(*) FROM \"@\" WHERE owner = ?1",
		[ST_SIZE] = SIZE("length(CAST(key AS BLOB))"),
		[ST_OWNERS] = OWNERS,
	},
	[STORE_MAP] = {
		[ST_PUT] = ("INSERT INTO \"@\" (owner, key, value) VALUES (?1, ?2, ?3)"
			" ON CONFLICT (owner, key) DO UPDATE SET value = excluded.value"),
		[ST_DELETE] = "DELETE FROM \"@\" WHERE owner = ?1 AND key = ?2",
		[ST_CLEAR] = "DELETE FROM \"@\" WHERE owner = ?1",
		[ST_ALL] = "SELECT key, value FROM \"@\" WHERE owner = ?1 ORDER BY key",
		[ST_KEY] = "SELECT key, value FROM \"@\" WHERE owner = ?1 AND key = ?2",
		[ST_COUNT] = "SELECT count(*) FROM \"@\" WHERE owner = ?1",
		[ST_SIZE] = SIZE("length(CAST(key AS BLOB)) + length(value)"),
		[ST_OWNERS] = OWNERS,
	},
	/* ?1 is the owner's number, ?8 the hash of a `with`. */
	[STORE_LOG] = {
		[ST_PUT] = ("INSERT INTO \"@\" (id, owner, stamp, peer, value)"
			" VALUES (?4, ?1, ?5, ?2, ?3)"),
		[ST_DELETE] = "DELETE FROM \"@\" WHERE id = ?4",
		[ST_ENTRY] = ("SELECT peer, value, id, stamp FROM \"@\""
			" WHERE id = ?4 AND owner = ?1"),
		[ST_TAIL] = ("SELECT id, owner, stamp, peer FROM \"@\" WHERE id > ?1"),
		[ST_INDEX] = ("INSERT OR IGNORE INTO \"@#owner\" (owner, id, stamp)"
			" VALUES (?1, ?4, ?5)"),
		[ST_INDEX_WITH] = ("INSERT OR IGNORE INTO \"@#with\" (owner, hash, id, stamp)"
			" VALUES (?1, ?8, ?4, ?5)"),
		[ST_UNINDEX] = "DELETE FROM \"@#owner\" WHERE owner = ?1 AND id = ?4",
		[ST_UNINDEX_WITH] =
			("DELETE FROM \"@#with\" WHERE owner = ?1 AND hash = ?8 AND id = ?4"),
		[ST_MARK] = "SELECT indexed FROM _tables WHERE name = '@'",
		[ST_SET_MARK] = "UPDATE _tables SET indexed = ?1 WHERE name = '@'",
		[ST_OWNER] = "SELECT no FROM _owners WHERE name = ?2",
		[ST_NEW_OWNER] = "INSERT INTO _owners (name) VALUES (?2)",
		[ST_FORGET_OWNER] = "DELETE FROM _owners WHERE name = ?2",
		[ST_NEW_TIME] = "INSERT INTO _times VALUES ('@', ?4, ?5, 9223372036854775807)",
		[ST_RAISE_TIMES] = ("UPDATE _times SET high = ?5"
			" WHERE log = '@' AND id >= ?4 AND high < ?5"),
		[ST_LOWER_TIMES] = ("UPDATE _times SET low = ?5"
			" WHERE log = '@' AND low > ?5 AND id < ?4"),
		[ST_LAST_TIME] = ("SELECT id, high, low FROM _times WHERE log = '@'"
			" ORDER BY id DESC LIMIT 1"),
		[ST_NEWER] = "SELECT max(id), max(stamp) FROM \"@\" WHERE id > ?4",
		[ST_SINCE] = ("SELECT id FROM _times WHERE log = '@' AND high < ?5"
			" ORDER BY high DESC, id DESC LIMIT 1"),
		[ST_UNTIL] = ("SELECT id FROM _times WHERE log = '@' AND low > ?5"
			" ORDER BY low, id LIMIT 1"),
		[ST_FIND] = ("SELECT i.id, r.peer" BY_OWNER RANGE " LIMIT ?7"),
		[ST_FIND_WITH] = ("SELECT i.id, r.peer" BY_WITH RANGE " LIMIT ?7"),
		[ST_COUNT] = ("SELECT count(*) FROM \"@#owner\" i WHERE i.owner = ?1" RANGE),
		[ST_COUNT_WITH] = ("SELECT count(*)" BY_WITH RANGE),
		[ST_SIZE] = ("SELECT coalesce(sum("
			"length(CAST(coalesce(r.peer, '') AS BLOB)) + length(r.value)), 0)"
			BY_OWNER RANGE),
		[ST_FORWARD] = (ENTRY BY_OWNER RANGE " ORDER BY i.id LIMIT ?7"),
		[ST_FORWARD_WITH] = (ENTRY BY_WITH RANGE " ORDER BY i.id LIMIT ?7"),
		[ST_BACKWARD] = (ENTRY BY_OWNER RANGE " ORDER BY i.id DESC LIMIT ?7"),
		[ST_BACKWARD_WITH] = (ENTRY BY_WITH RANGE " ORDER BY i.id DESC LIMIT ?7"),
		[ST_OWNERS] = ("SELECT name, no, EXISTS"
			" (SELECT 1 FROM \"@#owner\" i WHERE i.owner = no)"
			" FROM _owners WHERE name > ?2 ORDER BY name"),
	},
};

/* Whether the file's last failure was for lack of room, which SQLite sees in ENOSPC only. */
static bool
lacked_room(sqlite3_file *file)
{
	int error = 0;

	if (file == NULL || file->pMethods == NULL ||
		file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error) != SQLITE_OK)
		return false;
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

static bool
means_full(sqlite3 *db, int code)
{
	sqlite3_file *database = NULL, *log = NULL;

	if ((code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE)
		return true;
	if (code != SQLITE_IOERR_WRITE || db == NULL)
		return false;
	(void)sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &database);
	(void)sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
	return lacked_room(database) || lacked_room(log);
}

int
sqlite_error(sqlite3 *db, int code)
{
	if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE)
		return 0;
	if (code == SQLITE_NOMEM || code == SQLITE_IOERR_NOMEM)
		die("Out of memory: SQLite was refused some. Give the process more.");
	if (means_full(db, code))
		return -ENOSPC;
	if (code == SQLITE_TOOBIG)
		return -EMSGSIZE;
	if ((code & 0xff) == SQLITE_NOTADB || (code & 0xff) == SQLITE_CORRUPT)
		return -EBADMSG;
	return -EIO;
}

int
sql_exec(struct sqlite_conn *conn, const char *sql)
{
	return sqlite_error(conn->db, sqlite3_exec(conn->db, sql, NULL, NULL, NULL));
}

int
sql_number(struct sqlite_conn *conn, const char *sql, int64_t *value_out)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(conn->db, sql, -1, &stmt, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW)
		*value_out = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return sqlite_error(conn->db, code);
}

static int
set_up(struct sqlite_conn *conn, bool reads_only)
{
	/* Statements are prepared once and kept; the default's 40 slots would lie idle. */
	(void)sqlite3_db_config(conn->db, SQLITE_DBCONFIG_LOOKASIDE, NULL, SLOT_BYTES, SLOTS);
	(void)sqlite3_extended_result_codes(conn->db, 1);
	(void)sqlite3_busy_timeout(conn->db, BUSY_MS);
	(void)sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(conn->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(conn->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (reads_only)
		return sql_exec(conn, "PRAGMA query_only = 1; PRAGMA cache_size = -1024");
	return sql_exec(conn, "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
			      "PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY");
}

int
sql_open(struct sqlite_conn *conn, const char *path, bool reads_only)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	int r;

	*conn = (struct sqlite_conn){ 0 };
	/* No 80 KiB of page cache in advance; heard only before the first connection. */
	(void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
	r = sqlite_error(NULL, sqlite3_open_v2(path, &conn->db, flags, NULL));
	if (r == 0)
		r = set_up(conn, reads_only);
	if (r < 0)
		sql_close(conn);
	return r;
}

static void
finalize_all(struct sqlite_conn *conn)
{
	for (size_t i = 0; conn->prepared != NULL && i < conn->tables->count; i++) {
		for (size_t k = 0; k < STATEMENTS; k++)
			(void)sqlite3_finalize(conn->prepared[i][k]);
	}
	(void)sqlite3_finalize(conn->begin);
	(void)sqlite3_finalize(conn->commit);
	(void)sqlite3_finalize(conn->rollback);
	free(conn->prepared);
}

void
sql_close(struct sqlite_conn *conn)
{
	int code;

	finalize_all(conn);
	code = sqlite3_close(conn->db);
	assert(code == SQLITE_OK); /* else a statement is left over */
	(void)code;
	*conn = (struct sqlite_conn){ 0 };
}

void
sql_use_tables(struct sqlite_conn *conn, const struct sql_tables *tables, struct sqlite_logs *logs)
{
	conn->tables = tables;
	conn->logs = logs;
	conn->prepared = xcalloc(tables->count, sizeof(*conn->prepared));
}

const char *
sql_with_name(struct arena *arena, const char *pattern, const char *name)
{
	struct slice text = SLICE("");

	while (*pattern != '\0') {
		size_t before = strcspn(pattern, "@");

		text = arena_printf(arena, "%.*s%.*s%s", SLICE_ARG(text), (int)before, pattern,
			pattern[before] == '@' ? name : "");
		pattern += before + (pattern[before] == '@');
	}
	return text.p;
}

static int
prepare(struct sqlite_conn *conn, const char *sql, sqlite3_stmt **stmt_out)
{
	return sqlite_error(conn->db,
		sqlite3_prepare_v3(conn->db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt_out, NULL));
}

static int
prepare_for_table(
	struct sqlite_conn *conn, const char *pattern, const char *name, sqlite3_stmt **stmt_out)
{
	struct arena arena;
	int r;

	arena_init(&arena, 0);
	r = prepare(conn, sql_with_name(&arena, pattern, name), stmt_out);
	arena_finish(&arena);
	return r;
}

int
sql_statement(
	struct sqlite_conn *conn, unsigned table, enum statement which, sqlite3_stmt **stmt_out)
{
	const struct sql_table *t = &conn->tables->v[table];
	sqlite3_stmt **cached = &conn->prepared[table][which];
	int r = 0;

	assert(sql_of[t->kind][which] != NULL);
	if (*cached == NULL)
		r = prepare_for_table(conn, sql_of[t->kind][which], t->name, cached);
	if (r == 0)
		*stmt_out = *cached;
	return r;
}

int
sql_run(struct sqlite_conn *conn, sqlite3_stmt *stmt)
{
	int r = sqlite_error(conn->db, sqlite3_step(stmt));

	(void)sqlite3_reset(stmt);
	return r;
}

static int
run_cached(struct sqlite_conn *conn, sqlite3_stmt **stmt, const char *sql)
{
	int r = 0;

	if (*stmt == NULL)
		r = prepare(conn, sql, stmt);
	return r < 0 ? r : sql_run(conn, *stmt);
}

int
sql_begin(struct sqlite_conn *conn)
{
	return run_cached(conn, &conn->begin, "BEGIN");
}

int
sql_commit(struct sqlite_conn *conn)
{
	return run_cached(conn, &conn->commit, "COMMIT");
}

void
sql_rollback(struct sqlite_conn *conn)
{
	/* Some errors have rolled back already. A rollback that fails is ended by the close. */
	if (sqlite3_get_autocommit(conn->db) == 0)
		(void)run_cached(conn, &conn->rollback, "ROLLBACK");
}

/* Only what the statement asks for is bound; the memory must live until it has run. */
void
bind_text(sqlite3_stmt *stmt, int at, struct slice text)
{
	if (at > sqlite3_bind_parameter_count(stmt))
		return;
	if (text.p == NULL)
		(void)sqlite3_bind_null(stmt, at);
	else
		(void)sqlite3_bind_text(stmt, at, text.p, (int)text.len, SQLITE_STATIC);
}

void
bind_blob(sqlite3_stmt *stmt, int at, struct slice blob)
{
	if (at > sqlite3_bind_parameter_count(stmt))
		return;
	(void)sqlite3_bind_blob(
		stmt, at, blob.p == NULL ? "" : blob.p, (int)blob.len, SQLITE_STATIC);
}

void
bind_bounds(sqlite3_stmt *stmt, const struct bounds *bounds)
{
	(void)sqlite3_bind_int64(stmt, 3, bounds->first_id);
	(void)sqlite3_bind_int64(stmt, 4, bounds->last_id);
	(void)sqlite3_bind_int64(stmt, 5, bounds->since_ms);
	(void)sqlite3_bind_int64(stmt, 6, bounds->until_ms);
}

static struct slice
column_copy(const void *bytes, int len, struct arena *arena)
{
	return arena_copy(arena, slice_make(len == 0 ? "" : bytes, (size_t)len));
}

struct slice
column_text(sqlite3_stmt *stmt, int at, struct arena *arena)
{
	if (sqlite3_column_type(stmt, at) == SQLITE_NULL)
		return NO_SLICE;
	return column_copy(sqlite3_column_text(stmt, at), sqlite3_column_bytes(stmt, at), arena);
}

struct slice
column_blob(sqlite3_stmt *stmt, int at, struct arena *arena)
{
	return column_copy(sqlite3_column_blob(stmt, at), sqlite3_column_bytes(stmt, at), arena);
}
