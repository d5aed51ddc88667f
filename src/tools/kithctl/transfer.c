/* Accounts in files of XEP-0227: out of a running server, and into one. */
#include "tools/kithctl/pie.h"
#include "tools/kithctl/verbs.h"
#include "xml/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Export ---- */

static void
write_start(FILE *out, const struct record *first)
{
	struct buffer host, name;

	buffer_init(&host, SIZE_MAX / 2);
	buffer_init(&name, SIZE_MAX / 2);
	xml_write_value(&host, record_value(first, "host"));
	xml_write_value(&name, record_value(first, "name"));
	(void)fprintf(out,
		"<?xml version='1.0' encoding='UTF-8'?>\n<server-data xmlns='" NS_PIE "'>\n"
		"<host jid='%.*s'>\n<user name='%.*s'>\n",
		SLICE_ARG(buffer_slice(&host)), SLICE_ARG(buffer_slice(&name)));
	buffer_finish(&host);
	buffer_finish(&name);
}

/* An account has at least keys, so there is a first record. */
static int
write_account(FILE *out, const struct answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		struct slice element = record_value(&answer->records[i], "element");

		if (i == 0)
			write_start(out, &answer->records[0]);
		(void)fwrite(element.p, 1, element.len, out);
		(void)fputc('\n', out);
	}
	(void)fprintf(out, "</user>\n</host>\n</server-data>\n");
	return fflush(out) == 0 && ferror(out) == 0 ? 0 : -1;
}

/* XEP-0227 6: nobody else may read it. */
static int
write_file(const char *path, const struct answer *answer)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	int r = -1;

	if (out != NULL) {
		r = write_account(out, answer);
		if (fsync(fd) < 0 || fclose(out) != 0)
			r = -1;
	}
	if (r == 0)
		return 0;
	(void)fprintf(stderr, "kithctl: %s: %s\n", path,
		errno == EEXIST ? "this file exists; name another one" : strerror(errno));
	if (out != NULL)
		(void)unlink(path);
	return -1;
}

int
user_export(struct call *call)
{
	const char *const words[] = { call->verb->request, call->args[0] };
	struct answer answer;
	int status = EXIT_FAILURE;
	int r = 0;

	if (control_send(&call->control, words, 2) < 0)
		return EXIT_FAILURE;
	if (control_answer(&call->control, &answer) == 0)
		status = check_answer(&answer);
	if (status == EXIT_SUCCESS && call->count > 1)
		r = write_file(call->args[1], &answer);
	else if (status == EXIT_SUCCESS)
		r = write_account(stdout, &answer);
	answer_finish(&answer);
	return r < 0 ? EXIT_FAILURE : status;
}

/* ---- Import ---- */

struct import {
	struct call *call;
	unsigned long imported, failed;
	bool broke; /* the connection did */
};

/* The element that the numbers mean: <user/>, a child of it, or a child of that. */
static struct pie_part
part_of(const struct pie_user *user, unsigned long child, unsigned long item)
{
	struct pie_part part = { user->file, user->element };

	if (child == 0 || child > user->count)
		return part;
	part = user->parts[child - 1];
	if (item == 0)
		return part;
	part.element = xml_first_child(part.element);
	while (--item > 0 && part.element != NULL)
		part.element = xml_next_sibling(part.element);
	return part.element == NULL ? user->parts[child - 1] : part;
}

static void
tell_error(const struct pie_user *user, const char *error)
{
	unsigned long child = 0, item = 0;
	const char *text = strstr(error, ">: ");
	char *end;

	if (strncmp(error, "at ", 3) == 0 && text != NULL) {
		struct pie_part part;

		child = strtoul(error + 3, &end, 10);
		item = strtoul(end, &end, 10);
		part = part_of(user, child, item);
		pie_file_complain(part.file, part.element, text + 3);
		return;
	}
	pie_file_complain(user->file, user->element, error);
}

static unsigned long
number_in(const struct record *record, const char *name)
{
	uint64_t number = 0;

	(void)slice_to_uint(record_value(record, name), UINT32_MAX, &number);
	return (unsigned long)number;
}

static void
tell_loss(const struct pie_user *user, const struct record *record)
{
	struct pie_part part = part_of(user, number_in(record, "child"), number_in(record, "item"));

	pie_file_complain(part.file, part.element, record_value(record, "text").p);
}

static bool
import_user(void *arg, const struct pie_user *user)
{
	struct import *import = arg;
	struct control *control = &import->call->control;
	struct slice host = { xstrndup(user->host.p, user->host.len), user->host.len };
	struct slice xml = { xstrndup(user->xml.p, user->xml.len), user->xml.len };
	struct answer answer = { .error = NULL };

	import->broke = control_send(control,
				(const char *const[]){ import->call->verb->request, host.p, xml.p },
				3) < 0 ||
			control_answer(control, &answer) < 0;
	if (!import->broke && answer.error == NULL)
		import->imported++;
	else
		import->failed++;
	if (!import->broke && answer.error != NULL)
		tell_error(user, answer.error);
	for (size_t i = 0; !import->broke && answer.error == NULL && i < answer.count; i++)
		tell_loss(user, &answer.records[i]);
	answer_finish(&answer);
	free((void *)(uintptr_t)host.p);
	free((void *)(uintptr_t)xml.p);
	return !import->broke;
}

int
user_import_xml(struct call *call)
{
	struct import import = { .call = call };
	int r = pie_read(call->args[0], import_user, &import);

	(void)printf(call->json ? "{\"imported\":%lu,\"failed\":%lu}\n"
				: "%lu accounts imported, %lu failed\n",
		import.imported, import.failed);
	return r == 0 && import.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
