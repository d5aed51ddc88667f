/* The machine: its clock, and the scheduler, which lets one thing happen at a time. */
#include "io/sim.h"

#include "io/sim_internal.h"

#include <stdlib.h>

enum { FIRST_PORT = 1024, START_MS = 3600000 /* of the monotonic clock */ };

static const int64_t START_WALL_MS = 1767225600000; /* 2026-01-01T00:00:00Z */

/* SplitMix64: any seed is good. */
static uint64_t
draw(struct sim *sim)
{
	uint64_t z = sim->random += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* A number below most, which is not 0; it becomes part of the trace. */
size_t
sim_choose(struct sim *sim, size_t most)
{
	size_t chosen = (size_t)(draw(sim) % most);

	sim->trace = (sim->trace ^ chosen) * 0x100000001b3u;
	return chosen;
}

/* It turns only when its owner asks for it. */
static bool
is_stopped(const struct loop *loop)
{
	return atomic_load(&loop->stopping);
}

static bool
is_loop_ready(const struct sim *sim, const struct loop *loop)
{
	if (is_stopped(loop))
		return false;
	if (loop->timers_due || loop_has_work(loop))
		return true;
	for (size_t i = 0; i < sim->socket_count; i++) {
		const struct sim_socket *s = sim->sockets[i];

		if (s != NULL && s->loop == loop && sim_socket_events(s) != 0)
			return true;
	}
	return false;
}

/* The numbers of the loop's sockets that are ready, in a random order; freed by the caller. */
static int *
shuffle_ready(struct sim *sim, const struct loop *loop, size_t *count_out)
{
	int *fds = xmalloc(size_mul(sim->socket_count + 1, sizeof(*fds)));
	size_t count = 0;

	for (size_t i = 0; i < sim->socket_count; i++) {
		const struct sim_socket *s = sim->sockets[i];

		if (s != NULL && s->loop == loop && sim_socket_events(s) != 0) {
			size_t at = sim_choose(sim, count + 1);

			fds[count++] = fds[at];
			fds[at] = s->fd;
		}
	}
	*count_out = count;
	return fds;
}

static void
run_loop(struct sim *sim, struct loop *loop)
{
	size_t count, told;
	int *fds = shuffle_ready(sim, loop, &count);

	loop->now_ms = sim->now_ms;
	loop->timers_due = false;
	/* As with epoll, a turn need not see all that is ready. */
	told = count > 1 ? 1 + sim_choose(sim, count) : count;
	for (size_t i = 0; i < told; i++) {
		struct sim_socket *s = sim_socket_of(sim, fds[i]);
		uint32_t events = s == NULL || s->loop != loop ? 0 : sim_socket_events(s);

		if (events != 0)
			s->watch->ready(s->watch, events);
	}
	free(fds);
	loop_work(loop);
}

/* Lets one thing happen. The loop that turned, if any, in *turned_out. false: nothing can. */
static bool
step(struct sim *sim, struct loop **turned_out)
{
	size_t count = 0, chosen;
	struct loop *loop;

	*turned_out = NULL;
	LIST_EACH (loop, &sim->loops, struct loop, sim_link)
		count += is_loop_ready(sim, loop);
	for (size_t i = 0; i < sim->socket_count; i++)
		count += sim->sockets[i] != NULL && sim_socket_expects(sim->sockets[i]);
	if (count == 0)
		return false;
	chosen = sim_choose(sim, count);
	LIST_EACH (loop, &sim->loops, struct loop, sim_link) {
		if (is_loop_ready(sim, loop) && chosen-- == 0) {
			*turned_out = loop;
			run_loop(sim, loop);
			return true;
		}
	}
	for (size_t i = 0; i < sim->socket_count; i++) {
		struct sim_socket *s = sim->sockets[i];

		if (s != NULL && sim_socket_expects(s) && chosen-- == 0) {
			sim_socket_arrive(sim, s);
			return true;
		}
	}
	return true;
}

/*
 * The clock goes to where the next loop wants to look at its timers, but not beyond until. Loops
 * look now and then also when none is due, as far as their wheel reaches.
 */
static void
advance(struct sim *sim, uint64_t until_ms)
{
	uint64_t next = until_ms - sim->now_ms;
	struct loop *loop;

	LIST_EACH (loop, &sim->loops, struct loop, sim_link) {
		loop->now_ms = sim->now_ms;
		if (!is_stopped(loop) && loop_next_timer_ms(loop) < next)
			next = loop_next_timer_ms(loop);
	}
	LIST_EACH (loop, &sim->loops, struct loop, sim_link)
		loop->timers_due = loop_next_timer_ms(loop) <= next;
	sim->now_ms += next;
}

void
sim_pass(struct sim *sim, uint64_t ms)
{
	uint64_t until = sim->now_ms + ms;
	struct loop *turned;

	for (;;) {
		if (step(sim, &turned))
			continue;
		if (sim->now_ms >= until)
			return;
		advance(sim, until);
	}
}

static void
sim_turn(struct loop *loop, unsigned most_ms)
{
	struct sim *sim = loop->sim;
	uint64_t until = sim->now_ms + most_ms;
	struct loop *turned = NULL;

	/* One that was stopped turns only for who asks; meanwhile the others go on. */
	if (is_stopped(loop))
		sim_pass(sim, most_ms);
	while (turned != loop && !is_stopped(loop)) {
		if (step(sim, &turned))
			continue;
		if (sim->now_ms >= until)
			break;
		advance(sim, until);
	}
	if (turned != loop)
		run_loop(sim, loop);
}

static void
sim_wake(struct loop *loop)
{
	(void)loop; /* nobody sleeps */
}

static int64_t
sim_wall_ms(const struct loop *loop)
{
	return START_WALL_MS + (int64_t)(loop->sim->now_ms - START_MS);
}

static void
sim_finish(struct loop *loop)
{
	list_remove(&loop->sim_link);
}

static const struct backend backend = {
	.turn = sim_turn,
	.wake = sim_wake,
	.wall_ms = sim_wall_ms,
	.finish = sim_finish,
	.watch = sim_watch,
	.rewatch = sim_rewatch,
	.unwatch = sim_unwatch,
	.listen = sim_listen,
	.port = sim_port,
	.accept = sim_accept,
	.connect = sim_connect,
	.receive = sim_receive,
	.send = sim_send,
	.close = sim_close,
	.set_dead_after = sim_set_dead_after,
	.highest_fd = sim_highest_fd,
};

struct sim *
sim_create(uint64_t seed)
{
	struct sim *sim = xcalloc(1, sizeof(*sim));

	sim->random = seed;
	sim->now_ms = START_MS;
	sim->next_port = FIRST_PORT;
	list_init(&sim->loops);
	return sim;
}

void
sim_destroy(struct sim **sim_ptr)
{
	struct sim *sim = *sim_ptr;

	*sim_ptr = NULL;
	if (sim == NULL)
		return;
	for (size_t i = 0; i < sim->socket_count; i++) {
		if (sim->sockets[i] != NULL)
			sim_socket_free(sim, sim->sockets[i]);
	}
	free(sim->sockets);
	free(sim);
}

struct loop *
sim_loop_create(struct sim *sim)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));

	loop->sim = sim;
	loop_init(loop, &backend);
	loop->now_ms = loop->swept_ms = sim->now_ms;
	list_append(&sim->loops, &loop->sim_link);
	return loop;
}

void
sim_set_segment(struct sim *sim, size_t most)
{
	sim->segment = most;
}

uint64_t
sim_trace(const struct sim *sim)
{
	return sim->trace;
}
