/*
 * What the server keeps. Everything belongs to an *owner* (the text of a bare JID, a room, a
 * service) and lies in a declared *table* of one of four kinds:
 *
 *	STORE_VALUE	one blob
 *	STORE_SET	keys
 *	STORE_MAP	keys, each with a blob
 *	STORE_LOG	entries in order; each has an id, a stamp, a `with` to filter by, a blob
 *
 * Nothing here waits. Reads of one owner are collected in a batch, writes of one owner in a
 * transaction; either is a request that storage threads execute. The completed request comes
 * back through env.post to the shard that asked, which calls store_request_finish:
 *
 *	txn = store_txn_create(store, owner);
 *	store_txn_map_put(txn, roster_items, contact, xml);
 *	store_commit(txn, shard->number, saved, acct);
 *		…	env.post(env.arg, shard->number, request), on a storage thread
 *		…	store_request_finish(request), on the shard: saved(request), then free
 *
 * The promises:
 *  - A transaction that completed with 0 is on disk: fsync has returned. One that completed with
 *    an error left nothing behind, except after -EIO: then it may or may not be there.
 *  - All of a transaction or nothing.
 *  - Transactions take effect in the order in which store_commit was called by one thread; of
 *    different threads, in some one order. Ids of log entries grow in the order in which they
 *    are appended to transactions, and are never used again, not even those of entries that
 *    were lost in a crash.
 *  - A read sees every transaction that completed before the read was asked for, and every one
 *    of the same owner that the same thread committed before, completed or not (unless it
 *    failed). All reads of a batch see one state.
 *  - Completions of transactions come in the order of their commits; reads and writes may
 *    overtake each other.
 *
 * The errors of a request:
 *	-ENOSPC	  the disk is full; heals when there is room
 *	-EIO	  the disk or the file failed. The store is fenced: all requests fail at once
 *		  until it has opened and checked the file again
 *	-EEXIST	  a condition of the transaction was not met,
 *	-ENOENT	  and so here
 *	-EMSGSIZE a key or blob is larger than the limits below
 *	-ECANCELED it was made after store_refuse
 *
 * Threads: store_open and store_close belong to the thread that owns the server. All others may
 * be called by any thread. A request belongs to who made it until store_commit or store_fetch,
 * to the store until env.post, and then to the target's thread.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/histogram.h"

struct store;
struct store_request;
struct store_batch;
struct store_memory;
struct store_txn;

enum {
	STORE_MAX_KEY = 8192,      /* bytes of an owner, a key, a `with` */
	STORE_MAX_BLOB = 16 << 20, /* bytes of a blob */
};

enum store_kind { STORE_VALUE, STORE_SET, STORE_MAP, STORE_LOG };

/*
 * What is declared at store_open. The position in that list is the table's number in all calls.
 * Tables that are stored but not declared any more are left alone, and so is their content,
 * except that store_txn_owner_delete empties them for that owner, too.
 */
struct store_table {
	const char *name; /* full name, "roster.items": a-z, then also 0-9 . _ -; unique */
	enum store_kind kind;
	/*
	 * Of the content's form, from 1. Who declares n reads all forms up to n: an older one is
	 * raised in the list of what is stored, a newer one is refused.
	 */
	unsigned version;
};

/* ---- Opening and closing ---- */

/* What happened and what to do, each one sentence for people. */
struct store_fault {
	struct slice cause, cure;
};

enum store_notice {
	STORE_KILLED,    /* the last process did not close it, but no check is needed; store_open */
	STORE_CHECKING,  /* the machine or disk failed: the file is being checked; store_open */
	STORE_FULL,      /* the first transaction was refused for lack of room */
	STORE_HAS_ROOM,  /* and for a second all fitted again */
	STORE_FENCED,    /* nothing is stored or read until … */
	STORE_RECOVERED, /* … the file was opened again and found sound */
};

struct store_env {
	void *arg;
	/*
	 * Hands a completed request to the target's thread, in the order of these calls. Called
	 * on a storage thread, or (memory) within store_commit and store_fetch; must not call
	 * into the store. request->mailbox is room for the links of the target's mailbox.
	 */
	void (*post)(void *arg, unsigned target, struct store_request *request);
	/* Something the operator should know; on a storage thread, rare. May be NULL. */
	void (*notice)(void *arg, enum store_notice notice, struct slice sentence);
};

struct store_config {
	/*
	 * SQLite: the data directory, which must exist. Ours are kith.db, kith.db-wal, kith.db-shm
	 * and kith.lock in it. NULL: the memory back end.
	 */
	const char *dir;
	unsigned readers; /* threads that read; 0: 2 */
	size_t wal_bytes; /* how far the log may grow before a checkpoint; 0: 8 MiB */
	/* SQLite: so many new entries of a log wait in memory for their index; 0: 262144. */
	size_t log_window;
	struct store_memory *memory; /* memory: what outlives the handle; NULL: of its own */
};

/*
 * Opens or creates; copies the tables and env. Reads of a million accounts are not needed for
 * that: it takes milliseconds, or a few tenths of a second after a process was killed that wrote
 * much; unless the machine crashed or the disk failed (then the file is checked).
 * 0, or: -EBUSY another process has it; -EPROTO the content is newer than this program;
 * -EBADMSG damaged, or not Kith's; -EINVAL a table is declared otherwise than it is stored;
 * any other errno, negative. Then nothing was changed, and fault_out is filled from the arena.
 */
int store_open(const struct store_config *config, const struct store_table *tables, size_t count,
	const struct store_env *env, struct arena *arena, struct store **store_out,
	struct store_fault *fault_out);

/*
 * Requests that are made from now on fail at once with -ECANCELED; for who stops while answers may
 * still lead to new questions. Any thread.
 */
void store_refuse(struct store *store);

/*
 * Executes what was asked for before, posts all of it, and closes. No request may be made any
 * more; the posted ones must still be finished by their targets. Sets *store to NULL.
 */
void store_close(struct store **store);

/* ---- Requests ---- */

/* The common part of a batch and a transaction; its first member. */
struct store_request {
	void *mailbox[4]; /* for whoever implements env.post; the store never looks at it */
	void *arg;        /* the caller's */
	int error;        /* of the whole request: 0 or a negative error */
	unsigned target;
	struct arena arena; /* the request itself and its results */
	struct store *store;
	struct store_request *next; /* the store's */
	void (*done)(struct store_request *request);
	bool writes; /* a transaction, not a batch */
};

/*
 * For the target's thread, once for each request it was posted: calls done (if any), then frees
 * the request with its results.
 */
void store_request_finish(struct store_request *request);

/* ---- Reading ---- */

/*
 * A part of a log. A zeroed one is everything; limit counts from the beginning, or from the end
 * when backward.
 */
struct store_range {
	uint64_t after, before;     /* ids, themselves excluded; 0: no bound */
	int64_t since_ms, until_ms; /* stamps, themselves included; 0: no bound */
	struct slice with;          /* only entries with exactly this; p == NULL: all */
	uint32_t limit;             /* of rows; 0: no limit */
	bool backward;              /* newest first */
};

struct store_row {
	struct slice key; /* set, map: the key; log: `with`, p == NULL if none; owners: the owner */
	struct slice value; /* value, map, log: the blob, never p == NULL */
	uint64_t id;        /* log */
	int64_t stamp_ms;   /* log */
};

/* The answer to one read of a batch. */
struct store_result {
	unsigned table;
	size_t count; /* of rows; 0: there is nothing */
	const struct store_row *rows;
	uint64_t total; /* counts and sizes: the number; else the same as count */
	bool more;      /* a limit left something out */
};

/* owner is copied; it may be NO_SLICE when only store_read_owners is asked. */
struct store_batch *store_batch_create(struct store *store, struct slice owner);

/* Each adds one read, and returns the position of its result: 0, 1, … Keys come in byte order. */
unsigned store_read_value(struct store_batch *batch, unsigned table);
unsigned store_read_set(struct store_batch *batch, unsigned table);
unsigned store_read_map(struct store_batch *batch, unsigned table);
/* One key of a set or map: no row, or one. */
unsigned store_read_key(struct store_batch *batch, unsigned table, struct slice key);
unsigned store_read_log(struct store_batch *batch, unsigned table, const struct store_range *range);
/* total: how many rows there are: keys, or entries in the range (NULL: all) of a log. */
unsigned store_read_count(
	struct store_batch *batch, unsigned table, const struct store_range *range);
/* total: how many bytes of keys and blobs there are. */
unsigned store_read_size(struct store_batch *batch, unsigned table);
/* Owners that have anything in the table, in byte order, those after `after` (or NO_SLICE). */
unsigned store_read_owners(
	struct store_batch *batch, unsigned table, struct slice after, uint32_t limit);

/* Sends the batch away. done gets it completed, on the target's thread. */
void store_fetch(struct store_batch *batch, unsigned target,
	void (*done)(struct store_request *request), void *arg);

/* In done: the batch of a request that store_fetch sent. */
struct store_batch *store_batch_of(struct store_request *request);

/* The results as long as the request lives; all empty when request->error is not 0. */
size_t store_result_count(const struct store_batch *batch);
const struct store_result *store_result(const struct store_batch *batch, unsigned position);

/* For a batch that was never sent. Sets it to NULL. */
void store_batch_destroy(struct store_batch **batch);

/* ---- Writing ---- */

/* owner is copied, as everything given to a transaction is. It is not empty. */
struct store_txn *store_txn_create(struct store *store, struct slice owner);

/*
 * Conditions are looked at before the first write, whatever their place in the transaction: they
 * speak of what was stored before it.
 */
/* Sets the value, or -EEXIST when there is one. */
void store_txn_value_create(struct store_txn *txn, unsigned table, struct slice value);
/* -ENOENT when there is no value. */
void store_txn_value_require(struct store_txn *txn, unsigned table);
/*
 * -ESTALE unless this is what is stored under the key of a map (or as the value; key NO_SLICE): for
 * who has read it and writes what follows from it. value p NULL: nothing is stored.
 */
void store_txn_expect(struct store_txn *txn, unsigned table, struct slice key, struct slice value);

/* Writes happen in their order. Deleting what is not there is no error. */
void store_txn_value_set(struct store_txn *txn, unsigned table, struct slice value);
void store_txn_value_delete(struct store_txn *txn, unsigned table);
void store_txn_set_add(struct store_txn *txn, unsigned table, struct slice key);
void store_txn_set_remove(struct store_txn *txn, unsigned table, struct slice key);
void store_txn_set_clear(struct store_txn *txn, unsigned table);
void store_txn_map_put(struct store_txn *txn, unsigned table, struct slice key, struct slice value);
void store_txn_map_delete(struct store_txn *txn, unsigned table, struct slice key);
void store_txn_map_clear(struct store_txn *txn, unsigned table);
/*
 * with may be NO_SLICE. Returns the id that the entry will have. The store knows entries by
 * their ids only: the same appended again, as after -EIO, may be there twice. So nobody repeats
 * an append by itself; it is refused to whoever sent it, and who sends it again marks it as such.
 */
uint64_t store_txn_log_append(struct store_txn *txn, unsigned table, int64_t stamp_ms,
	struct slice with, struct slice value);
/* limit and backward of the range are not looked at; a zeroed range empties the log. */
void store_txn_log_delete(struct store_txn *txn, unsigned table, const struct store_range *range);
/* Everything of this owner in all tables. */
void store_txn_owner_delete(struct store_txn *txn);

/* Sends the transaction away. done (may be NULL) gets it completed, on the target's thread. */
void store_commit(struct store_txn *txn, unsigned target,
	void (*done)(struct store_request *request), void *arg);

/* In done: the transaction of a request that store_commit sent. */
struct store_txn *store_txn_of(struct store_request *request);

/* In done, when error is 0: the id that the n-th (0, 1, …) appended entry got. */
uint64_t store_txn_log_id(const struct store_txn *txn, unsigned n);

/* For a transaction that was never sent. Sets it to NULL. */
void store_txn_destroy(struct store_txn **txn);

/* The owner of a request. */
struct slice store_batch_owner(const struct store_batch *batch);
struct slice store_txn_owner(const struct store_txn *txn);

/* ---- Backup ---- */

/* What a copy is called, in the data directory. */
#define STORE_BACKUP_NAME "kith-backup.db"

/*
 * Makes a copy of the database that others may take away, of mode 0600 and synced, while everything
 * else goes on. It has what was committed when this was called, and is of one moment. done gets 0,
 * or -EBUSY: another is under way; -ENOSPC: there is no room for a copy and some spare, and none
 * was left behind; -ECANCELED; -ENOTSUP: of the memory back end; -EIO. A copy that was left by
 * somebody is replaced, and removed by store_open.
 */
void store_backup(struct store *store, unsigned target, void (*done)(struct store_request *request),
	void *arg);

/* A copy that is under way ends soon with -ECANCELED. Any thread. */
void store_cancel_backup(struct store *store);

/* ---- Watching ---- */

enum { STORE_LATENCIES = 13, STORE_SIZES = 10 };
/* Of the histograms below: 256 us, one row. */
enum { STORE_ANSWER_SHIFT = 8, STORE_ROWS_SHIFT = 0 };

struct store_stats {
	uint64_t commits; /* groups that were synced */
	uint64_t txns;    /* transactions in them */
	uint64_t rows, bytes;
	uint64_t txns_refused; /* by a condition or a size */
	uint64_t txns_failed;  /* by the disk */
	uint64_t fences;
	uint64_t batches, reads, rows_read;
	uint64_t checkpoints;
	/* How long groups took from the first transaction to the sync, in microseconds. */
	uint64_t commit_us_sum;
	uint64_t commit_us[STORE_LATENCIES]; /* up to 250 << i; the last: more */
	/* How many transactions were in a group. */
	uint64_t group_size[STORE_SIZES]; /* up to 1 << i; the last: more */
	/* From store_commit of a transaction to its answer; and the rows of a group. */
	struct histogram answer_us, group_rows;
	/* Now. */
	uint64_t wal_bytes;
	uint64_t queued_txns, queued_bytes, queued_batches;
	uint64_t memory_bytes; /* SQLite: of the whole process */
	bool fenced;
	bool full; /* a transaction found no room on the disk, a moment ago at most */
};
void store_get_stats(struct store *store, struct store_stats *out);

/*
 * Whether so much waits to be written that who makes requests should pause: the queue is not
 * bounded by refusing what a client was let say. Cheap.
 */
bool store_is_busy(const struct store *store);

/* How many requests were made and are not posted yet. */
size_t store_pending(const struct store *store);

/* ---- The memory back end's data, for tests and the simulation ---- */

/* Outlives store handles, as a disk outlives processes. One handle at a time. */
struct store_memory *store_memory_create(void);
void store_memory_destroy(struct store_memory **memory);

/* Of the transactions from now on, `count` fail with the error, the first after `skip` others. */
void store_memory_fail(struct store_memory *memory, uint64_t skip, uint64_t count, int error);

/* While held, requests wait unexecuted; letting go executes them in order. */
void store_memory_hold(struct store_memory *memory, bool hold);

/*
 * While held: executes one that waits, the one after so many others unless it must come behind
 * one of them (then the first). false: none waits.
 */
bool store_memory_step(struct store_memory *memory, unsigned number);

/*
 * Closes as a crash would: what waits (held) is not executed and never posted, just freed. Posted
 * requests must still be finished, or freed with store_request_drop. Sets *store to NULL.
 */
void store_memory_crash(struct store **store);

/* Frees a posted request without calling done: its server is gone. */
void store_request_drop(struct store_request *request);

#endif
