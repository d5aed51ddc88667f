/*
 * What a shard's memory is used for: counted from what the shard has, not estimated. What libraries
 * allocate for themselves (OpenSSL above all) cannot be told apart and is the rest of what the
 * allocator gave out.
 */
#ifndef SERVER_USAGE_H
#define SERVER_USAGE_H

#include "base/base.h"

struct server;
struct shard;

enum usage_kind {
	USAGE_ACCOUNTS, /* in memory, with the modules' state of each */
	USAGE_CONTACTS, /* in their rosters, and requests */
	USAGE_SESSIONS, /* with the modules' state of each */
	USAGE_TEXTS,    /* what sessions keep: addresses, presence, directed presence */
	USAGE_CONNECTIONS,
	USAGE_TLS,     /* of the connections, those with TLS; no bytes: OpenSSL's are in the rest */
	USAGE_INPUT,   /* unfinished stanzas, and what waits for a pause to end */
	USAGE_OUTPUT,  /* what clients did not read yet */
	USAGE_LETTERS, /* in the mailbox, and waiting for accounts */
	USAGE_CACHES,  /* of right and wrong passwords, keys, places, quotas */
	USAGE_TABLES,  /* by which accounts and contacts are found */
	USAGE_LOOP,    /* buffers that connections share */
	USAGE_KINDS
};

struct usage {
	struct {
		uint64_t count, bytes;
	} of[USAGE_KINDS];
};

/* "accounts", ... */
const char *usage_name(enum usage_kind kind);

/*
 * Adds what the shard has; on its thread. It looks at every account, contact and session in memory:
 * some 20 ns for each.
 */
void usage_add(const struct shard *shard, struct usage *usage);

/* Of the whole process, at this moment. */
struct usage_process {
	uint64_t rss_bytes;
	uint64_t given_bytes; /* that the allocator gave out */
	uint64_t free_bytes;  /* that it keeps for the next ones */
	uint64_t store_bytes; /* of them, SQLite's */
};
void usage_of_process(const struct server *server, struct usage_process *out);

#endif
