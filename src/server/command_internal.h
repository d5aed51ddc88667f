/* What the files of the command service share: the sessions and who may do what. */
#ifndef SERVER_COMMAND_INTERNAL_H
#define SERVER_COMMAND_INTERNAL_H

#include "base/list.h"
#include "base/siphash.h"
#include "io/timer.h"
#include "server/command.h"

struct config_error;
struct server;

enum {
	COMMAND_STAGES = 8,         /* that one command may ask for */
	COMMAND_BYTES = 512 * 1024, /* that one may keep */
};

struct command_form {
	const struct form_spec *spec;
	void *data;    /* what was answered last, or what it began with */
	bool has_data; /* otherwise it began with nothing */
	enum command_stage stage;
	command_run *run;
};

struct command {
	struct list link; /* in commands.all */
	struct commands *commands;
	struct shard *shard;
	struct host *host;
	const struct command_entry *entry;
	struct arena arena;
	struct slice id;
	struct jid user; /* full */
	struct timer timer;
	uint32_t timeout_ms;
	struct command_form forms[COMMAND_STAGES];
	size_t depth;  /* of them that were asked */
	struct iq *iq; /* that is being answered; NULL: the user is next */
	const void *data;
	void *state;
	bool user_gone;
};

/* Those of one shard. */
struct commands {
	struct list all; // command.link
	size_t count;
	struct hash_key key; /* of what makes an id ours */
};

struct commands *commands_create(void);
void commands_destroy(struct commands **commands);

/* Begins one; NULL when this user, or all of them, have too many under way. */
struct command *command_create(struct shard *shard, struct host *host,
	const struct command_entry *entry, const struct jid *user,
	const struct command_limits *limits);
void command_destroy(struct command *cmd);

/* The user's command of that id. NULL, and whether the id was one of this user's. */
struct command *command_find(
	struct commands *commands, struct slice id, const struct jid *user, bool *was_ours_out);

/* Whether the address may run the command at the host; on the shard where it lives. */
bool command_is_for(const struct command_entry *entry, struct shard *shard, const struct host *host,
	const struct jid *user);

/* The entry of a node; NULL: none. */
const struct command_entry *command_entry_find(const struct server *server, struct slice node);

struct server_config;

/* 0, or -EINVAL: the address of an admin is none. */
int admins_check(const struct server_config *conf, struct config_error *error);

/* At start. 0, or -EINVAL: two modules have one node. */
int commands_check(struct server *server, struct config_error *error);

#endif
