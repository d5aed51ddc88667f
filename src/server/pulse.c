/* A task for each shard that marks itself as done; it is posted again only when it has run. */
#include "server/pulse.h"

#include "server/server_internal.h"

#include <stdatomic.h>
#include <stdlib.h>

struct beat {
	struct task task;
	_Atomic(bool) done;
};

struct pulse {
	struct server *server;
	struct beat beats[SHARDS_MOST];
};

/* On the shard's thread. */
static void
mark(struct task *task)
{
	atomic_store(&container_of(task, struct beat, task)->done, true);
}

struct pulse *
pulse_create(struct server *server)
{
	struct pulse *pulse = xcalloc(1, sizeof(*pulse));

	pulse->server = server;
	for (unsigned i = 0; i < SHARDS_MOST; i++) {
		pulse->beats[i].task.run = mark;
		atomic_init(&pulse->beats[i].done, true);
	}
	return pulse;
}

void
pulse_destroy(struct pulse **pulse)
{
	free(*pulse);
	*pulse = NULL;
}

bool
pulse_take(struct pulse *pulse)
{
	bool all = true;

	for (unsigned i = 0; i < pulse->server->shard_count; i++) {
		struct beat *beat = &pulse->beats[i];

		if (!atomic_exchange(&beat->done, false))
			all = false;
		else
			loop_post(pulse->server->shards[i]->loop, &beat->task);
	}
	return all;
}
