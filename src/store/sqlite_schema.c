/*
 * What is in the file: a number that says which migrations it has seen, a list of the tables
 * with their kind and form, and the tables. Everything is looked at before anything is written,
 * so that a file that we refuse is left as it was; then one transaction brings it up to date.
 *
 * A log is a table in the order of its ids, and two indexes that are tables of their own, because
 * they are written later; sqlite_tail.h says why. Owners are numbers there.
 */
#include "store/sqlite_internal.h"

#include <errno.h>

/* "Kith" in the header of the file. */
#define APPLICATION_ID "1265202280"
enum { APPLICATION = 1265202280 };

/* Since then logs have numbers for owners, and indexes of their own; convert_logs() comes with it.
 */
enum { LOGS_BY_NUMBER = 2 };

/* Migration n makes schema n out of schema n - 1. Never changed once released, only added to. */
static const char *const migrations[] = {
	[1] = "CREATE TABLE _schema (version INTEGER NOT NULL, id_limit INTEGER NOT NULL);"
	      "INSERT INTO _schema VALUES (0, 0);"
	      "CREATE TABLE _tables (name TEXT PRIMARY KEY, kind INTEGER NOT NULL,"
	      "	version INTEGER NOT NULL) WITHOUT ROWID;"
	      "PRAGMA application_id = " APPLICATION_ID ";",
	[LOGS_BY_NUMBER] = "CREATE TABLE _owners (no INTEGER PRIMARY KEY, name TEXT NOT NULL "
			   "UNIQUE);"
			   "ALTER TABLE _tables ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0;",
	[3] = "CREATE TABLE _times (log TEXT, id INTEGER, high INTEGER NOT NULL, low INTEGER NOT "
	      "NULL,"
	      "	PRIMARY KEY (log, id)) WITHOUT ROWID;"
	      "CREATE INDEX _times_high ON _times (log, high, id);"
	      "CREATE INDEX _times_low ON _times (log, low, id);",
};
enum { SCHEMA = COUNT_OF(migrations) - 1 };

/* '@' stands for the table's name. */
static const char *const
	create_log = "CREATE TABLE \"@\" (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, stamp "
		     "INTEGER NOT NULL,"
		     " peer TEXT, value BLOB NOT NULL);"
		     "CREATE TABLE \"@#owner\" (owner INTEGER, id INTEGER, stamp INTEGER NOT NULL,"
		     " PRIMARY KEY (owner, id)) WITHOUT ROWID;"
		     "CREATE TABLE \"@#with\" (owner INTEGER, hash INTEGER, id INTEGER, stamp "
		     "INTEGER NOT NULL,"
		     " PRIMARY KEY (owner, hash, id)) WITHOUT ROWID;";

/* A log of schema 1; the indexes get their entries once it is open. */
static const char *const rename_log = "ALTER TABLE \"@\" RENAME TO \"@#1\"; DROP INDEX "
				      "\"@#owner\"; DROP INDEX \"@#peer\";";
static const char
	*const copy_log = "INSERT OR IGNORE INTO _owners (name) SELECT DISTINCT owner FROM \"@#1\" "
			  "ORDER BY 1;"
			  "INSERT INTO \"@\" SELECT id, no, stamp, peer, value FROM \"@#1\""
			  " CROSS JOIN _owners ON name = owner ORDER BY id;"
			  "DROP TABLE \"@#1\";";

static const char *const create[] = {
	[STORE_VALUE] = "CREATE TABLE \"@\" (owner TEXT PRIMARY KEY, value BLOB NOT NULL)"
			" WITHOUT ROWID",
	[STORE_SET] = "CREATE TABLE \"@\" (owner TEXT, key TEXT, PRIMARY KEY (owner, key))"
		      " WITHOUT ROWID",
	[STORE_MAP] = "CREATE TABLE \"@\" (owner TEXT, key TEXT, value BLOB NOT NULL,"
		      " PRIMARY KEY (owner, key)) WITHOUT ROWID",
};

/* What the file says of itself. */
struct stored {
	int64_t schema; /* 0: empty */
	struct sql_tables tables;
	int64_t *versions;
};

static int
check_is_ours(struct sqlite_conn *conn, const struct sqlite_file *file, bool *empty_out,
	struct arena *arena, struct store_fault *fault_out)
{
	int64_t application = 0, objects = 0;
	int r = sql_number(conn, "PRAGMA application_id", &application);

	if (r == 0)
		r = sql_number(conn, "SELECT count(*) FROM sqlite_schema", &objects);
	if (r < 0)
		return r;
	*empty_out = objects == 0;
	if (objects == 0 || application == APPLICATION)
		return 0;
	fault_out->cause = arena_printf(
		arena, "%s is the database of another program, not of Kith.", file->path);
	fault_out->cure = SLICE("Move it away, or give this server another data directory.");
	return -EBADMSG;
}

static int
check_version(const struct sqlite_file *file, int64_t schema, struct arena *arena,
	struct store_fault *fault_out)
{
	if (schema <= SCHEMA)
		return 0;
	fault_out->cause = arena_printf(arena,
		"The database %s has schema %lld, and this program knows schemas up to %d.",
		file->path, (long long)schema, (int)SCHEMA);
	fault_out->cure = SLICE("Run the newer version that wrote it, or restore a backup.");
	return -EPROTO;
}

static int
read_tables(struct sqlite_conn *conn, struct arena *keep, struct stored *stored)
{
	sqlite3_stmt *stmt = NULL;
	int64_t count = 0;
	int code, r;

	r = sql_number(conn, "SELECT count(*) FROM _tables", &count);
	if (r < 0)
		return r;
	stored->tables.v = arena_array(keep, (size_t)count, struct sql_table);
	stored->versions = arena_array(keep, (size_t)count, int64_t);
	code = sqlite3_prepare_v2(
		conn->db, "SELECT name, kind, version FROM _tables ORDER BY name", -1, &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	for (; code == SQLITE_ROW && stored->tables.count < (size_t)count;
		code = sqlite3_step(stmt)) {
		size_t at = stored->tables.count++;

		stored->tables.v[at].name = column_text(stmt, 0, keep).p;
		stored->tables.v[at].kind = (enum store_kind)sqlite3_column_int(stmt, 1);
		stored->versions[at] = sqlite3_column_int64(stmt, 2);
	}
	(void)sqlite3_finalize(stmt);
	return sqlite_error(conn->db, code);
}

static const struct sql_table *
find_stored(const struct stored *stored, const char *name)
{
	for (size_t i = 0; i < stored->tables.count; i++) {
		if (strcmp(stored->tables.v[i].name, name) == 0)
			return &stored->tables.v[i];
	}
	return NULL;
}

static int
check_tables(const struct stored *stored, const struct store_table *tables, size_t count,
	struct arena *arena, struct store_fault *fault_out)
{
	for (size_t i = 0; i < count; i++) {
		const struct sql_table *table = find_stored(stored, tables[i].name);
		int r = 0;

		if (table != NULL)
			r = store_table_check(&tables[i], table->kind,
				stored->versions[table - stored->tables.v], arena, fault_out);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Everything that can be refused, without writing. */
static int
look(struct sqlite_conn *conn, const struct sqlite_file *file, const struct store_table *tables,
	size_t count, struct arena *keep, struct stored *stored, struct arena *arena,
	struct store_fault *fault_out)
{
	bool empty = false;
	int r = check_is_ours(conn, file, &empty, arena, fault_out);

	if (r < 0 || empty)
		return r;
	r = sql_number(conn, "SELECT version FROM _schema", &stored->schema);
	if (r == 0)
		r = check_version(file, stored->schema, arena, fault_out);
	if (r == 0)
		r = read_tables(conn, keep, stored);
	if (r == 0)
		r = check_tables(stored, tables, count, arena, fault_out);
	return r;
}

static int
exec_for(struct sqlite_conn *conn, const char *pattern, const char *name)
{
	struct arena arena;
	int r;

	arena_init(&arena, 0);
	r = sql_exec(conn, sql_with_name(&arena, pattern, name));
	arena_finish(&arena);
	return r;
}

static int
convert_logs(struct sqlite_conn *conn, const struct stored *stored)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < stored->tables.count; i++) {
		const struct sql_table *table = &stored->tables.v[i];

		if (table->kind != STORE_LOG)
			continue;
		r = exec_for(conn, rename_log, table->name);
		if (r == 0)
			r = exec_for(conn, create_log, table->name);
		if (r == 0)
			r = exec_for(conn, copy_log, table->name);
	}
	return r;
}

static int
migrate(struct sqlite_conn *conn, const struct stored *stored)
{
	int64_t schema = stored->schema;
	struct arena arena;
	int r = 0;

	if (schema == SCHEMA)
		return 0;
	arena_init(&arena, 0);
	while (r == 0 && schema < SCHEMA) {
		r = sql_exec(conn, migrations[++schema]);
		if (r == 0 && schema == LOGS_BY_NUMBER)
			r = convert_logs(conn, stored);
	}
	if (r == 0)
		r = sql_exec(conn,
			arena_printf(&arena, "UPDATE _schema SET version = %d", (int)SCHEMA).p);
	arena_finish(&arena);
	return r;
}

static int
declare_table(
	struct sqlite_conn *conn, const struct stored *stored, const struct store_table *table)
{
	const struct sql_table *there = find_stored(stored, table->name);
	struct arena arena;
	int r = 0;

	if (there != NULL && stored->versions[there - stored->tables.v] == table->version)
		return 0;
	arena_init(&arena, 0);
	if (there == NULL)
		r = exec_for(conn, table->kind == STORE_LOG ? create_log : create[table->kind],
			table->name);
	if (r == 0)
		r = sql_exec(conn,
			arena_printf(&arena,
				"INSERT INTO _tables (name, kind, version) VALUES ('%s', %d, %u)"
				" ON CONFLICT DO UPDATE SET version = excluded.version",
				table->name, (int)table->kind, table->version)
				.p);
	arena_finish(&arena);
	return r;
}

/* Network file systems cannot share memory, and SQLite stays with a rollback journal there. */
static int
switch_to_wal(struct sqlite_conn *conn)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v2(conn->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
	int r;

	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	r = sqlite_error(conn->db, code);
	if (r == 0 && sqlite3_stricmp((const char *)sqlite3_column_text(stmt, 0), "wal") != 0)
		r = -ENOTSUP;
	(void)sqlite3_finalize(stmt);
	return r;
}

static int
bring_up_to_date(struct sqlite_conn *conn, const struct stored *stored,
	const struct store_table *tables, size_t count)
{
	int r = switch_to_wal(conn);

	if (r == 0)
		r = sql_exec(conn, "BEGIN IMMEDIATE");
	if (r == 0)
		r = migrate(conn, stored);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = declare_table(conn, stored, &tables[i]);
	if (r == 0)
		r = sql_commit(conn);
	if (r < 0)
		sql_rollback(conn);
	return r;
}

static bool
is_declared(const char *name, const struct store_table *tables, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(tables[i].name, name) == 0)
			return true;
	}
	return false;
}

static void
list_tables(const struct stored *stored, const struct store_table *tables, size_t count,
	struct arena *keep, struct sql_tables *out)
{
	out->v = arena_array(keep, size_add(count, stored->tables.count), struct sql_table);
	out->declared = count;
	for (out->count = 0; out->count < count; out->count++) {
		out->v[out->count].name = tables[out->count].name;
		out->v[out->count].kind = tables[out->count].kind;
	}
	for (size_t i = 0; i < stored->tables.count; i++) {
		if (!is_declared(stored->tables.v[i].name, tables, count))
			out->v[out->count++] = stored->tables.v[i];
	}
}

int
schema_prepare(struct sqlite_conn *conn, const struct sqlite_file *file,
	const struct store_table *tables, size_t count, struct arena *keep,
	struct sql_tables *tables_out, struct arena *arena, struct store_fault *fault_out)
{
	struct stored stored = { 0 };
	int r = look(conn, file, tables, count, keep, &stored, arena, fault_out);

	if (r == 0)
		r = bring_up_to_date(conn, &stored, tables, count);
	if (r == 0)
		list_tables(&stored, tables, count, keep, tables_out);
	return r;
}

int
schema_read_id_limit(struct sqlite_conn *conn, int64_t *limit_out)
{
	return sql_number(conn, "SELECT id_limit FROM _schema", limit_out);
}

int
schema_write_id_limit(struct sqlite_conn *conn, int64_t limit)
{
	struct arena arena;
	int r;

	arena_init(&arena, 0);
	r = sql_exec(conn,
		arena_printf(&arena, "UPDATE _schema SET id_limit = %lld", (long long)limit).p);
	arena_finish(&arena);
	return r;
}
