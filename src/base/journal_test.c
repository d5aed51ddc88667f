/* The journal's side of its protocol, on a socket of the test's own. */
#include "base/journal.h"
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	char dir[64], path[96];
	int fd;
	char got[65536];
	size_t len;
};

static int
set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/kith-journal-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/socket", f->dir);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", f->path);
	f->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(f->fd >= 0);
	assert_int_equal(bind(f->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	(void)close(f->fd);
	(void)unlink(f->path);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

/* The next entry: a file's descriptor, or -1 and the bytes in got. */
static int
receive(struct fixture *f)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec into = { f->got, sizeof(f->got) - 1 };
	struct msghdr message = { .msg_iov = &into, .msg_iovlen = 1 };
	const struct cmsghdr *c;
	ssize_t n;
	int fd = -1;

	message.msg_control = &control;
	message.msg_controllen = sizeof(control);
	n = recvmsg(f->fd, &message, MSG_CMSG_CLOEXEC);
	c = CMSG_FIRSTHDR(&message);
	assert_true(n >= 0);
	f->len = (size_t)n;
	f->got[n] = '\0';
	if (c != NULL)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static bool
has(const struct fixture *f, struct slice bytes)
{
	return memmem(f->got, f->len, bytes.p, bytes.len) != NULL;
}

static void
fields_arrive_as_fields(void **state)
{
	struct fixture *f = *state;
	struct log *log = log_create(STDERR_FILENO, LOG_JOURNAL, LOG_INFO);

	log_use_journal(log, f->path);
	log_info(log, "session bound", F_TEXT("jid", SLICE("romeo@a.b/x y")), F_UINT("n", 3));
	assert_int_equal(receive(f), -1);
	assert_true(has(f, SLICE("MESSAGE=session bound jid=\"romeo@a.b/x y\" n=3\n")));
	assert_true(has(f, SLICE("\nPRIORITY=6\n")));
	assert_true(has(f, SLICE("\nKITH_EVENT=session bound\n")));
	assert_true(has(f, SLICE("\nKITH_JID=romeo@a.b/x y\n")));
	assert_true(has(f, SLICE("\nKITH_N=3\n")));
	log_error(log, "it broke");
	assert_int_equal(receive(f), -1);
	assert_true(has(f, SLICE("MESSAGE=it broke\nPRIORITY=3\n")));
	assert_int_equal(log_dropped(log), 0);
	log_destroy(&log);
}

static void
values_with_newlines_forge_no_field(void **state)
{
	struct fixture *f = *state;
	struct log *log = log_create(STDERR_FILENO, LOG_JOURNAL, LOG_INFO);

	log_use_journal(log, f->path);
	log_info(log, "bad peer", F_TEXT("why", SLICE("a\n_UID=0")));
	assert_int_equal(receive(f), -1);
	assert_true(has(f, SLICE("\nKITH_WHY\n\x08\0\0\0\0\0\0\0a\n_UID=0\n")));
	assert_true(has(f, SLICE("MESSAGE=bad peer why=\"a\\x0a_UID=0\"\n")));
	log_destroy(&log);
}

static void
what_is_too_large_goes_as_a_sealed_file(void **state)
{
	enum { SIZE = 1 << 20 };
	struct fixture *f = *state;
	struct journal *journal = journal_open(f->path);
	char *large = xcalloc(1, SIZE), head[8];
	struct buffer entry;
	struct stat st;
	int fd;

	memset(large, 'x', SIZE);
	buffer_init(&entry, 2 * SIZE);
	assert_int_equal(journal_add(&entry, "message", slice_make(large, SIZE)), 0);
	assert_int_equal(journal_send(journal, buffer_slice(&entry)), 0);
	fd = receive(f);
	assert_true(fd >= 0);
	assert_int_equal(f->len, 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, entry.len);
	assert_int_equal(pread(fd, head, sizeof(head), 0), sizeof(head));
	assert_memory_equal(head, "MESSAGE=", sizeof(head));
	assert_int_equal(ftruncate(fd, 0), -1);
	(void)close(fd);
	buffer_finish(&entry);
	free(large);
	journal_close(&journal);
}

static void
a_journal_that_does_not_read_stops_nobody(void **state)
{
	enum { LINES = 5000 };
	struct fixture *f = *state;
	struct log *log = log_create(STDERR_FILENO, LOG_JOURNAL, LOG_INFO);

	log_use_journal(log, f->path);
	for (int i = 0; i < LINES; i++)
		log_info(log, "one of many", F_INT("i", i));
	while (log_dropped(log) == 0)
		(void)usleep(1000);
	log_destroy(&log);
}

static void
without_a_journal_there_is_one_warning_and_lines(void **state)
{
	struct fixture *f = *state;
	struct log *log;
	int ends[2];
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	log = log_create(ends[1], LOG_JOURNAL, LOG_INFO);
	log_use_journal(log, "/nowhere/at/all");
	log_info(log, "session bound", F_UINT("n", 3));
	log_destroy(&log);
	n = read(ends[0], f->got, sizeof(f->got) - 1);
	assert_true(n > 0);
	f->got[n] = '\0';
	assert_ptr_equal(strstr(f->got, "<4>the journal cannot be reached"), f->got);
	assert_non_null(strstr(f->got, "\n<6>session bound n=3\n"));
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int
main(void)
{
#define WITH_SOCKET(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		WITH_SOCKET(fields_arrive_as_fields),
		WITH_SOCKET(values_with_newlines_forge_no_field),
		WITH_SOCKET(what_is_too_large_goes_as_a_sealed_file),
		WITH_SOCKET(a_journal_that_does_not_read_stops_nobody),
		WITH_SOCKET(without_a_journal_there_is_one_warning_and_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
