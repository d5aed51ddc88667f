/* The data of the memory back end: tables by name, owners by text, rows in order. */
#ifndef STORE_MEMORY_INTERNAL_H
#define STORE_MEMORY_INTERNAL_H

#include "base/map.h"
#include "store/store_internal.h"

struct memory_table {
	struct map_node node; /* by name */
	char *name;
	enum store_kind kind;
	unsigned version;
	struct map owners; // memory_owner.node
};

void memory_table_destroy(struct memory_table *table);

/* Whether the conditions hold: 0, -EEXIST or -ENOENT. tables: by the store's numbers. */
int memory_check(struct memory_table *const *tables, const struct store_txn *txn);

/* Executes what is not a condition; all: every table there is, for OP_FORGET. */
void memory_apply(struct memory_table *const *tables, const struct map *all, struct store_txn *txn,
	uint64_t *last_id);

/* Fills in the result of one read. */
void memory_read(const struct memory_table *table, struct slice owner, struct read *read,
	struct arena *arena);

#endif
