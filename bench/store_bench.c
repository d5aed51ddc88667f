/*
 * What the store does per second: one writer that waits for each commit, a crowd, accounts
 * imported in bulk, accounts loaded. Says how large the groups were, because that is where the
 * speed comes from. The processor time is that of all threads. `archive_bench` has the archive.
 *
 * usage: store_bench DIR [ACCOUNTS]; DIR must exist, and be empty.
 */
#include "store_client.h"

#include <stdio.h>

enum { CREDENTIALS, ROSTER, MESSAGES, TABLES, BLOB = 200, BODY = 600 };

static const struct store_table tables[TABLES] = {
	[CREDENTIALS] = { "core.credentials", STORE_VALUE, 1 },
	[ROSTER] = { "roster.items", STORE_MAP, 1 },
	[MESSAGES] = { "offline.messages", STORE_LOG, 1 },
};

struct bench {
	struct client client;
	char blob[BODY];
};

static struct slice
owner_of(char out[32], size_t n)
{
	int len = snprintf(out, 32, "user%zu@example.test", n);

	return slice_make(out, (size_t)len);
}

static void
write_account(void *arg, size_t n)
{
	struct bench *b = arg;
	char text[32];
	struct store_txn *txn = store_txn_create(b->client.store, owner_of(text, n));

	store_txn_value_create(txn, CREDENTIALS, slice_make(b->blob, BLOB));
	store_commit(txn, 0, client_check, NULL);
}

static void
write_message(void *arg, size_t n)
{
	struct bench *b = arg;
	char text[32];
	struct store_txn *txn = store_txn_create(b->client.store, owner_of(text, n % 1000));

	(void)store_txn_log_append(txn, MESSAGES, (int64_t)n, NO_SLICE, slice_make(b->blob, BODY));
	store_commit(txn, 0, client_check, NULL);
}

static void
write_contact(void *arg, size_t n)
{
	struct bench *b = arg;
	char text[32], contact[32];
	struct store_txn *txn = store_txn_create(b->client.store, owner_of(text, n % 1000));

	store_txn_map_put(txn, ROSTER, owner_of(contact, n), slice_make(b->blob, BLOB));
	store_commit(txn, 0, client_check, NULL);
}

static void
load_account(void *arg, size_t n)
{
	struct bench *b = arg;
	char text[32];
	struct store_batch *batch = store_batch_create(b->client.store, owner_of(text, n % 1000));

	(void)store_read_value(batch, CREDENTIALS);
	(void)store_read_map(batch, ROSTER);
	(void)store_read_count(batch, MESSAGES, NULL);
	store_fetch(batch, 0, client_check, NULL);
}

int
main(int argc, char **argv)
{
	static struct bench b;
	uint64_t accounts = 50000;

	if (argc < 2 || (argc > 2 && slice_to_uint(slice_of(argv[2]), 10000000, &accounts) < 0)) {
		(void)fputs("usage: store_bench DIR [ACCOUNTS]\n", stderr);
		return 2;
	}
	memset(b.blob, 'x', sizeof(b.blob));
	client_open(&b.client, argv[1], tables, TABLES);
	const struct run runs[] = {
		{ "accounts, all at once", &b, write_account, 0, accounts, accounts },
		{ "contacts, 1 in flight", &b, write_contact, 0, 1000, 1 },
		{ "contacts, 16 in flight", &b, write_contact, 0, 10000, 16 },
		{ "messages of 600 B, 256 in flight", &b, write_message, 0, 50000, 256 },
		{ "accounts loaded, 1 in flight", &b, load_account, 0, 10000, 1 },
		{ "accounts loaded, 16 in flight", &b, load_account, 0, 20000, 16 },
	};

	for (size_t i = 0; i < COUNT_OF(runs); i++)
		client_measure(&b.client, &runs[i]);
	client_close(&b.client);
	return 0;
}
