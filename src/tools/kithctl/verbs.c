/* The table, and what most verbs do: ask. */
#include "tools/kithctl/verbs.h"

#include <stdlib.h>

#define PASSWORD_MORE \
	"A password that is not given as an argument is read from the terminal, or from standard " \
	"input if that is not a terminal, so that it shows in no list of processes."

const struct verb verbs[] = {
	{
		.words = "user add",
		.args = "ADDRESS [PASSWORD]",
		.about = "makes an account",
		.more = PASSWORD_MORE,
		.least = 1,
		.most = 2,
		.request = "user-add",
		.run = user_add,
	},
	{
		.words = "user passwd",
		.args = "ADDRESS [PASSWORD]",
		.about = "changes an account's password",
		.more = "Who is signed in stays so. The password is read as with *user add*.",
		.least = 1,
		.most = 2,
		.request = "user-passwd",
		.completes = { COMPLETE_ADDRESS },
		.run = user_passwd,
	},
	{
		.words = "user delete",
		.args = "ADDRESS",
		.about = "deletes an account and everything it keeps",
		.more = "Its sessions end, and its contacts hear that their subscriptions ended.",
		.least = 1,
		.most = 1,
		.request = "user-delete",
		.completes = { COMPLETE_ADDRESS },
	},
	{
		.words = "user list",
		.args = "",
		.about = "lists the accounts",
		.more = "One address on each line, in byte order.",
		.request = "user-list",
		.shape = SHAPE_VALUES,
	},
	{
		.words = "user import",
		.args = "FILE",
		.about = "adds accounts from name:password lines; - for stdin",
		.more = "It goes on behind lines that are wrong, names them, and exits with 1.",
		.least = 1,
		.most = 1,
		.completes = { COMPLETE_FILE },
		.run = user_import,
	},
	{
		.words = "stats",
		.args = "",
		.about = "prints counters and gauges",
		.more = "Names that end in _total_ only grow, from the start of the server on.",
		.request = "stats",
		.shape = SHAPE_OBJECT,
	},
	{
		.words = "reload",
		.args = "",
		.about = "reads the config and the certificates again",
		.more = "All of it is taken, or nothing when there is a mistake anywhere: then it "
			"is named "
			"here and in the log, and the exit status is 1. See *kithd.conf*(5).",
		.request = "reload",
	},
	{
		.words = "stop",
		.args = "",
		.about = "stops the server, after telling everyone",
		.more = "Everything is written before it ends.",
		.request = "stop",
	},
	{ .words = NULL },
};

int
check_answer(const struct answer *answer)
{
	if (answer->error == NULL)
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "kithctl: %s\n", answer->error);
	return EXIT_FAILURE;
}

int
ask(struct call *call, const char *const *words, size_t count)
{
	struct answer answer;
	int status = EXIT_FAILURE;

	if (control_send(&call->control, words, count) < 0)
		return EXIT_FAILURE;
	if (control_answer(&call->control, &answer) == 0) {
		status = check_answer(&answer);
		if (status == EXIT_SUCCESS)
			print_answer(&answer, call->verb->shape, call->json, stdout);
	}
	answer_finish(&answer);
	return status;
}
