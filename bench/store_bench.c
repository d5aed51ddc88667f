/*
 * What the store does per second: one writer that waits for each commit, a crowd, accounts
 * imported in bulk, accounts loaded. Says how large the groups were, because that is where the
 * speed comes from.
 *
 * The archive: pages of 50 rows at its end, in its middle and by contact, with the processor time
 * of the whole process for one; 1,000 accounts with 10 contacts each, so 1,000,000 rows are 1,000
 * of an account.
 *
 * usage: store_bench DIR [ACCOUNTS [ARCHIVE_ROWS]]; DIR must exist, and be empty.
 */
#include "store/store.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { CREDENTIALS, ROSTER, MESSAGES, ARCHIVE, TABLES, BLOB = 200, BODY = 600 };

static const struct store_table tables[TABLES] = {
	[CREDENTIALS] = { "core.credentials", STORE_VALUE, 1 },
	[ROSTER] = { "roster.items", STORE_MAP, 1 },
	[MESSAGES] = { "offline.messages", STORE_LOG, 1 },
	[ARCHIVE] = { "archive.messages", STORE_LOG, 1 },
};

struct bench {
	struct store *store;
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct store_request *first, **last;
	size_t in_flight;
	uint64_t middle; /* the id of an entry there */
	size_t archived;
	char blob[BODY];
};

static void
post(void *arg, unsigned target, struct store_request *request)
{
	struct bench *b = arg;

	(void)target;
	(void)pthread_mutex_lock(&b->lock);
	request->mailbox[0] = NULL;
	*b->last = request;
	b->last = (struct store_request **)(void *)&request->mailbox[0];
	(void)pthread_cond_signal(&b->filled);
	(void)pthread_mutex_unlock(&b->lock);
}

static void
check(struct store_request *request)
{
	if (request->error != 0)
		die("A request failed: %s.", strerror(-request->error));
}

/* Finishes completions until at most that many are in flight. */
static void
drain(struct bench *b, size_t most)
{
	while (b->in_flight > most) {
		struct store_request *request;

		(void)pthread_mutex_lock(&b->lock);
		while (b->first == NULL)
			(void)pthread_cond_wait(&b->filled, &b->lock);
		request = b->first;
		b->first = NULL;
		b->last = &b->first;
		(void)pthread_mutex_unlock(&b->lock);
		while (request != NULL) {
			struct store_request *next = request->mailbox[0];

			store_request_finish(request);
			request = next;
			b->in_flight--;
		}
	}
}

static struct slice
owner_of(char out[32], size_t n)
{
	int len = snprintf(out, 32, "user%zu@example.test", n);

	return slice_make(out, (size_t)len);
}

static void
write_account(struct bench *b, size_t n)
{
	char text[32];
	struct store_txn *txn = store_txn_create(b->store, owner_of(text, n));

	store_txn_value_create(txn, CREDENTIALS, slice_make(b->blob, BLOB));
	store_commit(txn, 0, check, NULL);
}

static void
write_message(struct bench *b, size_t n)
{
	char text[32];
	struct store_txn *txn = store_txn_create(b->store, owner_of(text, n % 1000));

	(void)store_txn_log_append(txn, MESSAGES, (int64_t)n, NO_SLICE, slice_make(b->blob, BODY));
	store_commit(txn, 0, check, NULL);
}

static void
write_archive(struct bench *b, size_t n)
{
	char text[32], contact[32];
	struct store_txn *txn = store_txn_create(b->store, owner_of(text, n % 1000));
	uint64_t id = store_txn_log_append(txn, ARCHIVE, (int64_t)n,
		owner_of(contact, n / 1000 % 10), slice_make(b->blob, BODY));

	if (n == b->archived / 2)
		b->middle = id;
	store_commit(txn, 0, check, NULL);
}

static void
read_page(struct bench *b, size_t n, const struct store_range *range)
{
	char text[32];
	struct store_batch *batch = store_batch_create(b->store, owner_of(text, n % 1000));

	(void)store_read_log(batch, ARCHIVE, range);
	store_fetch(batch, 0, check, NULL);
}

static void
read_end(struct bench *b, size_t n)
{
	read_page(b, n, &(struct store_range){ .limit = 50, .backward = true });
}

static void
read_middle(struct bench *b, size_t n)
{
	read_page(b, n, &(struct store_range){ .limit = 50, .after = b->middle });
}

static void
read_contact(struct bench *b, size_t n)
{
	char contact[32];

	read_page(b, n,
		&(struct store_range){
			.limit = 50, .backward = true, .with = owner_of(contact, n % 10) });
}

static double
cpu_us(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void
write_contact(struct bench *b, size_t n)
{
	char text[32], contact[32];
	struct store_txn *txn = store_txn_create(b->store, owner_of(text, n % 1000));

	store_txn_map_put(txn, ROSTER, owner_of(contact, n), slice_make(b->blob, BLOB));
	store_commit(txn, 0, check, NULL);
}

static void
load_account(struct bench *b, size_t n)
{
	char text[32];
	struct store_batch *batch = store_batch_create(b->store, owner_of(text, n % 1000));

	(void)store_read_value(batch, CREDENTIALS);
	(void)store_read_map(batch, ROSTER);
	(void)store_read_count(batch, MESSAGES, NULL);
	store_fetch(batch, 0, check, NULL);
}

static void
measure(struct bench *b, const char *what, size_t count, size_t in_flight,
	void (*one)(struct bench *b, size_t n))
{
	struct store_stats before, after;
	uint64_t started = clock_monotonic_us();
	double seconds, groups, cpu = cpu_us();

	store_get_stats(b->store, &before);
	for (size_t n = 0; n < count; n++) {
		drain(b, in_flight - 1);
		one(b, n);
		b->in_flight++;
	}
	drain(b, 0);
	seconds = (double)(clock_monotonic_us() - started) / 1e6;
	store_get_stats(b->store, &after);
	groups = (double)(after.commits - before.commits);
	printf("%-34s %9.0f/s  %7.3f ms each  %6.1f us CPU", what, (double)count / seconds,
		seconds * 1000 * (double)in_flight / (double)count,
		(cpu_us() - cpu) / (double)count);
	if (groups > 0)
		printf("  %6.1f a group", (double)count / groups);
	(void)putchar('\n');
}

int
main(int argc, char **argv)
{
	struct bench b = { .last = &b.first };
	struct store_config config = { .dir = argc > 1 ? argv[1] : NULL };
	struct store_env env = { &b, post, NULL };
	struct store_fault fault;
	uint64_t accounts = 50000, archived = 200000;
	struct arena arena;

	if (argc < 2 || (argc > 2 && slice_to_uint(slice_of(argv[2]), 10000000, &accounts) < 0) ||
		(argc > 3 && slice_to_uint(slice_of(argv[3]), 100000000, &archived) < 0)) {
		(void)fputs("usage: store_bench DIR [ACCOUNTS [ARCHIVE_ROWS]]\n", stderr);
		return 2;
	}
	arena_init(&arena, 0);
	(void)pthread_mutex_init(&b.lock, NULL);
	(void)pthread_cond_init(&b.filled, NULL);
	memset(b.blob, 'x', sizeof(b.blob));
	if (store_open(&config, tables, TABLES, &env, &arena, &b.store, &fault) < 0)
		die("%.*s %.*s", SLICE_ARG(fault.cause), SLICE_ARG(fault.cure));
	measure(&b, "accounts, all at once", accounts, accounts, write_account);
	measure(&b, "contacts, 1 in flight", 1000, 1, write_contact);
	measure(&b, "contacts, 16 in flight", 10000, 16, write_contact);
	measure(&b, "messages of 600 B, 256 in flight", 50000, 256, write_message);
	measure(&b, "accounts loaded, 1 in flight", 10000, 1, load_account);
	measure(&b, "accounts loaded, 16 in flight", 20000, 16, load_account);
	b.archived = archived;
	measure(&b, "archive rows, 1024 in flight", archived, 1024, write_archive);
	measure(&b, "archive pages at the end", 5000, 1, read_end);
	measure(&b, "archive pages in the middle", 5000, 1, read_middle);
	measure(&b, "archive pages by contact", 5000, 1, read_contact);
	store_close(&b.store);
	arena_finish(&arena);
	return 0;
}
