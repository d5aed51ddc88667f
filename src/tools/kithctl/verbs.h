/*
 * The verbs of kithctl: one table, from which the help, the manual page and the shells' completion
 * are made. Most verbs only ask the server, whose own table is server/control_verbs.c.
 */
#ifndef KITHCTL_VERBS_H
#define KITHCTL_VERBS_H

#include "tools/kithctl/print.h"

enum { ARGS_MOST = 3, EXIT_USAGE = 2 };

/* What the command line asked for. */
struct call {
	struct control control;
	const char *directory;
	char **args; /* what follows the verb's words */
	int count;
	const char *host; /* --host; NULL: not given */
	bool json;
	const struct verb *verb;
};

/* What an argument is, for completion. */
enum completes {
	COMPLETE_NOTHING,
	COMPLETE_ADDRESS,
	COMPLETE_SESSION,
	COMPLETE_FILE,
	COMPLETE_LEVEL
};

struct verb {
	const char *words;   /* as typed */
	const char *args;    /* as in a synopsis: capitals, optional ones in brackets */
	const char *about;   /* a few words */
	const char *more;    /* what the manual page says beyond that, in scdoc's markup; or NULL */
	int least, most;     /* arguments */
	const char *request; /* the server's verb, which gets the arguments */
	enum shape shape;    /* of its answer */
	enum completes completes[ARGS_MOST];
	bool takes_host;
	bool needs_no_server;
	int (*run)(struct call *call); /* the exit status; NULL: the request is all */
};

extern const struct verb verbs[]; /* words NULL at the end */

/* Sends the words and prints the answer in the verb's shape; the exit status. */
int ask(struct call *call, const char *const *words, size_t count);

/* An answer that is no success has its sentence on stderr; the exit status. */
int check_answer(const struct answer *answer);

/*
 * complete.c: prints what the last of the words of a command line may become, a line for each; the
 * words before it are all that were typed behind "kithctl". 0, or COMPLETE_WITH_FILES.
 */
enum { COMPLETE_WITH_FILES = 3 };
int complete(const char *directory, char **words, int count);

/* The script that a shell reads: "bash" or "zsh"; the exit status. */
int print_completion(const char *shell);

/* doctor.c */
int doctor_storage(struct call *call);

/* backup.c */
int backup(struct call *call);

/* accounts.c: those that need a password, or a file of them. */
int user_add(struct call *call);
int user_passwd(struct call *call);
int user_import(struct call *call);

/* transfer.c: accounts in files of XEP-0227. */
int user_export(struct call *call);
int user_import_xml(struct call *call);

#endif
