/*
 * What the store's tests share: a store on either back end, a mailbox that its completions come
 * to, and ways to wait for them.
 */
#ifndef STORE_WORLD_TEST_H
#define STORE_WORLD_TEST_H

#include "store/store.h"

#include <pthread.h>
#include <sys/types.h>

enum test_table { NOTES, FRIENDS, CONTACTS, HISTORY, TEST_TABLES };
extern const struct store_table test_tables[TEST_TABLES];

struct world {
	struct store *store;
	struct store_memory *memory; /* the memory back end's disk, or */
	char *dir;                   /* SQLite's directory, removed at the end */
	struct arena arena;          /* faults */
	struct store_fault fault;
	size_t wal_bytes;
	size_t log_window;    /* small, so that indexes are written all the time */
	pthread_mutex_t lock; /* for the mailbox */
	pthread_cond_t filled;
	struct store_request *first, **last;
	size_t finished; /* completions so far */
	int last_error;  /* of the request that finished last */
	_Atomic unsigned notices[STORE_RECOVERED + 1];
};

/* sqlite: a directory of its own below TMPDIR; else memory. Not opened yet. */
void world_init(struct world *w, bool sqlite);
void world_finish(struct world *w);

/* Opens with these tables; the fault is in w->fault. */
int world_open_with(struct world *w, const struct store_table *tables, size_t count);
/* Opens with test_tables, and must succeed. */
void world_open(struct world *w);
void world_close(struct world *w);

/* Finishes completions until `count` more have been; fails the test after a while. */
void world_wait(struct world *w, size_t count);

/* Commits and waits; gives the error. */
int world_commit(struct world *w, struct store_txn *txn);

/* Commits one put, without waiting. */
void world_put(struct world *w, const char *owner, const char *key, const char *value);

/*
 * Fetches, waits for the completion and finishes all that come before it. What was found, in
 * w->arena: "key=value key=value", the results one after another; log entries are
 * "stamp:with=value"; "#total" where that is not the count; "…" where there is more.
 */
struct slice world_read(struct world *w, struct store_batch *batch);

/* Waits for a condition that another thread brings about. */
void world_until(struct world *w, bool (*is_so)(struct world *w));

/* The path of a file in SQLite's directory; in w->arena. */
const char *world_path(struct world *w, const char *name);

/* A file in SQLite's directory gets these bytes at that place. */
void world_write_file(struct world *w, const char *name, off_t offset, struct slice bytes);

/* Commits what fills about that many bytes, in pieces of 10,000; gives the first error. */
int world_fill(struct world *w, const char *owner, size_t bytes);

struct slice world_read_contacts(struct world *w, const char *owner);

/* A world for each test, opened, or only made. */
int world_with_memory(void **state);
int world_with_sqlite(void **state);
int world_closed_sqlite(void **state);
int world_tear_down(void **state);

/* The entries of a list of tests. */
#define BOTH(test) \
	{ #test ": memory", test, world_with_memory, world_tear_down, NULL }, \
	{ \
#test ": sqlite", test, world_with_sqlite, world_tear_down, NULL \
	}
#define SQLITE_ONLY(test) \
	{ \
#test, test, world_closed_sqlite, world_tear_down, NULL \
	}

#define assert_text(slice_, text) \
	do { \
		struct slice got_ = (slice_); \
		assert_string_equal(got_.p, text); \
	} while (0)

#endif
