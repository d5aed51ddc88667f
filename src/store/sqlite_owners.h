/*
 * The numbers by which the logs know their owners: shorter than names, and near each other. The
 * file has them; the writer remembers those that it met last.
 */
#ifndef STORE_SQLITE_OWNERS_H
#define STORE_SQLITE_OWNERS_H

#include "base/map.h"

#include <sqlite3.h>

struct owner_numbers {
	struct map by_name;
};

void owners_init(struct owner_numbers *owners);
/* Forgets all, as after a rollback: a number may have been given in what was rolled back. */
void owners_reset(struct owner_numbers *owners);
void owners_finish(struct owner_numbers *owners);

/* 0: not remembered. */
uint32_t owners_find(const struct owner_numbers *owners, struct slice name);
void owners_add(struct owner_numbers *owners, struct slice name, uint32_t number);
void owners_remove(struct owner_numbers *owners, struct slice name);

#endif
