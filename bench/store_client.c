/* Completions are chained through the links of their mailboxes. */
#include "store_client.h"

#include "base/clock.h"

#include <stdio.h>
#include <sys/resource.h>

static void
post(void *arg, unsigned target, struct store_request *request)
{
	struct client *client = arg;

	(void)target;
	(void)pthread_mutex_lock(&client->lock);
	request->mailbox[0] = NULL;
	*client->last = request;
	client->last = (struct store_request **)(void *)&request->mailbox[0];
	(void)pthread_cond_signal(&client->filled);
	(void)pthread_mutex_unlock(&client->lock);
}

void
client_open(struct client *client, const char *dir, const struct store_table *tables, size_t count)
{
	struct store_config config = { .dir = dir };
	struct store_env env = { client, post, NULL };
	struct store_fault fault;
	struct arena arena;

	*client = (struct client){ .last = &client->first };
	(void)pthread_mutex_init(&client->lock, NULL);
	(void)pthread_cond_init(&client->filled, NULL);
	arena_init(&arena, 0);
	if (store_open(&config, tables, count, &env, &arena, &client->store, &fault) < 0)
		die("%.*s %.*s", SLICE_ARG(fault.cause), SLICE_ARG(fault.cure));
	arena_finish(&arena);
}

void
client_close(struct client *client)
{
	store_close(&client->store);
	(void)pthread_mutex_destroy(&client->lock);
	(void)pthread_cond_destroy(&client->filled);
}

void
client_check(struct store_request *request)
{
	if (request->error != 0)
		die("A request failed: %s.", strerror(-request->error));
}

void
client_drain(struct client *client, size_t most)
{
	while (client->in_flight > most) {
		struct store_request *request;

		(void)pthread_mutex_lock(&client->lock);
		while (client->first == NULL)
			(void)pthread_cond_wait(&client->filled, &client->lock);
		request = client->first;
		client->first = NULL;
		client->last = &client->first;
		(void)pthread_mutex_unlock(&client->lock);
		while (request != NULL) {
			struct store_request *next = request->mailbox[0];

			store_request_finish(request);
			request = next;
			client->in_flight--;
		}
	}
}

static double
cpu_us(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void
client_measure(struct client *client, const struct run *run)
{
	struct store_stats before, after;
	uint64_t started = clock_monotonic_us();
	double seconds, groups, count = (double)run->count, cpu = cpu_us();

	store_get_stats(client->store, &before);
	for (size_t n = 0; n < run->count; n++) {
		client_drain(client, run->in_flight - 1);
		run->one(run->arg, run->first + n);
		client->in_flight++;
	}
	client_drain(client, 0);
	seconds = (double)(clock_monotonic_us() - started) / 1e6;
	store_get_stats(client->store, &after);
	groups = (double)(after.commits - before.commits);
	printf("%-34s %9.0f/s  %7.3f ms each  %6.1f us CPU", run->what, count / seconds,
		seconds * 1000 * (double)run->in_flight / count, (cpu_us() - cpu) / count);
	if (groups > 0)
		printf("  %6.1f a group", count / groups);
	(void)putchar('\n');
	(void)fflush(stdout);
}
