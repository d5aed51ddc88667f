/*
 * The newest entries of a log, in memory: those that its indexes in the file do not have yet.
 *
 * Entries lie in a file in the order of their ids, which is cheap to write; an index by owner is
 * not, since each entry touches another page. So the writer keeps the keys of new entries here,
 * and writes them to the indexes when many have come, those of one owner together, a few with
 * each group. The file says up to which id (the mark) the indexes are whole; a store that is
 * opened reads what lies above it. A read takes entries up to the mark that its snapshot has
 * from the index, and the ones above from here, looking each up by its id: what is not there in
 * its snapshot was not committed, or deleted.
 *
 * The writer adds an entry before it commits it, so that a snapshot never has more than this.
 * Three parts: `fresh` grows; `frozen` is being written to the indexes; `old` was, and is kept
 * for those who still read in a snapshot from before that. Who has an even older one is told to
 * begin anew.
 *
 * Threads: the writer changes it, readers call tail_find only.
 */
#ifndef STORE_SQLITE_TAIL_H
#define STORE_SQLITE_TAIL_H

#include "store/store_internal.h"

#include <pthread.h>

struct tail_entry {
	int64_t id, stamp_ms;
	uint32_t owner;
	int32_t hash;      /* of the `with` */
	uint32_t previous; /* in the same bucket: its position + 1; 0: none */
	bool has_with;
	bool is_dead;    /* deleted before it came to the indexes */
	bool is_indexed; /* it may be in the indexes already */
};

struct tail_part {
	struct tail_entry *v;
	uint32_t *heads; /* by owner: the position + 1 of the newest entry; 0: none */
	size_t count, capacity;
};

/* Where the writing to the indexes has come to. */
struct tail_cursor {
	size_t bucket; /* the next one to gather */
	size_t next;   /* in what was gathered */
};

struct tail_place {
	struct tail_part *part;
	size_t at;
};

struct tail {
	pthread_mutex_t lock; /* for what readers see: the parts and the floor */
	struct tail_part old, frozen, fresh;
	int64_t mark;                    /* the indexes are whole up to this id */
	int64_t floor;                   /* snapshots with a lower mark miss entries here */
	int64_t fresh_last, frozen_last; /* no id in them is higher */
	size_t window;                   /* so many fresh ones are frozen */
	size_t dead;                     /* of the fresh ones */
	struct tail_cursor at;
	uint32_t *gathered; /* positions in frozen of one bucket, in the order of owners and ids */
	size_t gathered_count, gathered_capacity;
	/* To go back: */
	bool is_finishing; /* the mark of frozen is written, but not committed */
	size_t kept_count;
	struct tail_cursor kept_at;
	struct tail_place *killed;
	size_t killed_count, killed_capacity;
};

/* What a search found: copies, in the order of ids once sorted. */
struct tail_found {
	struct tail_entry entry;
	struct tail_place place; /* the writer's */
};
struct tail_list {
	struct tail_found *v;
	size_t count, capacity;
};

struct tail_query {
	uint32_t owner;
	struct bounds bounds;
	int64_t mark; /* the snapshot's */
	int32_t hash;
	bool has_with;
};

void tail_init(struct tail *tail, size_t window);
void tail_finish(struct tail *tail);
/* Forgets everything; the indexes are whole up to the mark. */
void tail_reset(struct tail *tail, int64_t mark);

/* Each group of writes is between this and one of the next two. */
void tail_begin(struct tail *tail);
void tail_commit(struct tail *tail);
void tail_rollback(struct tail *tail);

/* Adds an entry; `previous` is set here. */
void tail_add(struct tail *tail, const struct tail_entry *entry);

/* Whether the indexes will not get this id from here any more. */
bool tail_is_late(const struct tail *tail, int64_t id);

/* A deleted entry stays out of the indexes. */
void tail_kill(struct tail *tail, struct tail_place place);

/* What is fresh is to be written to the indexes now, many or not. Between groups. */
void tail_freeze(struct tail *tail);

/* Nobody reads in a snapshot from before the last commit: the part kept for them goes. */
void tail_drop_old(struct tail *tail);

/* The next entry for the indexes, the dead ones too; NULL: none is left. */
const struct tail_entry *tail_next(struct tail *tail);

/* Whether there are entries to be written to the indexes. */
bool tail_has_frozen(const struct tail *tail);

/*
 * Adds the entries above the query's mark to the list, sorted by id. False: the snapshot is too
 * old.
 */
bool tail_find(struct tail *tail, const struct tail_query *query, struct tail_list *list);

#endif
