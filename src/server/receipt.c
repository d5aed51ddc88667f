/* A count of holders, and a task that goes home when there is none. */
#include "server/receipt.h"

#include "server/server_internal.h"

#include <stdlib.h>

static void
go_home(struct task *task)
{
	struct receipt *receipt = container_of(task, struct receipt, task);

	receipt->done(receipt);
}

struct receipt *
receipt_create(
	struct shard *home, void *maker, uint32_t number, void (*done)(struct receipt *receipt))
{
	struct receipt *receipt = xcalloc(1, sizeof(*receipt));

	receipt->home = home;
	receipt->maker = maker;
	receipt->number = number;
	receipt->done = done;
	receipt->task.run = go_home;
	list_init(&receipt->link);
	atomic_init(&receipt->holders, 1);
	return receipt;
}

struct receipt *
receipt_hold(struct receipt *receipt)
{
	if (receipt != NULL)
		atomic_fetch_add_explicit(&receipt->holders, 1, memory_order_relaxed);
	return receipt;
}

static bool
is_last(struct receipt *receipt)
{
	return atomic_fetch_sub_explicit(&receipt->holders, 1, memory_order_acq_rel) == 1;
}

void
receipt_drop(struct receipt **receipt)
{
	struct receipt *dropped = *receipt;

	*receipt = NULL;
	if (dropped == NULL || !is_last(dropped))
		return;
	/* Nobody is at home any more when the server is taken apart. */
	if (atomic_load(&dropped->home->server->is_closing))
		free(dropped);
	else
		loop_post(dropped->home->loop, &dropped->task);
}

bool
receipt_is_over(struct receipt *receipt)
{
	return is_last(receipt);
}
