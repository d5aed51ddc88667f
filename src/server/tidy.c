/* When most connections of a shard are gone, free memory is given back. */
#include "server/tidy.h"

#include "server/server_internal.h"

#include <malloc.h>

enum { EVERY_MS = 3000, WORTH_IT = 100 };

static void
look(struct timer *timer)
{
	struct shard *shard = container_of(timer, struct shard, tidy);
	struct loop_stats stats;

	loop_stats(shard->loop, &stats);
	if (stats.conns > shard->most_conns) {
		shard->most_conns = stats.conns;
	} else if (shard->most_conns > WORTH_IT && stats.conns < shard->most_conns / 2) {
		(void)malloc_trim(0);
		shard->most_conns = stats.conns;
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
	timer_stop(shard->loop, &shard->store_wait);
}
