/*
 * What every turn does, whatever it waits with. The mailbox is a stack with one atomic push that
 * its owner takes whole and turns round, so each thread's tasks run in the order of posting.
 */
#include "io/loop.h"

#include "io/conn_internal.h"
#include "io/loop_internal.h"

#include <stdlib.h>

void
loop_init(struct loop *loop, const struct backend *backend)
{
	loop->backend = backend;
	for (size_t i = 0; i < WHEEL_SLOTS; i++)
		list_init(&loop->wheel[i]);
	list_init(&loop->dirty);
	list_init(&loop->fed);
	list_init(&loop->dead);
	loop->plain_in = xmalloc(SHARED_BYTES);
	loop->cipher_in = xmalloc(SHARED_BYTES);
}

void
loop_finish(struct loop *loop)
{
	conn_free_dead(loop);
	while (loop->blocks != NULL) {
		struct block *block = loop->blocks;

		loop->blocks = block->next;
		free(block);
	}
	free(loop->plain_in);
	free(loop->cipher_in);
}

void
loop_destroy(struct loop **loop_ptr)
{
	struct loop *loop = *loop_ptr;

	*loop_ptr = NULL;
	if (loop == NULL)
		return;
	loop->backend->finish(loop);
	loop_finish(loop);
	free(loop);
}

void
loop_post(struct loop *loop, struct task *task)
{
	struct task *head = atomic_load_explicit(&loop->mailbox, memory_order_relaxed);

	do {
		task->next = head;
	} while (!atomic_compare_exchange_weak(&loop->mailbox, &head, task));
	if (head == NULL && atomic_load(&loop->sleeping))
		loop->backend->wake(loop);
}

static void
run_mailbox(struct loop *loop)
{
	struct task *task, *ordered = NULL;

	if (atomic_load_explicit(&loop->mailbox, memory_order_relaxed) == NULL)
		return;
	task = atomic_exchange(&loop->mailbox, NULL);
	while (task != NULL) {
		struct task *next = task->next;

		task->next = ordered;
		ordered = task;
		task = next;
	}
	while (ordered != NULL) {
		struct task *next = ordered->next;

		loop->stats.posted++;
		ordered->run(ordered);
		ordered = next;
	}
}

static size_t
slot_of(uint64_t ms)
{
	return ms / WHEEL_STEP_MS % WHEEL_SLOTS;
}

void
timer_start(struct loop *loop, struct timer *timer, uint64_t delay_ms)
{
	uint64_t least = loop->swept_ms + WHEEL_STEP_MS;

	timer_stop(loop, timer);
	timer->due_ms = loop->now_ms + delay_ms + WHEEL_STEP_MS - 1;
	timer->due_ms -= timer->due_ms % WHEEL_STEP_MS;
	if (timer->due_ms < least)
		timer->due_ms = least;
	if (timer->due_ms < loop->look_ms)
		loop->look_ms = timer->due_ms;
	list_append(&loop->wheel[slot_of(timer->due_ms)], &timer->link);
	loop->stats.timers++;
}

void
timer_stop(struct loop *loop, struct timer *timer)
{
	if (!timer_is_running(timer))
		return;
	list_remove(&timer->link);
	loop->stats.timers--;
}

static void
fire_slot(struct loop *loop, struct list *slot)
{
	struct list due;
	struct timer *timer;
	struct list *link;

	list_init(&due);
	LIST_EACH (timer, slot, struct timer, link) {
		if (timer->due_ms > loop->now_ms)
			continue;
		list_remove(&timer->link);
		list_append(&due, &timer->link);
	}
	/* A timer that fires may stop others, these among them, so they are popped one by one. */
	while ((link = list_pop(&due)) != NULL) {
		loop->stats.timers--;
		timer = container_of(link, struct timer, link);
		histogram_add(&loop->stats.late_ms, LOOP_LATE_SHIFT, loop->now_ms - timer->due_ms);
		timer->fire(timer);
	}
}

static void
fire_timers(struct loop *loop)
{
	uint64_t from = loop->swept_ms / WHEEL_STEP_MS, to = loop->now_ms / WHEEL_STEP_MS;

	if (to - from > WHEEL_SLOTS)
		from = to - WHEEL_SLOTS;
	loop->swept_ms = to * WHEEL_STEP_MS;
	for (uint64_t step = from + 1; step <= to && loop->stats.timers > 0; step++)
		fire_slot(loop, &loop->wheel[step % WHEEL_SLOTS]);
}

/* When the wheel has a timer that is due; or how far it reaches. */
static uint64_t
next_due(const struct loop *loop)
{
	uint64_t base = loop->swept_ms / WHEEL_STEP_MS;

	if (loop->stats.timers == 0)
		return UINT64_MAX;
	for (uint64_t step = 1; step <= WHEEL_SLOTS; step++) {
		uint64_t at = (base + step) * WHEEL_STEP_MS;
		const struct list *slot = &loop->wheel[(base + step) % WHEEL_SLOTS];
		struct list *link = slot->next;

		for (; link != slot; link = link->next) {
			if (container_of(link, struct timer, link)->due_ms <= at)
				return at;
		}
	}
	return (base + WHEEL_SLOTS) * WHEEL_STEP_MS;
}

/* The wheel is walked only when the time has come that was found last; a stopped timer may make
 * that too early, never too late. */
uint64_t
loop_next_timer_ms(struct loop *loop)
{
	if (loop->look_ms <= loop->now_ms)
		loop->look_ms = next_due(loop);
	if (loop->look_ms == UINT64_MAX)
		return UINT64_MAX;
	return loop->look_ms > loop->now_ms ? loop->look_ms - loop->now_ms : 0;
}

bool
loop_has_work(const struct loop *loop)
{
	return atomic_load(&loop->mailbox) != NULL || !list_is_empty(&loop->dirty) ||
	       !list_is_empty(&loop->fed);
}

void
loop_work(struct loop *loop)
{
	run_mailbox(loop);
	fire_timers(loop);
	conn_feed_again(loop);
	conn_flush_all(loop);
	conn_free_dead(loop);
	loop->stats.turns++;
}

void
loop_turn(struct loop *loop, unsigned most_ms)
{
	loop->backend->turn(loop, most_ms);
}

void
loop_run(struct loop *loop)
{
	while (!atomic_load_explicit(&loop->stopping, memory_order_relaxed))
		loop_turn(loop, 60000);
}

void
loop_stop(struct loop *loop)
{
	atomic_store(&loop->stopping, true);
	loop->backend->wake(loop);
}

uint64_t
loop_now_ms(const struct loop *loop)
{
	return loop->now_ms;
}

void
loop_stats(const struct loop *loop, struct loop_stats *out)
{
	*out = loop->stats;
}

size_t
loop_memory(const struct loop *loop)
{
	return sizeof(*loop) + 2 * SHARED_BYTES + (size_t)loop->block_count * BLOCK_BYTES;
}

int64_t
loop_wall_ms(const struct loop *loop)
{
	return loop->backend->wall_ms(loop);
}
