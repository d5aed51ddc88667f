/* systemd's side of sd_notify, on a socket of the test's own. */
#include "kithd/notify.h"

#include "base/clock.h"
#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* A socket without a file, whose name the kernel picks; the name goes into the environment. */
static int
listen_for_notes(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(address);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char name[sizeof(address.sun_path) + 1] = "@";

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	memcpy(name + 1, address.sun_path + 1, len - offsetof(struct sockaddr_un, sun_path) - 1);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static const char *
next(int fd, char text[256])
{
	ssize_t n = recv(fd, text, 255, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void
states_arrive_in_their_order(void **state)
{
	int fd = listen_for_notes();
	struct notify notify;
	char text[256];
	uint64_t before = clock_monotonic_us(), at;

	(void)state;
	notify_init(&notify);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_int_equal(notify.watchdog_ms, 0);
	notify_ready(&notify);
	notify_reloading(&notify);
	notify_alive(&notify);
	notify_stopping(&notify);
	assert_string_equal(next(fd, text), "READY=1");
	assert_memory_equal(next(fd, text), "RELOADING=1\nMONOTONIC_USEC=", 27);
	assert_int_equal(slice_to_uint(slice_of(text + 27), UINT64_MAX, &at), 0);
	assert_in_range(at, before, clock_monotonic_us());
	assert_string_equal(next(fd, text), "WATCHDOG=1");
	assert_string_equal(next(fd, text), "STOPPING=1");
	notify_finish(&notify);
	(void)close(fd);
}

static uint64_t
watchdog_of(const char *us, const char *pid)
{
	int fd = listen_for_notes();
	struct notify notify;

	assert_int_equal(setenv("WATCHDOG_USEC", us, 1), 0);
	if (pid != NULL)
		assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
	notify_init(&notify);
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	notify_finish(&notify);
	(void)close(fd);
	return notify.watchdog_ms;
}

static void
a_sign_of_life_is_due_twice_in_the_watchdogs_time(void **state)
{
	char own[16];

	(void)state;
	(void)snprintf(own, sizeof(own), "%d", (int)getpid());
	assert_int_equal(watchdog_of("30000000", NULL), 15000);
	assert_int_equal(watchdog_of("30000000", own), 15000);
	assert_int_equal(watchdog_of("30000000", "1"), 0);
	assert_int_equal(watchdog_of("10", NULL), 1);
	assert_int_equal(watchdog_of("soon", NULL), 0);
}

static void
without_systemd_nothing_happens(void **state)
{
	static const char *const names[] = { "relative", "", "/nowhere/at/all" };
	struct notify notify;

	(void)state;
	(void)unsetenv("NOTIFY_SOCKET");
	notify_init(&notify);
	notify_ready(&notify);
	assert_int_equal(notify.fd, -1);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		assert_int_equal(setenv("NOTIFY_SOCKET", names[i], 1), 0);
		notify_init(&notify);
		notify_ready(&notify);
		notify_finish(&notify);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_arrive_in_their_order),
		cmocka_unit_test(a_sign_of_life_is_due_twice_in_the_watchdogs_time),
		cmocka_unit_test(without_systemd_nothing_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
