/* The table, and what most verbs do: ask. */
#include "tools/kithctl/verbs.h"

#include <stdlib.h>

int
check_answer(const struct answer *answer)
{
	if (answer->error == NULL)
		return EXIT_SUCCESS;
	(void)fprintf(stderr, "kithctl: %s\n", answer->error);
	return EXIT_FAILURE;
}

/* The answer stays with the caller, who must finish it; the exit status. */
static int
ask_and_keep(struct call *call, const char *const *words, size_t count, struct answer *answer)
{
	int status = EXIT_FAILURE;

	*answer = (struct answer){ .records = NULL };
	if (control_send(&call->control, words, count) < 0)
		return EXIT_FAILURE;
	if (control_answer(&call->control, answer) == 0) {
		status = check_answer(answer);
		if (status == EXIT_SUCCESS)
			print_answer(answer, call->verb->shape, call->json, stdout);
	}
	return status;
}

int
ask(struct call *call, const char *const *words, size_t count)
{
	struct answer answer;
	int status = ask_and_keep(call, words, count, &answer);

	answer_finish(&answer);
	return status;
}

static bool
has_problems(const struct record *record)
{
	for (size_t i = 0; i < record->count; i++) {
		if (record->fields[i].kind == CONTROL_ITEM &&
			slice_is_text(record->fields[i].name, "problems"))
			return true;
	}
	return false;
}

/* As systemctl status does. */
static int
status(struct call *call)
{
	struct answer answer;
	int code = ask_and_keep(call, (const char *const[]){ "status" }, 1, &answer);

	if (code == EXIT_SUCCESS && answer.count > 0 && has_problems(&answer.records[0]))
		code = EXIT_FAILURE;
	answer_finish(&answer);
	return code;
}

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
		.args = "[BEGINNING [MOST]]",
		.about = "lists the accounts",
		.more = "One address on each line, in byte order; with BEGINNING those that begin "
			"so, and not more than MOST of them.",
		.most = 2,
		.request = "user-list",
		.shape = SHAPE_VALUES,
	},
	{
		.words = "user show",
		.args = "ADDRESS",
		.about = "tells what is known of an account",
		.more = "Whether it is disabled, when it was here (its last sign-in is right to "
			"ten minutes), and how much is kept for it.",
		.least = 1,
		.most = 1,
		.request = "user-show",
		.shape = SHAPE_OBJECT,
		.completes = { COMPLETE_ADDRESS },
	},
	{
		.words = "user disable",
		.args = "ADDRESS",
		.about = "ends an account's sessions and lets nobody sign in to it",
		.more = "It keeps all that it has, and messages for it are kept as for anyone who "
			"is away.",
		.least = 1,
		.most = 1,
		.request = "user-disable",
		.completes = { COMPLETE_ADDRESS },
	},
	{
		.words = "user enable",
		.args = "ADDRESS",
		.about = "lets a disabled account sign in again",
		.least = 1,
		.most = 1,
		.request = "user-enable",
		.completes = { COMPLETE_ADDRESS },
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
		.words = "user export",
		.args = "ADDRESS [FILE]",
		.about = "writes an account to a file of XEP-0227; or to stdout",
		.more = "Everything that the server keeps of it, as it is at one moment: the keys "
			"to sign in by, roster, waiting subscription requests and messages, "
			"vCard, private data, block list. The file must not exist; only its owner "
			"may read it, for who has the keys can act as the server, and try "
			"passwords.",
		.least = 1,
		.most = 2,
		.request = "user-export",
		.completes = { COMPLETE_ADDRESS, COMPLETE_FILE },
		.run = user_export,
	},
	{
		.words = "user import-xml",
		.args = "FILE",
		.about = "makes the accounts of a file of XEP-0227; - for stdin",
		.more = "Each account comes whole or not at all, and none that exists is touched. "
			"A mistake is named with its line; what this server does not know is "
			"named and left out. Files that others name by XInclude are read from the "
			"same folder and those below. The contacts of an account hear nothing of "
			"it. An account whose file has neither its password nor keys for "
			"SCRAM-SHA-1, SCRAM-SHA-256 and SCRAM-SHA-512 lets only those clients in "
			"that choose a mechanism which has keys: give it a new password.",
		.least = 1,
		.most = 1,
		.request = "user-import-xml",
		.completes = { COMPLETE_FILE },
		.run = user_import_xml,
	},
	{
		.words = "admin list",
		.args = "",
		.about = "lists the administrators",
		.more = "Those of the configuration are administrators of the whole server; the "
			"others are on the list of one domain, which may also be edited by a "
			"command from a client.",
		.request = "admin-list",
		.shape = SHAPE_TABLE,
	},
	{
		.words = "admin add",
		.args = "ADDRESS",
		.about = "makes a user an administrator of the domain of that address",
		.least = 1,
		.most = 1,
		.request = "admin-add",
		.completes = { COMPLETE_ADDRESS },
	},
	{
		.words = "admin remove",
		.args = "ADDRESS",
		.about = "takes a user from the list of administrators of that domain",
		.more = "It takes effect at once. Those of the configuration are removed there.",
		.least = 1,
		.most = 1,
		.request = "admin-remove",
		.completes = { COMPLETE_ADDRESS },
	},
	{
		.words = "roster",
		.args = "ADDRESS",
		.about = "lists an account's contacts, as they are stored",
		.least = 1,
		.most = 1,
		.request = "roster",
		.shape = SHAPE_TABLE,
		.completes = { COMPLETE_ADDRESS },
	},
	{
		.words = "vcard",
		.args = "ADDRESS",
		.about = "lists what a user's vCard says",
		.more = "A line for each property; long values, as of photos, are cut off unless "
			"*--json* is given.",
		.least = 1,
		.most = 1,
		.request = "vcard",
		.shape = SHAPE_TABLE,
		.completes = { COMPLETE_ADDRESS },
	},
	{
		.words = "sessions",
		.args = "[ADDRESS]",
		.about = "lists who is signed in",
		.more = "Of all, of one account, or the one session of a full address. _since_ is "
			"when it was bound, _heard_ when its client last sent something, _queue "
			"size_ what its client did not read yet, _shard_ the thread that has it.",
		.most = 1,
		.request = "sessions",
		.shape = SHAPE_TABLE,
		.completes = { COMPLETE_SESSION },
	},
	{
		.words = "kick",
		.args = "ADDRESS [REASON]",
		.about = "ends a session, or all of an account",
		.more = "The client is told the reason. It may sign in again; *user disable* is "
			"against that.",
		.least = 1,
		.most = 2,
		.request = "kick",
		.shape = SHAPE_OBJECT,
		.completes = { COMPLETE_SESSION },
	},
	{
		.words = "announce",
		.args = "TEXT",
		.about = "sends a headline to all who are signed in",
		.more = "With *--host* DOMAIN, to the users of that domain only. It prints how "
			"many sessions got it; it is kept for nobody.",
		.least = 1,
		.most = 1,
		.request = "announce",
		.shape = SHAPE_OBJECT,
		.takes_host = true,
	},
	{
		.words = "status",
		.args = "",
		.about = "tells how the server is",
		.more = "The exit status is 1 when there are problems: a database that failed or "
			"a disk that is full, a certificate that is not valid, an overloaded "
			"machine.",
		.request = "status",
		.shape = SHAPE_OBJECT,
		.run = status,
	},
	{
		.words = "log level",
		.args = "[LEVEL]",
		.about = "tells how much is logged, or changes it",
		.more = "One of _error_, _warning_, _info_ and _debug_, until the server ends or "
			"reads its configuration again.",
		.most = 1,
		.request = "log-level",
		.shape = SHAPE_VALUES,
		.completes = { COMPLETE_LEVEL },
	},
	{
		.words = "memory",
		.args = "",
		.about = "tells what memory is used for",
		.more = "Bytes of each kind of object, of each thread and of all. They are "
			"counted, not estimated; what OpenSSL has cannot be told from the rest of "
			"what the allocator gave out. It takes a moment for a large server, since "
			"it looks at every account, contact and session in memory.",
		.request = "memory",
		.shape = SHAPE_TABLE,
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
			"is named here and in the log, and the exit status is 1. See "
			"*kithd.conf*(5).",
		.request = "reload",
	},
	{
		.words = "backup",
		.args = "FILE",
		.about = "copies the database of the running server; - for stdout",
		.more = "The copy has everything that was acknowledged before, is of one moment, "
			"is looked through before *kithctl* ends with 0, and is only yours to "
			"read. FILE is replaced when all of that went well, and not touched "
			"otherwise. The server makes the copy in its data directory, so there "
			"must be room for a second one; nobody waits for it. To restore, stop the "
			"server, remove _kith.db-wal_ and _kith.db-shm_ from the data directory, "
			"and put the copy there as _kith.db_.",
		.least = 1,
		.most = 1,
		.request = "backup",
		.shape = SHAPE_OBJECT,
		.completes = { COMPLETE_FILE },
		.run = backup,
	},
	{
		.words = "doctor storage",
		.args = "",
		.about = "looks whether what is stored is safe",
		.more = "Is the database whole, is there room, does the file system keep what it "
			"is "
			"told to sync, and how long does that take? Each line has a verdict, and "
			"what "
			"to do if that is not _good_; with a _bad_ one the exit status is 1. The "
			"server may run or not. A large database takes a while to be read.",
		.run = doctor_storage,
		.needs_no_server = true,
	},
	{
		.words = "restart",
		.args = "",
		.about = "stops the server, after telling everyone, and starts it anew",
		.more = "Under systemd, and with *server.sandbox*, the server exits with status 75 "
			"and is started again by the unit (*RestartForceExitStatus=*) or by "
			"whatever else watches it; otherwise it starts itself.",
		.request = "restart",
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
