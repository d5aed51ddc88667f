/*
 * The SQLite back end's parts: connections with their statements, the file and its lock, the
 * schema, and the handle with its threads.
 */
#ifndef STORE_SQLITE_INTERNAL_H
#define STORE_SQLITE_INTERNAL_H

#include "store/sqlite_owners.h"
#include "store/sqlite_tail.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

/* ---- sqlite_conn.c: a connection and its prepared statements ---- */

enum statement {
	ST_EXISTS,
	ST_PUT, /* of a log: append */
	ST_DELETE,
	ST_CLEAR,
	ST_ENTRY,
	ST_TAIL,
	ST_INDEX,
	ST_INDEX_WITH,
	ST_UNINDEX,
	ST_UNINDEX_WITH,
	ST_MARK,
	ST_SET_MARK,
	ST_OWNER,
	ST_NEW_OWNER,
	ST_FORGET_OWNER,
	ST_NEW_TIME,
	ST_RAISE_TIMES,
	ST_LOWER_TIMES,
	ST_LAST_TIME,
	ST_NEWER,
	ST_SINCE,
	ST_UNTIL,
	ST_FIND,
	ST_FIND_WITH,
	ST_ALL,
	ST_KEY,
	ST_COUNT,
	ST_COUNT_WITH,
	ST_SIZE,
	ST_FORWARD,
	ST_FORWARD_WITH,
	ST_BACKWARD,
	ST_BACKWARD_WITH,
	ST_OWNERS,
	STATEMENTS
};

struct sql_table {
	const char *name;
	enum store_kind kind;
};

/* The declared tables in their order, then those that are only stored. */
struct sql_tables {
	struct sql_table *v;
	size_t count, declared;
};

struct sqlite_logs;

/* Used by one thread at a time. db NULL: closed. */
struct sqlite_conn {
	sqlite3 *db;
	const struct sql_tables *tables;
	struct sqlite_logs *logs;              /* the store's */
	sqlite3_stmt *(*prepared)[STATEMENTS]; /* per table; made when first used */
	sqlite3_stmt *begin, *commit, *rollback;
};

/*
 * -ENOSPC, -EMSGSIZE or -EIO for what SQLite answered; ends the process when it had no memory.
 * db may be NULL.
 */
int sqlite_error(sqlite3 *db, int code);

/* Opens an existing file. 0 or a negative error; conn is closed then. */
int sql_open(struct sqlite_conn *conn, const char *path, bool reads_only);
void sql_close(struct sqlite_conn *conn);

/* From now on statements on tables can be had. */
void sql_use_tables(
	struct sqlite_conn *conn, const struct sql_tables *tables, struct sqlite_logs *logs);

/* SQL with the table's name for each '@'. */
const char *sql_with_name(struct arena *arena, const char *pattern, const char *name);

int sql_exec(struct sqlite_conn *conn, const char *sql);
/* The first column of the first row as a number; absent: what value_out points to stays. */
int sql_number(struct sqlite_conn *conn, const char *sql, int64_t *value_out);

/* 0 and the statement, its parameters to be bound; a negative error. */
int sql_statement(
	struct sqlite_conn *conn, unsigned table, enum statement which, sqlite3_stmt **stmt_out);

/* Runs a statement that gives no row. */
int sql_run(struct sqlite_conn *conn, sqlite3_stmt *stmt);

int sql_begin(struct sqlite_conn *conn);
int sql_commit(struct sqlite_conn *conn);
void sql_rollback(struct sqlite_conn *conn);

void bind_text(sqlite3_stmt *stmt, int at, struct slice text);
void bind_blob(sqlite3_stmt *stmt, int at, struct slice blob);
void bind_bounds(sqlite3_stmt *stmt, const struct bounds *bounds);
struct slice column_text(sqlite3_stmt *stmt, int at, struct arena *arena);
struct slice column_blob(sqlite3_stmt *stmt, int at, struct arena *arena);

/* ---- sqlite_file.c: the lock, and whether the file is sound ---- */

struct sqlite_file {
	struct arena arena; /* the paths */
	const char *dir, *path, *lock_path, *backup_path;
	int lock_fd;      /* -1: not held */
	bool was_unclean; /* the last process did not close it */
	bool was_killed;  /* … but the kernel has run on since, and no disk had failed */
	bool made_lock;   /* there was no lock file before us */
	bool has_log;     /* there was a write-ahead log before us */
};

int db_open(struct sqlite_file *file, const char *dir, struct arena *arena,
	struct store_fault *fault_out);
/* The lock file says this from now on. 0 or a negative errno. */
enum db_use {
	DB_CLOSED,
	DB_SOUND,    /* in use; if the process dies, and nothing else, it needs no check */
	DB_DOUBTFUL, /* in use, after a failure */
};
int db_mark(struct sqlite_file *file, enum db_use use);
/* The start is refused: a lock file that was not there before goes away. Before db_close(). */
void db_forget(const struct sqlite_file *file);
void db_close(struct sqlite_file *file);

/* What was created or removed there stays so. 0 or a negative errno. */
int db_sync_dir(const char *dir);

/* PRAGMA quick_check: 0, -EBADMSG with what it found in *finding_out, or an error. */
int db_check(struct sqlite_conn *conn, struct arena *arena, struct slice *finding_out);

/* The fault for an error of SQLite while opening; gives the error to return. */
int db_fault(const struct sqlite_file *file, int error, struct slice detail, struct arena *arena,
	struct store_fault *fault_out);

/* ---- sqlite_schema.c: what is in the file ---- */

/*
 * Looks whether the file's schema and tables are ours and not newer, then brings them up to
 * date, in one transaction. tables_out is filled from keep.
 */
int schema_prepare(struct sqlite_conn *conn, const struct sqlite_file *file,
	const struct store_table *tables, size_t count, struct arena *keep,
	struct sql_tables *tables_out, struct arena *arena, struct store_fault *fault_out);

/* Ids up to this one may have been given away. */
int schema_read_id_limit(struct sqlite_conn *conn, int64_t *limit_out);
int schema_write_id_limit(struct sqlite_conn *conn, int64_t limit);

/* ---- sqlite_ops.c: executing ---- */

struct id_source {
	int64_t limit; /* ids up to it are written down as given away */
};

/*
 * 0; -EEXIST or -ENOENT: a condition was not met and nothing was written; another error: the
 * transaction that it is in must be rolled back.
 */
int ops_execute(struct sqlite_conn *conn, struct store_txn *txn, struct id_source *ids);
/* -EAGAIN: to be asked again in a newer state. */
int ops_read(struct sqlite_conn *conn, struct store_batch *batch);
/* The columns key, value, id, stamp, as many as there are; copied to the arena. */
struct store_row ops_row(sqlite3_stmt *stmt, struct arena *arena);

/* ---- sqlite_log.c: logs; see sqlite_tail.h ---- */

/* The writer's, of one log; see sqlite_times.c. */
struct log_times {
	int64_t last_id;   /* the highest */
	int64_t high;      /* of the stamps */
	int64_t last_post; /* the id of the last signpost; 0: none */
	int64_t low;       /* of the stamps after it */
};

struct sqlite_logs {
	const struct sql_tables *tables;
	struct tail *tails;                   /* one for each table; those of logs are used */
	struct log_times *times, *kept_times; /* the writer's, as tails; and before this group */
	struct owner_numbers owners;          /* the writer's */
};

void logs_init(struct sqlite_logs *logs, const struct sql_tables *tables, size_t window);
void logs_finish(struct sqlite_logs *logs);
/* Forgets all and reads from the file what its indexes do not have. Nobody reads meanwhile. */
int logs_load(struct sqlite_conn *conn);

/* The writer's; each group of writes is between the first and one of the others. */
void logs_begin(struct sqlite_logs *logs);
void logs_commit(struct sqlite_logs *logs);
void logs_rollback(struct sqlite_logs *logs);

/* Writes up to `most` entries that wait to the indexes; within a group. */
int logs_index_some(struct sqlite_conn *conn, size_t most);
/* Whether entries wait; freeze: those, too, that would still be collected. Between groups. */
bool logs_wait(struct sqlite_logs *logs, bool freeze);
/* Nobody reads in a snapshot from before the last commit. */
void logs_drop_old(struct sqlite_logs *logs);

int log_append(struct sqlite_conn *conn, struct slice owner, const struct op *op);
/* sqlite_log_trim.c */
int log_trim(struct sqlite_conn *conn, unsigned table, struct slice owner,
	const struct store_range *range);
/* The number of an owner whose logs are all empty is given back. */
int log_forget_owner(struct sqlite_conn *conn, struct slice owner);

int32_t log_hash(struct slice with);
/* The owner's number in the file; 0: it has none. */
int log_owner(struct sqlite_conn *conn, unsigned table, struct slice owner, uint32_t *number_out);
/* The same for the writer, who remembers it. */
int log_find_owner(
	struct sqlite_conn *conn, unsigned table, struct slice owner, uint32_t *number_out);
/* Runs a statement that knows an entry by its owner, id, stamp and hash. */
int log_run_on(struct sqlite_conn *conn, unsigned table, enum statement which,
	const struct tail_entry *entry);
/* ST_ENTRY, ready to be stepped; to be reset. */
int log_entry(struct sqlite_conn *conn, unsigned table, const struct tail_entry *entry,
	sqlite3_stmt **stmt_out);

/* ---- sqlite_times.c ---- */

int times_load(struct sqlite_conn *conn, unsigned table);
/* An entry is being appended. */
int times_note(struct sqlite_conn *conn, unsigned table, int64_t id, int64_t stamp_ms);
/* Bounds of ids that follow from those of stamps. */
int times_narrow(struct sqlite_conn *conn, unsigned table, struct bounds *bounds);

/* ---- sqlite_log_read.c ---- */

/* -EAGAIN: the transaction sees too old a state. */
int log_read(struct sqlite_conn *conn, struct slice owner, struct read *read, struct arena *arena);

/* ---- The handle ---- */

enum { OWNER_SLOTS = 1024, GROUP_ROWS = 256, GROUP_BYTES = 256 << 10, GROUP_US = 2000 };

struct request_queue {
	struct store_request *first, **last;
	size_t count;
};

struct reader {
	pthread_t thread;
	struct sqlite_store *store;
	struct sqlite_conn conn; /* the thread's while it is counted in busy_readers */
};

/* A copy that is being made; under the store's lock. */
struct backup {
	pthread_t thread;
	struct store_request *request;
	uint64_t spare_bytes; /* that must be left on the disk; 0: the default */
	bool is_running, is_cancelled;
	bool has_thread; /* to be joined, even if it has ended */
};

struct sqlite_store {
	struct store store;
	struct sqlite_file file;
	struct sql_tables tables;
	size_t wal_limit, log_window;
	struct sqlite_conn conn; /* the writer's */
	struct id_source ids;    /* the writer's */
	struct sqlite_logs logs;
	int wal_pages;     /* the writer's: in the log now */
	int checked_pages; /* the writer's: in the log at the last checkpoint */
	_Atomic size_t queued_bytes;

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t writer_wakes, readers_wake, readers_rest;
	struct request_queue writes;
	struct request_queue parked; /* reads that wait for a write */
	struct request_queue ready;
	uint64_t last_ticket, done_ticket;
	uint64_t owner_ticket[OWNER_SLOTS]; /* the last write of each owner, by its hash */
	unsigned busy_readers;
	bool fenced, read_failed, ending;
	bool restarts_log; /* a checkpoint waits until nobody reads the log */
	struct backup backup;
	bool full;        /* a transaction did not fit on the disk, a moment ago at most */
	uint64_t full_ms; /* when the last one did not */
	struct store_stats stats;
	pthread_t writer;
	unsigned reader_count;
	struct reader *readers;
};

void requests_init(struct request_queue *queue);
void requests_append(struct request_queue *queue, struct store_request *request);
struct store_request *requests_pop(struct request_queue *queue); /* NULL: empty */

/* The moment so many milliseconds from now, on the clock that the store's conditions wait by. */
struct timespec sqlite_moment_after(unsigned ms);

/* The writer's, after a failure: refuses everything until the file is sound, or the store closes.
 */
void sqlite_fence(struct sqlite_store *s);

void *sqlite_writer_main(void *arg);
void *sqlite_reader_main(void *arg);

/* sqlite_backup.c; the last one cancels and waits for the thread. */
void sqlite_backup(struct store *store, struct store_request *request);
void sqlite_cancel_backup(struct store *store);
void sqlite_end_backup(struct sqlite_store *s);

/* What the writer counts in the log after each commit. */
void sqlite_watch_wal(struct sqlite_store *s);

#endif
