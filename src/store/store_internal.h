/* What the back ends share: requests as they are built, and the table of a back end's functions. */
#ifndef STORE_STORE_INTERNAL_H
#define STORE_STORE_INTERNAL_H

#include "store/store.h"

#include <stdatomic.h>

struct store_backend {
	void (*commit)(struct store *store, struct store_txn *txn);
	void (*fetch)(struct store *store, struct store_batch *batch);
	void (*get_stats)(struct store *store, struct store_stats *out);
	bool (*is_busy)(const struct store *store);
	void (*backup)(struct store *store, struct store_request *request);
	void (*cancel_backup)(struct store *store);
	void (*close)(struct store *store); /* frees it */
};

/* The beginning of a back end's own struct. */
struct store {
	const struct store_backend *backend;
	struct store_env env;
	_Atomic(size_t) pending; /* requests that are not posted */
	_Atomic(bool) refuses;   /* new requests */
	struct arena arena;      /* the tables */
	const struct store_table *tables;
	size_t table_count;
	_Atomic(uint64_t) last_id; /* that was given to an entry of a log */
};

/*
 * So many ids are skipped when a store is opened: those above the highest that is on the disk may
 * have been shown to clients before a crash took their entries. Many more than can be under way.
 */
enum { STORE_ID_GAP = 1 << 24 };

/* What a transaction is made of. Which statement that is depends on the table's kind. */
enum op_kind {
	OP_ABSENT,  /* condition: there is no value */
	OP_PRESENT, /* condition: there is one */
	OP_SAME,    /* condition: under the key there is just this; value p NULL: nothing */
	OP_PUT,     /* value (key empty), set (value empty), map */
	OP_DELETE,  /* one value or key */
	OP_CLEAR,   /* set, map: all keys */
	OP_APPEND,  /* log */
	OP_TRIM,    /* log: a range */
	OP_FORGET,  /* all tables */
};

struct op {
	struct op *next;
	enum op_kind kind;
	unsigned table;
	struct slice key, value; /* of a log entry: with, blob */
	uint64_t id;             /* of a log entry, once executed */
	int64_t stamp_ms;
	const struct store_range *range; /* OP_TRIM */
};

struct store_txn {
	struct store_request request;
	struct slice owner;
	struct op *first, **last;
	size_t rows, bytes;
	uint64_t ticket;  /* SQLite: its number in the order of commits */
	uint64_t sent_us; /* when it was sent away */
	int refused;      /* a size that is too large */
};

enum read_kind { READ_ALL, READ_KEY, READ_LOG, READ_COUNT, READ_SIZE, READ_OWNERS };

struct read {
	struct read *next;
	enum read_kind kind;
	struct slice key; /* or the owner to start after */
	struct store_range range;
	struct store_result result;
};

struct store_batch {
	struct store_request request;
	struct slice owner;
	struct read *first, **last;
	unsigned count;
	uint64_t ticket; /* SQLite: the transaction that it must see */
};

/* Copies tables and env into the store. */
void store_init(struct store *store, const struct store_backend *backend,
	const struct store_env *env, const struct store_table *tables, size_t count);

/* Counts a new request. False: it was refused, and is posted already. */
bool store_accepts(struct store *store, struct store_request *request);

/* Hands the completed request to its target; it is gone for the store. */
void store_post(struct store *store, struct store_request *request, int error);

void store_notify(const struct store *store, enum store_notice notice, struct slice sentence);

/*
 * How a declared table goes with the one that is stored under its name: 0, -EINVAL or -EPROTO
 * with the fault filled in.
 */
int store_table_check(const struct store_table *declared, int64_t stored_kind,
	int64_t stored_version, struct arena *arena, struct store_fault *fault_out);

/* Rows of a result while they are collected. */
struct row_list {
	struct store_row *rows;
	size_t count, capacity;
};
void row_list_add(struct row_list *list, const struct store_row *row);
/* Moves the rows into the request's arena and frees the list. At most limit, if that is not 0. */
void row_list_take(
	struct row_list *list, uint32_t limit, struct arena *arena, struct store_result *result);

/* The ids and stamps of the range as inclusive bounds. */
struct bounds {
	int64_t first_id, last_id, since_ms, until_ms;
};
struct bounds range_bounds(const struct store_range *range);

int memory_open(const struct store_config *config, const struct store_table *tables, size_t count,
	const struct store_env *env, struct arena *arena, struct store **store_out,
	struct store_fault *fault_out);
int sqlite_open(const struct store_config *config, const struct store_table *tables, size_t count,
	const struct store_env *env, struct arena *arena, struct store **store_out,
	struct store_fault *fault_out);

#endif
