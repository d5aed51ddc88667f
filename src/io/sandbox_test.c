/* Each attempt is made by a process of its own, since nobody gets out of the sandbox again. */
#include "io/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
	char data[256], outside[256];
};

/* What an attempt gives: 0, or an errno. */
typedef int attempt(const struct place *place);

static int
open_at(const char *directory, const char *name, int flags)
{
	char path[1024];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

static int
write_own_data(const struct place *place)
{
	return open_at(place->data, "new", O_RDWR | O_CREAT | O_TRUNC);
}

static int
write_elsewhere(const struct place *place)
{
	return open_at(place->outside, "new", O_RDWR | O_CREAT);
}

static int
read_elsewhere(const struct place *place)
{
	return open_at(place->outside, "secret", O_RDONLY);
}

static int
read_certificate(const struct place *place)
{
	return open_at(place->outside, "certificates/cert.pem", O_RDONLY);
}

static int
read_new_certificate(const struct place *place)
{
	return open_at(place->outside, "certificates/renewed.pem", O_RDONLY);
}

static int
read_system(const struct place *place)
{
	(void)place;
	return open_at("/etc", "passwd", O_RDONLY);
}

static int
run_program(const struct place *place)
{
	char *const args[] = { NULL };

	(void)place;
	(void)execv("/bin/true", args);
	return errno;
}

static int
make_process(const struct place *place)
{
	pid_t pid = fork();

	(void)place;
	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
make_thread(const struct place *place)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, nothing, NULL);

	(void)place;
	return r != 0 ? r : pthread_join(thread, NULL);
}

static int
open_socket(int family, int type)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

static int
open_tcp(const struct place *place)
{
	(void)place;
	return open_socket(AF_INET6, SOCK_STREAM);
}

static int
open_bluetooth(const struct place *place)
{
	(void)place;
	return open_socket(AF_BLUETOOTH, SOCK_RAW);
}

/* What the kernel offers; nothing else may be missing. */
static unsigned
offered(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? SANDBOX_ALL : SANDBOX_CALLS;
}

/* The status of a process that tries it in the sandbox. */
static int
try(const struct place *place, attempt *what, bool kills)
{
	char certificate[512];
	const char *readable[] = { certificate, NULL };
	const struct sandbox sandbox = {
		.data = place->data, .readable = readable, .kills = kills
	};
	int status;
	pid_t pid;

	(void)snprintf(
		certificate, sizeof(certificate), "%s/certificates/cert.pem", place->outside);
	pid = fork();
	if (pid == 0) {
		if (sandbox_enter(&sandbox) != offered())
			_exit(200);
		_exit(what(place));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

#define assert_gives(place, attempt, errno_) \
	do { \
		int status_ = try((place), (attempt), false); \
		assert_true(WIFEXITED(status_)); \
		assert_int_equal(WEXITSTATUS(status_), (errno_)); \
	} while (0)

static void
files_beyond_its_own_are_gone(void **state)
{
	const struct place *place = *state;

	assert_gives(place, write_own_data, 0);
	assert_gives(place, read_certificate, 0);
	assert_gives(place, read_new_certificate, 0);
	assert_gives(place, read_system, 0);
	assert_gives(place, write_elsewhere, offered() == SANDBOX_ALL ? EACCES : 0);
	assert_gives(place, read_elsewhere, offered() == SANDBOX_ALL ? EACCES : 0);
}

static void
no_program_and_no_process_is_started(void **state)
{
	const struct place *place = *state;

	assert_gives(place, run_program, EPERM);
	assert_gives(place, make_process, EPERM);
	assert_gives(place, make_thread, 0);
}

static void
only_sockets_of_a_server_are_opened(void **state)
{
	const struct place *place = *state;

	assert_gives(place, open_tcp, 0);
	assert_gives(place, open_bluetooth, EAFNOSUPPORT);
}

static void
a_test_can_ask_for_death(void **state)
{
	int status = try(*state, run_program, true);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void
make_file(const char *directory, const char *name)
{
	assert_int_equal(open_at(directory, name, O_RDWR | O_CREAT), 0);
}

static int
set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	const char *tmp = getenv("TMPDIR");
	char path[512];

	assert_non_null(place);
	(void)snprintf(place->data, sizeof(place->data), "%s/kith-data-XXXXXX",
		tmp == NULL ? "/tmp" : tmp);
	(void)snprintf(place->outside, sizeof(place->outside), "%s/kith-out-XXXXXX",
		tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(place->data));
	assert_non_null(mkdtemp(place->outside));
	(void)snprintf(path, sizeof(path), "%s/certificates", place->outside);
	assert_int_equal(mkdir(path, 0700), 0);
	make_file(place->outside, "secret");
	make_file(path, "cert.pem");
	make_file(path, "renewed.pem");
	*state = place;
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const made[] = { "new", "secret", "certificates/cert.pem",
		"certificates/renewed.pem", "certificates", "" };
	struct place *place = *state;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/new", place->data);
	(void)remove(path);
	(void)remove(place->data);
	for (size_t i = 0; i < COUNT_OF(made); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", place->outside, made[i]);
		(void)remove(path);
	}
	free(place);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_beyond_its_own_are_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			no_program_and_no_process_is_started, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			only_sockets_of_a_server_are_opened, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_test_can_ask_for_death, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
