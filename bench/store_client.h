/* What the benches of the store share: a mailbox, requests in flight, figures. */
#ifndef BENCH_STORE_CLIENT_H
#define BENCH_STORE_CLIENT_H

#include "store/store.h"

#include <pthread.h>

struct client {
	struct store *store;
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct store_request *first, **last;
	size_t in_flight;
};

void client_open(
	struct client *client, const char *dir, const struct store_table *tables, size_t count);
void client_close(struct client *client);

/* For store_commit and store_fetch: a failed request ends the process. */
void client_check(struct store_request *request);

/* Finishes completions until at most that many requests are in flight. */
void client_drain(struct client *client, size_t most);

/*
 * Calls one() count times with n, n + 1, …, each of which makes a request, with so many in flight,
 * and prints how long it took and what it cost all threads together.
 */
struct run {
	const char *what;
	void *arg;
	void (*one)(void *arg, size_t n);
	size_t first, count, in_flight;
};
void client_measure(struct client *client, const struct run *run);

#endif
