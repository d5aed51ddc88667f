/* The simulated machine: bytes arrive in order however they are cut, time passes without waiting.
 */
#include "io/conn.h"
#include "io/listener.h"
#include "io/sim.h"
#include "io/timer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PORT = 5222, HOUR_MS = 3600 * 1000 };

/* Two loops, an echo server on one and a client on the other. */
struct world {
	struct sim *sim;
	struct loop *server, *client;
	struct listener *listener;
	struct conn *conn; /* of the client; NULL: ended */
	struct conn *far;  /* of the server */
	struct buffer got; /* by the client */
	unsigned pieces;   /* in which it came */
	int why;           /* of the client's end */
	bool ended, far_ended;
	bool server_is_deaf;
};

static size_t
echo(struct conn *conn, struct slice bytes)
{
	conn_write(conn, bytes);
	return bytes.len;
}

static void
far_closed(struct conn *conn, int why)
{
	struct world *w = conn_owner(conn);

	(void)why;
	w->far_ended = true;
	w->far = NULL;
}

static const struct conn_handler far_handler = { .input = echo, .closed = far_closed };

static void
accepted(struct listener *listener, struct conn *conn, void *arg)
{
	struct world *w = arg;

	(void)listener;
	w->far = conn;
	conn_set_handler(conn, &far_handler, w);
	if (w->server_is_deaf)
		conn_pause(conn);
}

static size_t
take(struct conn *conn, struct slice bytes)
{
	struct world *w = conn_owner(conn);

	(void)buffer_append(&w->got, bytes);
	w->pieces++;
	return bytes.len;
}

static void
closed(struct conn *conn, int why)
{
	struct world *w = conn_owner(conn);

	w->conn = NULL;
	w->why = why;
	w->ended = true;
}

static const struct conn_handler near_handler = { .input = take, .closed = closed };

static struct conn *
world_connect(struct world *w, uint16_t port)
{
	const struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	return conn_connect(w->client, (const struct sockaddr *)(const void *)&to, sizeof(to),
		&near_handler, w);
}

static void
world_init(struct world *w, uint64_t seed)
{
	struct listener_config config = {
		.address = "127.0.0.1", .port = PORT, .accepted = accepted, .arg = w
	};

	w->sim = sim_create(seed);
	w->server = sim_loop_create(w->sim);
	w->client = sim_loop_create(w->sim);
	buffer_init(&w->got, 1 << 24);
	assert_int_equal(listener_create(w->server, &config, &w->listener), 0);
	w->conn = world_connect(w, listener_port(w->listener));
	assert_non_null(w->conn);
}

static void
world_finish(struct world *w)
{
	if (w->conn != NULL)
		conn_abort(w->conn);
	listener_destroy(&w->listener);
	sim_pass(w->sim, HOUR_MS);
	loop_destroy(&w->server);
	loop_destroy(&w->client);
	sim_destroy(&w->sim);
	buffer_finish(&w->got);
}

static void
say(struct world *w, size_t bytes)
{
	char *text = xmalloc(bytes);

	for (size_t i = 0; i < bytes; i++)
		text[i] = (char)('a' + i % 23);
	conn_write(w->conn, slice_make(text, bytes));
	sim_pass(w->sim, HOUR_MS);
	assert_int_equal(w->got.len, bytes);
	assert_memory_equal(w->got.data, text, bytes);
	free(text);
}

static void
what_is_sent_arrives_in_order_in_pieces(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct world w = { 0 };

		world_init(&w, seed);
		say(&w, 1000000);
		assert_true(w.pieces > 16);
		world_finish(&w);
		assert_true(w.far_ended);
	}
}

static void
a_byte_at_a_time_is_a_setting(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_init(&w, 1);
	sim_set_segment(w.sim, 1);
	/* Arrivals may still run together before the loop reads. */
	say(&w, 10000);
	assert_true(w.pieces > 1000);
	world_finish(&w);
}

static uint64_t
trace_of(uint64_t seed)
{
	struct world w = { 0 };

	world_init(&w, seed);
	say(&w, 200000);
	uint64_t trace = sim_trace(w.sim);
	world_finish(&w);
	return trace;
}

static void
a_seed_is_a_run(void **state)
{
	(void)state;
	assert_true(trace_of(7) == trace_of(7));
	assert_true(trace_of(7) != trace_of(8));
}

static void
nobody_listens(void **state)
{
	struct world w = { 0 };

	(void)state;
	world_init(&w, 1);
	assert_null(world_connect(&w, PORT + 1));
	assert_int_equal(errno, ECONNREFUSED);
	world_finish(&w);
}

static void
who_does_not_read_stops_who_writes(void **state)
{
	struct world w = { .server_is_deaf = true };

	(void)state;
	world_init(&w, 3);
	for (int i = 0; i < 10000; i++)
		conn_write(w.conn, SLICE("forty bytes and more than a window holds"));
	sim_pass(w.sim, HOUR_MS);
	assert_in_range(conn_pending(w.conn), 400000 - 64 * 1024, 400000 - 64 * 1024);
	conn_resume(w.far);
	sim_pass(w.sim, HOUR_MS);
	assert_int_equal(conn_pending(w.conn), 0);
	assert_int_equal(w.got.len, 400000);
	world_finish(&w);
}

static void
an_end_comes_behind_the_bytes(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct world w = { 0 };

		world_init(&w, seed);
		sim_pass(w.sim, 1);
		conn_write(w.far, SLICE("the last words"));
		conn_close(w.far);
		sim_pass(w.sim, 1);
		assert_true(w.ended);
		assert_int_equal(w.why, 0);
		assert_int_equal(w.got.len, strlen("the last words"));
		world_finish(&w);
	}
}

static void
what_is_unread_makes_a_reset(void **state)
{
	struct world w = { .server_is_deaf = true };

	(void)state;
	world_init(&w, 5);
	conn_write(w.conn, SLICE("nobody reads this"));
	sim_pass(w.sim, 1);
	conn_abort(w.far);
	sim_pass(w.sim, 1);
	assert_true(w.ended);
	assert_int_equal(w.why, ECONNRESET);
	world_finish(&w);
}

struct alarm {
	struct timer timer;
	struct loop *loop;
	uint64_t fired_ms;
};

static void
ring(struct timer *timer)
{
	struct alarm *alarm = container_of(timer, struct alarm, timer);

	alarm->fired_ms = loop_now_ms(alarm->loop);
}

static void
the_clock_goes_to_the_next_timer(void **state)
{
	struct world w = { 0 };
	struct alarm a = { .timer.fire = ring }, b = { .timer.fire = ring };

	(void)state;
	world_init(&w, 1);
	a.loop = w.server;
	b.loop = w.client;
	uint64_t start = loop_now_ms(w.server);
	int64_t wall = loop_wall_ms(w.server);
	timer_start(w.server, &a.timer, 24 * (uint64_t)HOUR_MS);
	timer_start(w.client, &b.timer, 100);
	loop_turn(w.client, 1000);
	while (b.fired_ms == 0)
		loop_turn(w.client, 1000);
	assert_in_range(b.fired_ms - start, 100, 100 + 32);
	sim_pass(w.sim, 23 * (uint64_t)HOUR_MS);
	assert_int_equal(a.fired_ms, 0);
	sim_pass(w.sim, HOUR_MS);
	assert_in_range(a.fired_ms - start, 24 * (uint64_t)HOUR_MS, 24 * (uint64_t)HOUR_MS + 32);
	assert_in_range(
		loop_wall_ms(w.server) - wall, 24 * (int64_t)HOUR_MS, 24 * (int64_t)HOUR_MS + 1000);
	world_finish(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent_arrives_in_order_in_pieces),
		cmocka_unit_test(a_byte_at_a_time_is_a_setting),
		cmocka_unit_test(a_seed_is_a_run),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(who_does_not_read_stops_who_writes),
		cmocka_unit_test(an_end_comes_behind_the_bytes),
		cmocka_unit_test(what_is_unread_makes_a_reset),
		cmocka_unit_test(the_clock_goes_to_the_next_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
