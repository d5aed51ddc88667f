/*
 * Reading the store while the server is put together: the thread that does so waits for each
 * answer, since nothing else is to be done yet.
 */
#ifndef SERVER_EARLY_READ_H
#define SERVER_EARLY_READ_H

#include "store/store.h"

struct server;

/*
 * Sends the batch and waits for it. The request is the caller's, to be finished. memory: of a store
 * that may be held, so that it is told to work; or NULL.
 */
struct store_request *early_read(
	struct server *server, struct store_memory *memory, struct store_batch *batch);

/*
 * Calls see with each owner that has something in the table, in byte order, until it returns other
 * than 0. That, or a negative error of the store.
 */
int early_read_owners(struct server *server, struct store_memory *memory, unsigned table,
	int (*see)(struct slice owner, void *arg), void *arg);

/* An answer for who waits; on a thread of the store. */
void early_read_arrived(struct store_request *request);

#endif
