/*
 * The archive: rows of 600 bytes appended for owners in no order, each with one of ten contacts;
 * then pages of 50 at the end, in the middle, from a time on and by contact, of owners in no order;
 * then the same pages after the store was closed, and how large the file is. The processor time is
 * that of all threads.
 *
 * usage: archive_bench DIR ROWS OWNERS; DIR must exist, and be empty.
 */
#include "store_client.h"

#include "base/clock.h"

#include <stdio.h>
#include <sys/stat.h>

enum { ARCHIVE, TABLES, BODY = 600, CONTACTS = 10, PARTS = 5, PAGE = 50, PAGES = 5000 };

static const struct store_table tables[TABLES] = {
	[ARCHIVE] = { "archive.messages", STORE_LOG, 1 },
};

struct archive {
	struct client client;
	uint64_t rows, owners;
	uint64_t middle; /* the id of an entry there */
	char body[BODY];
};

/* The finalizer of splitmix64: numbers in no order, the same in each run. */
static uint64_t
mix(uint64_t n)
{
	n += 0x9e3779b97f4a7c15;
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
	n = (n ^ n >> 27) * 0x94d049bb133111eb;
	return n ^ n >> 31;
}

static struct slice
address(char out[40], const char *name, uint64_t number)
{
	int len = snprintf(out, 40, "%s%llu@example.test", name, (unsigned long long)number);

	return slice_make(out, (size_t)len);
}

static void
append(void *arg, size_t n)
{
	struct archive *a = arg;
	uint64_t random = mix(n);
	char owner[40], contact[40];
	struct store_txn *txn = store_txn_create(
		a->client.store, address(owner, "user", random % a->owners));
	uint64_t id = store_txn_log_append(txn, ARCHIVE, (int64_t)(1700000000000 + n),
		address(contact, "friend", (random >> 32) % CONTACTS), slice_make(a->body, BODY));

	if (n == a->rows / 2)
		a->middle = id;
	store_commit(txn, 0, client_check, NULL);
}

static void
read_page(struct archive *a, size_t n, const struct store_range *range)
{
	char owner[40];
	struct store_batch *batch = store_batch_create(
		a->client.store, address(owner, "user", mix(a->rows + n) % a->owners));

	(void)store_read_log(batch, ARCHIVE, range);
	store_fetch(batch, 0, client_check, NULL);
}

static void
read_end(void *arg, size_t n)
{
	read_page(arg, n, &(struct store_range){ .limit = PAGE, .backward = true });
}

static void
read_middle(void *arg, size_t n)
{
	struct archive *a = arg;

	read_page(a, n, &(struct store_range){ .limit = PAGE, .after = a->middle });
}

static void
read_contact(void *arg, size_t n)
{
	char contact[40];

	read_page(arg, n,
		&(struct store_range){ .limit = PAGE,
			.backward = true,
			.with = address(contact, "friend", n % CONTACTS) });
}

static void
read_since(void *arg, size_t n)
{
	struct archive *a = arg;

	read_page(a, n,
		&(struct store_range){
			.limit = PAGE, .since_ms = 1700000000000 + (int64_t)a->rows / 2 });
}

static void
measure_rows(struct archive *a)
{
	size_t part = a->rows / PARTS;

	for (size_t first = 0; first < a->rows; first += part) {
		char what[64];

		(void)snprintf(what, sizeof(what), "rows from %zu on", first);
		client_measure(&a->client, &(struct run){ what, a, append, first, part, 1024 });
	}
}

static void
measure_pages(struct archive *a)
{
	client_measure(&a->client, &(struct run){ "pages at the end", a, read_end, 0, PAGES, 1 });
	client_measure(
		&a->client, &(struct run){ "pages in the middle", a, read_middle, 0, PAGES, 1 });
	client_measure(&a->client, &(struct run){ "pages by time", a, read_since, 0, PAGES, 1 });
	client_measure(
		&a->client, &(struct run){ "pages by contact", a, read_contact, 0, PAGES, 1 });
}

static void
open_again(struct archive *a, const char *dir)
{
	uint64_t started = clock_monotonic_ms(), closed;

	client_close(&a->client);
	closed = clock_monotonic_ms();
	client_open(&a->client, dir, tables, TABLES);
	printf("closed in %llu ms, opened in %llu ms\n", (unsigned long long)(closed - started),
		(unsigned long long)(clock_monotonic_ms() - closed));
}

static void
tell_size(const struct archive *a, const char *dir)
{
	char path[4096];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/kith.db", dir);
	if (stat(path, &st) == 0)
		printf("%.1f bytes of file for a row of %d\n", (double)st.st_size / (double)a->rows,
			BODY);
}

int
main(int argc, char **argv)
{
	static struct archive a;

	if (argc != 4 || slice_to_uint(slice_of(argv[2]), 1000000000, &a.rows) < 0 ||
		slice_to_uint(slice_of(argv[3]), 100000000, &a.owners) < 0 || a.rows < PARTS ||
		a.owners == 0) {
		(void)fputs("usage: archive_bench DIR ROWS OWNERS\n", stderr);
		return 2;
	}
	a.rows -= a.rows % PARTS;
	memset(a.body, 'x', sizeof(a.body));
	client_open(&a.client, argv[1], tables, TABLES);
	measure_rows(&a);
	measure_pages(&a);
	open_again(&a, argv[1]);
	measure_pages(&a);
	tell_size(&a, argv[1]);
	client_close(&a.client);
	return 0;
}
