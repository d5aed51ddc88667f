/*
 * Ad-hoc commands (XEP-0050): a module declares them in a table, and this service does the rest:
 * who may run them, the forms, the stages, and the sessions, which are bounded in number, in time
 * and in memory, and belong to the connection that began them.
 *
 * A command is run on the shard of who asks. Its functions answer by one of command_ask,
 * command_done, command_tell, command_refuse and command_fail, now or later; after all but the
 * first, and after the user went away, the command is gone.
 */
#ifndef SERVER_COMMAND_H
#define SERVER_COMMAND_H

#include "proto/forms.h"
#include "server/iq.h"

#define NS_COMMANDS "http://jabber.org/protocol/commands"

struct command;
struct disco;
struct session;
struct shard;

enum role {
	ROLE_USER,     /* any account of this server */
	ROLE_ADMIN,    /* those that server.admins names, and those of the host's own list */
	ROLE_OPERATOR, /* only the former: what concerns all hosts */
};

typedef void command_run(struct command *cmd);

/* One command of a host. */
struct command_entry {
	const char *node;  /* NULL ends a table; unique among all modules */
	const char *title; /* what a person chooses it by */
	enum role role;
	const struct form_spec *form; /* what is asked first; NULL: it is run at once */
	command_run *run;
};

/* Whether a form is the last one: what the user's client shows as its button. */
enum command_stage { COMMAND_LAST, COMMAND_GOES_ON };

/* The answers to the last form, as the struct of its table; NULL when there was none. */
const void *command_data(const struct command *cmd);

/* Lives as long as the command. What is asked for in it counts against its bound. */
struct arena *command_arena(struct command *cmd);

struct host *command_host(const struct command *cmd);
struct shard *command_shard(const struct command *cmd);

/* The full address of who runs it. */
const struct jid *command_user(const struct command *cmd);

/* Whatever the command wants to know again later; in its arena. NULL at first. */
void command_keep(struct command *cmd, void *state);
void *command_state(const struct command *cmd);

/*
 * Asks for a form, whose values so far are in data (NULL: none); run is called with the answers.
 * The user may go back to a form that was asked before: then its run is called again. The spec
 * lives as long as the command.
 */
void command_ask(struct command *cmd, const struct form_spec *form, const void *data,
	enum command_stage stage, command_run *run);

/* It is done. note: a sentence about it, or NULL. */
void command_done(struct command *cmd, const char *note);

/* It is done, and this is the result. */
void command_tell(struct command *cmd, const struct form_spec *form, const void *data);

/* The same with another element inside the form. */
void command_tell_with(struct command *cmd, const struct form_spec *form, const void *data,
	const struct payload *payload, const void *inner);

/* It is over, with an error instead of a result (XEP-0133, 6). */
void command_refuse(struct command *cmd, enum stanza_condition condition, const char *text);

/* The same for an error of the store. */
void command_refuse_store(struct command *cmd, int error);

/* It is over and did not do what it should (XEP-0050, 4.6). */
void command_fail(struct command *cmd, const char *why);

/* ---- For mod_commands ---- */

struct command_limits {
	uint32_t each, all; /* commands under way, of one connection and of one shard */
	uint32_t timeout_ms;
};

extern const struct payload command_payload;

/* A request to a host. */
void command_take(struct iq *iq, const struct command_limits *limits);

/* The connection is gone, and so are its commands. */
void command_forget_session(struct session *s);

/* What that address is told of a node: the list of commands, or one of them. */
void command_discover(struct disco *answer, struct host *host, const struct jid *from);

#endif
