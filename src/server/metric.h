/*
 * Metrics: counters that a module or a part of the core declares in a table. Each shard counts
 * for itself; a reader adds the shards up, so reading is right up to a few events.
 */
#ifndef SERVER_METRIC_H
#define SERVER_METRIC_H

#include "base/base.h"

struct metric {
	const char *name; /* ends in _total for what only grows; NULL ends a table */
	const char *about;
};

#endif
