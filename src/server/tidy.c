/* When most connections of a shard are gone, or much is free, free memory is given back. */
#include "server/tidy.h"

#include "server/server_internal.h"

#include <malloc.h>

enum { EVERY_MS = 3000, WORTH_IT = 100, MUCH_BYTES = 4 * 1024 * 1024 };

/* For the whole process; one shard looks. What was given back still counts as free. */
static bool
much_is_free(struct shard *shard)
{
	size_t now = shard->number == 0 ? mallinfo2().fordblks : 0;

	if (now < shard->free_bytes)
		shard->free_bytes = now;
	return now > shard->free_bytes + MUCH_BYTES;
}

static void
give_back(struct shard *shard)
{
	(void)malloc_trim(0);
	shard->free_bytes = mallinfo2().fordblks;
}

static void
look(struct timer *timer)
{
	struct shard *shard = container_of(timer, struct shard, tidy);
	struct loop_stats stats;

	loop_stats(shard->loop, &stats);
	if (stats.conns > shard->most_conns) {
		shard->most_conns = stats.conns;
	} else if (shard->most_conns > WORTH_IT && stats.conns < shard->most_conns / 2) {
		give_back(shard);
		shard->most_conns = stats.conns;
	} else if (much_is_free(shard)) {
		give_back(shard);
	}
	timer_start(shard->loop, timer, EVERY_MS);
}

void
tidy_start(struct shard *shard)
{
	shard->tidy.fire = look;
	timer_start(shard->loop, &shard->tidy, EVERY_MS);
}

void
tidy_stop(struct shard *shard)
{
	timer_stop(shard->loop, &shard->tidy);
	timer_stop(shard->loop, &shard->others_wait);
	timer_stop(shard->loop, &shard->spend);
}
