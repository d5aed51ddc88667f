/* Timers, mailbox, connections (plain, TLS, moved between threads), workers, PROXY headers. */
#include "base/clock.h"
#include "io/conn.h"
#include "io/listener.h"
#include "io/proxy_header.h"
#include "io/timer.h"
#include "io/tls.h"
#include "io/worker.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 20000 };

/* An echo server that can move each connection to another loop once, and a client of it. */
struct world {
	struct loop *loop, *other;
	struct listener *listener;
	struct tls_context *server_tls, *client_tls;
	struct conn *moving;
	struct task move, arrive;
	bool moves, moved;
	struct buffer got; /* by the client */
	bool secured, closed;
	char binding[64], client_binding[64];
	size_t binding_len;
};

static size_t
echo(struct conn *conn, struct slice bytes)
{
	struct world *w = conn_owner(conn);

	/* Whole words only, so that the rest is kept and given again. */
	size_t n = bytes.len - bytes.len % 4;

	if (w->moves && !w->moved) {
		w->moved = true;
		w->moving = conn;
		conn_pause(conn);
		loop_post(w->loop, &w->move);
		return 0;
	}
	conn_write(conn, slice_make(bytes.p, n));
	return n;
}

static void
server_secured(struct conn *conn)
{
	struct world *w = conn_owner(conn);

	w->binding_len = conn_tls_exporter(conn, w->binding);
}

static const struct conn_handler echo_handler = { .input = echo, .secured = server_secured };

static void
arrived(struct task *task)
{
	struct world *w = container_of(task, struct world, arrive);

	conn_attach(w->moving, w->other);
	conn_resume(w->moving);
}

static void
move(struct task *task)
{
	struct world *w = container_of(task, struct world, move);

	conn_detach(w->moving);
	loop_post(w->other, &w->arrive);
}

static void
accepted(struct listener *listener, struct conn *conn, void *arg)
{
	(void)listener;
	conn_set_handler(conn, &echo_handler, arg);
}

static size_t
client_input(struct conn *conn, struct slice bytes)
{
	struct world *w = conn_owner(conn);

	(void)buffer_append(&w->got, bytes);
	return bytes.len;
}

static void
client_closed(struct conn *conn, int why)
{
	struct world *w = conn_owner(conn);

	(void)why;
	w->closed = true;
}

static void
client_secured(struct conn *conn)
{
	struct world *w = conn_owner(conn);

	w->secured = true;
	(void)conn_tls_exporter(conn, w->client_binding);
}

static const struct conn_handler client_handler = {
	.input = client_input,
	.closed = client_closed,
	.secured = client_secured,
};

static void
world_init(struct world *w)
{
	struct listener_config config = {
		.address = "127.0.0.1",
		.accepted = accepted,
		.arg = w,
	};

	w->move.run = move;
	w->arrive.run = arrived;
	w->loop = loop_create();
	w->other = loop_create();
	buffer_init(&w->got, 1 << 24);
	config.tls = w->server_tls;
	assert_int_equal(listener_create(w->loop, &config, &w->listener), 0);
}

static struct conn *
world_connect(struct world *w)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(listener_port(w->listener)) };
	struct conn *conn;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	conn = conn_connect(w->loop, (struct sockaddr *)&a, sizeof(a), &client_handler, w);
	assert_non_null(conn);
	return conn;
}

static void
turn_until_got(struct world *w, size_t bytes)
{
	uint64_t end = clock_monotonic_ms() + DEADLINE_MS;

	while (w->got.len < bytes && clock_monotonic_ms() < end) {
		loop_turn(w->loop, w->moves ? 1 : 100);
		if (w->moves)
			loop_turn(w->other, 1);
	}
	assert_int_equal(w->got.len, bytes);
}

static void
world_finish(struct world *w)
{
	listener_destroy(&w->listener);
	loop_turn(w->loop, 0);
	loop_turn(w->other, 0);
	buffer_finish(&w->got);
}

static void
send_pattern(struct world *w, struct conn *conn, size_t bytes)
{
	struct buffer sent;

	buffer_init(&sent, bytes);
	for (size_t i = 0; i < bytes; i++)
		(void)buffer_append(&sent, slice_make(&"abcdefghijklmnopqrstuvw"[i % 23], 1));
	conn_write(conn, buffer_slice(&sent));
	turn_until_got(w, bytes);
	assert_memory_equal(w->got.data, sent.data, bytes);
	buffer_finish(&sent);
}

static void
wait_for_ends(struct world *w)
{
	uint64_t end = clock_monotonic_ms() + DEADLINE_MS;
	struct loop_stats a, b;

	do {
		loop_turn(w->loop, 1);
		loop_turn(w->other, 1);
		loop_stats(w->loop, &a);
		loop_stats(w->other, &b);
	} while (a.conns + b.conns > 0 && clock_monotonic_ms() < end);
	assert_int_equal(a.conns + b.conns, 0);
	assert_int_equal(a.timers + b.timers, 0);
	world_finish(w);
	loop_destroy(&w->loop);
	loop_destroy(&w->other);
}

static void
close_all(struct world *w, struct conn *client)
{
	conn_close(client);
	wait_for_ends(w);
}

/* What the echo sends meanwhile is for nobody, and no reason to reset it. */
static void
who_closes_after_the_other_still_takes_what_comes(void **state)
{
	struct world w = { 0 };
	struct conn *conn;

	(void)state;
	world_init(&w);
	conn = world_connect(&w);
	send_pattern(&w, conn, 4);
	for (int i = 0; i < 1000; i++)
		conn_write(conn,
			SLICE("more to be sent back that nobody will read now, not at all..."));
	conn_close_after(conn);
	assert_false(w.closed);
	wait_for_ends(&w);
}

static void
bytes_come_back_in_order(void **state)
{
	struct world w = { 0 };
	struct conn *conn;

	(void)state;
	world_init(&w);
	conn = world_connect(&w);
	send_pattern(&w, conn, 4);
	buffer_clear(&w.got);
	send_pattern(&w, conn, 3000000);
	close_all(&w, conn);
}

static void
a_connection_moves_with_what_was_unread(void **state)
{
	struct world w = { .moves = true };
	struct conn *conn;

	(void)state;
	world_init(&w);
	conn = world_connect(&w);
	send_pattern(&w, conn, 100000);
	assert_true(w.moved);
	close_all(&w, conn);
}

static void
make_tls(struct world *w, const char *directory)
{
	static const char *const domains[] = { "example.test" };
	struct tls_error error;
	char ca[128], cert[128], key[128];

	assert_int_equal(tls_make(directory, domains, 1, &error), 0);
	(void)snprintf(ca, sizeof(ca), "%s/ca.pem", directory);
	(void)snprintf(cert, sizeof(cert), "%s/cert.pem", directory);
	(void)snprintf(key, sizeof(key), "%s/key.pem", directory);
	w->server_tls = tls_context_create("xmpp-client");
	assert_int_equal(tls_context_add(w->server_tls, "example.test", cert, key, &error), 0);
	assert_int_equal(tls_context_add(w->server_tls, "x", "/nonexistent", key, &error), -EINVAL);
	assert_non_null(strstr(error.text, "/nonexistent"));
	w->client_tls = tls_client_create("xmpp-client", ca, &error);
	assert_non_null(w->client_tls);
	(void)unlink(ca);
	(void)unlink(cert);
	(void)unlink(key);
}

static void
tls_carries_bytes_and_binds_the_channel(void **state)
{
	char directory[] = "/tmp/kith-io-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(directory));
	for (int moves = 0; moves < 2; moves++) {
		struct world w = { .moves = moves == 1 };
		struct conn *conn;

		make_tls(&w, directory);
		world_init(&w);
		conn = world_connect(&w);
		conn_start_tls(conn, w.client_tls, false, "example.test");
		send_pattern(&w, conn, 300000);
		assert_true(w.secured);
		assert_int_equal(w.binding_len, 32);
		assert_memory_equal(w.binding, w.client_binding, 32);
		assert_string_equal(conn_tls_version(conn), "TLSv1.3");
		close_all(&w, conn);
		tls_context_destroy(&w.server_tls);
		tls_context_destroy(&w.client_tls);
	}
	(void)rmdir(directory);
}

static void
a_client_refuses_a_certificate_of_another_name(void **state)
{
	char directory[] = "/tmp/kith-io-XXXXXX";
	struct world w = { 0 };
	struct conn *conn;
	uint64_t end = clock_monotonic_ms() + DEADLINE_MS;

	(void)state;
	assert_non_null(mkdtemp(directory));
	make_tls(&w, directory);
	world_init(&w);
	conn = world_connect(&w);
	conn_start_tls(conn, w.client_tls, false, "other.test");
	while (!w.closed && clock_monotonic_ms() < end)
		loop_turn(w.loop, 100);
	assert_true(w.closed);
	assert_false(w.secured);
	for (int i = 0; i < 3; i++)
		loop_turn(w.loop, 10);
	world_finish(&w);
	loop_destroy(&w.loop);
	loop_destroy(&w.other);
	tls_context_destroy(&w.server_tls);
	tls_context_destroy(&w.client_tls);
	(void)rmdir(directory);
}

struct alarm_clock {
	struct timer timer;
	uint64_t fired_ms;
	struct loop *loop;
};

static void
ring(struct timer *timer)
{
	struct alarm_clock *a = container_of(timer, struct alarm_clock, timer);

	a->fired_ms = clock_monotonic_ms();
}

static void
timers_fire_when_due_and_not_before(void **state)
{
	static const unsigned delays[] = { 0, 1, 15, 16, 17, 50, 100, 9000 };
	struct alarm_clock alarms[COUNT_OF(delays)] = { 0 };
	struct loop *loop = loop_create();
	uint64_t start = clock_monotonic_ms();
	struct loop_stats stats;

	(void)state;
	loop_turn(loop, 0);
	for (size_t i = 0; i < COUNT_OF(delays); i++) {
		alarms[i].timer.fire = ring;
		timer_start(loop, &alarms[i].timer, delays[i]);
	}
	while (alarms[6].fired_ms == 0 && clock_monotonic_ms() < start + DEADLINE_MS)
		loop_turn(loop, 1000);
	for (size_t i = 0; i + 1 < COUNT_OF(delays); i++)
		assert_true(alarms[i].fired_ms >= start + delays[i]);
	assert_int_equal(alarms[7].fired_ms, 0);
	timer_stop(loop, &alarms[7].timer);
	loop_stats(loop, &stats);
	assert_int_equal(stats.timers, 0);
	loop_destroy(&loop);
}

enum { POSTERS = 3, POSTS = 5000 };

struct post {
	struct task task;
	int thread, number;
	int *next; /* what the loop expects of that thread */
	int *total;
};

struct poster {
	struct loop *loop;
	struct post *posts;
};

static void
count_post(struct task *task)
{
	struct post *post = container_of(task, struct post, task);

	assert_int_equal(post->number, post->next[post->thread]++);
	(*post->total)++;
}

static void *
post_all(void *arg)
{
	struct poster *p = arg;

	for (int i = 0; i < POSTS; i++)
		loop_post(p->loop, &p->posts[i].task);
	return NULL;
}

static void
each_threads_posts_arrive_in_order(void **state)
{
	struct loop *loop = loop_create();
	struct poster posters[POSTERS];
	pthread_t threads[POSTERS];
	int next[POSTERS] = { 0 }, total = 0;
	uint64_t end = clock_monotonic_ms() + DEADLINE_MS;

	(void)state;
	for (int t = 0; t < POSTERS; t++) {
		posters[t].loop = loop;
		posters[t].posts = xcalloc(POSTS, sizeof(struct post));
		for (int i = 0; i < POSTS; i++)
			posters[t].posts[i] = (struct post){ { NULL, count_post }, t, i, next,
				&total };
		assert_int_equal(pthread_create(&threads[t], NULL, post_all, &posters[t]), 0);
	}
	while (total < POSTERS * POSTS && clock_monotonic_ms() < end)
		loop_turn(loop, 100);
	assert_int_equal(total, POSTERS * POSTS);
	for (int t = 0; t < POSTERS; t++) {
		(void)pthread_join(threads[t], NULL);
		free(posters[t].posts);
	}
	loop_destroy(&loop);
}

struct sum {
	struct job job;
	int in, out;
	int *finished;
};

static void
add_one(struct job *job)
{
	struct sum *s = container_of(job, struct sum, job);

	s->out = s->in + 1;
}

static void
sum_done(struct job *job)
{
	(*container_of(job, struct sum, job)->finished)++;
}

static void
jobs_run_and_come_back(void **state)
{
	(void)state;
	for (unsigned threads = 0; threads <= 2; threads++) {
		struct loop *loop = loop_create();
		struct worker_pool *pool = worker_pool_create(threads, 100);
		struct sum sums[50];
		int finished = 0;
		uint64_t end = clock_monotonic_ms() + DEADLINE_MS;

		for (int i = 0; i < 50; i++) {
			sums[i] = (struct sum){ .in = i, .finished = &finished };
			sums[i].job.loop = loop;
			sums[i].job.run = add_one;
			sums[i].job.done = sum_done;
			assert_int_equal(worker_submit(pool, &sums[i].job), 0);
		}
		while (finished < 50 && clock_monotonic_ms() < end)
			loop_turn(loop, 100);
		for (int i = 0; i < 50; i++)
			assert_int_equal(sums[i].out, i + 1);
		worker_pool_destroy(&pool);
		loop_destroy(&loop);
	}
}

static void
proxy_headers_are_read_strictly(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		ssize_t result;
		const char *address;
	} cases[] = {
#define TEXT(s) (s), sizeof(s) - 1
		{ TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1000 5222\r\n<"), 42, "192.0.2.1" },
		{ TEXT("PROXY TCP6 2001:db8::1 ::1 1000 5222\r\n"), 38, "2001:db8::1" },
		{ TEXT("PROXY UNKNOWN\r\n"), 15, NULL },
		{ TEXT("PROXY UNKNOWN x y\r\n"), 19, NULL },
		{ TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1000 "), -EAGAIN, NULL },
		{ TEXT("PRO"), -EAGAIN, NULL },
		{ TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1000 65536\r\n"), -EPROTO, NULL },
		{ TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1000\r\n"), -EPROTO, NULL },
		{ TEXT("PROXY TCP4 2001:db8::1 ::1 1 2\r\n"), -EPROTO, NULL },
		{ TEXT("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n"), -EPROTO, NULL },
		{ TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"), -EPROTO, NULL },
		{ TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rx"), -EPROTO, NULL },
		{ TEXT("<stream"), -EPROTO, NULL },
		{ TEXT("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\1\2\3\4"), 28,
			"192.0.2.1" },
		{ TEXT("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"), 16, NULL },
		{ TEXT("\r\n\r\n\0\r\nQUIT\n\x31\0\0\0"), -EPROTO, NULL },
		{ TEXT("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0"), -EAGAIN, NULL },
		{ TEXT("\r\n\r\n\0\r\nQUIT\n\x21\x31\0\x0c\xc0\0\2\1\xc0\0\2\2\1\2\3\4"), -EPROTO,
			NULL },
#undef TEXT
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct peer peer = { 0 };
		char text[PEER_TEXT];

		assert_int_equal(proxy_parse(slice_make(cases[i].bytes, cases[i].len), &peer),
			cases[i].result);
		peer_write(&peer, text);
		assert_string_equal(text, cases[i].address == NULL ? "::" : cases[i].address);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_closes_after_the_other_still_takes_what_comes),
		cmocka_unit_test(bytes_come_back_in_order),
		cmocka_unit_test(a_connection_moves_with_what_was_unread),
		cmocka_unit_test(tls_carries_bytes_and_binds_the_channel),
		cmocka_unit_test(a_client_refuses_a_certificate_of_another_name),
		cmocka_unit_test(timers_fire_when_due_and_not_before),
		cmocka_unit_test(each_threads_posts_arrive_in_order),
		cmocka_unit_test(jobs_run_and_come_back),
		cmocka_unit_test(proxy_headers_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
