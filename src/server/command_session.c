/*
 * The sessions of commands and their ids. An id carries a keyed hash of itself and of its user's
 * address, so an old one is known for what it was (session-expired) without being remembered, and
 * nobody else's is (bad-sessionid).
 */
#include "server/account_internal.h"
#include "server/admin.h"
#include "server/command_internal.h"
#include "server/disco.h"
#include "server/server_internal.h"

#include "base/random.h"

#include <errno.h>
#include <stdlib.h>

struct commands *
commands_create(void)
{
	struct commands *commands = xcalloc(1, sizeof(*commands));

	list_init(&commands->all);
	commands->key = hash_key_random();
	return commands;
}

void
commands_destroy(struct commands **commands)
{
	struct command *cmd;

	if (*commands == NULL)
		return;
	LIST_EACH (cmd, &(*commands)->all, struct command, link)
		command_destroy(cmd);
	free(*commands);
	*commands = NULL;
}

void
command_destroy(struct command *cmd)
{
	timer_stop(cmd->shard->loop, &cmd->timer);
	list_remove(&cmd->link);
	cmd->commands->count--;
	arena_finish(&cmd->arena);
	free(cmd);
}

/* TOKEN-HASH, where HASH is of TOKEN and the user. */
static struct slice
make_id(const struct commands *commands, struct slice token, const struct jid *user,
	struct arena *arena)
{
	struct slice both = arena_printf(
		arena, "%.*s %.*s", SLICE_ARG(token), SLICE_ARG(user->full));

	return arena_printf(arena, "%.*s-%016llx", SLICE_ARG(token),
		(unsigned long long)siphash(&commands->key, both));
}

static bool
is_own_id(const struct commands *commands, struct slice id, const struct jid *user)
{
	struct arena arena;
	bool is_own;

	if (id.len < TOKEN_CHARS)
		return false;
	arena_init(&arena, 0);
	is_own = slice_is_secret(
		id, make_id(commands, slice_make(id.p, TOKEN_CHARS), user, &arena));
	arena_finish(&arena);
	return is_own;
}

static size_t
count_of(const struct commands *commands, const struct jid *user)
{
	const struct command *cmd;
	size_t n = 0;

	LIST_EACH (cmd, &commands->all, const struct command, link)
		n += jid_is(&cmd->user, user);
	return n;
}

struct command *
command_create(struct shard *shard, struct host *host, const struct command_entry *entry,
	const struct jid *user, const struct command_limits *limits)
{
	struct commands *commands = shard->commands;
	struct command *cmd;
	char token[TOKEN_CHARS + 1];

	if (commands->count >= limits->all || count_of(commands, user) >= limits->each)
		return NULL;
	cmd = xcalloc(1, sizeof(*cmd));
	cmd->commands = commands;
	cmd->shard = shard;
	cmd->host = host;
	cmd->entry = entry;
	cmd->timeout_ms = limits->timeout_ms;
	arena_init(&cmd->arena, 0);
	cmd->user = jid_copy(user, &cmd->arena);
	random_token(token);
	cmd->id = make_id(commands, slice_of(token), user, &cmd->arena);
	list_append(&commands->all, &cmd->link);
	commands->count++;
	return cmd;
}

struct command *
command_find(struct commands *commands, struct slice id, const struct jid *user, bool *was_ours_out)
{
	struct command *cmd;

	*was_ours_out = is_own_id(commands, id, user);
	if (!*was_ours_out)
		return NULL;
	LIST_EACH (cmd, &commands->all, struct command, link) {
		if (slice_is(cmd->id, id))
			return cmd;
	}
	return NULL;
}

void
command_forget_session(struct session *s)
{
	struct commands *commands = session_account(s)->shard->commands;
	struct command *cmd;

	LIST_EACH (cmd, &commands->all, struct command, link) {
		if (!jid_is(&cmd->user, session_jid(s)))
			continue;
		if (cmd->iq == NULL)
			command_destroy(cmd);
		else
			cmd->user_gone = true; /* what it waits for still comes back */
	}
}

/* ---- Who may do what ---- */

bool
admin_is_configured(const struct server *server, struct slice bare)
{
	const struct text_list *admins = &server->core->server->admins;

	for (size_t i = 0; i < admins->count; i++) {
		if (slice_is_text(bare, admins->v[i]))
			return true;
	}
	return false;
}

const struct text_list *
admin_configured(const struct server *server)
{
	return &server->core->server->admins;
}

void
admin_change_list(struct shard *shard, const struct host *host, const struct jid *bare,
	bool is_admin, host_kept *done, void *arg)
{
	const struct jid_set *admins = host_kept_jids(shard, host, NULL, CORE_KEPT_ADMINS);
	struct jid_list list = { .count = 0 };
	struct arena arena;

	arena_init(&arena, 0);
	list.v = arena_array(&arena, jid_set_count(admins) + 1, struct jid);
	for (size_t i = 0; i < jid_set_count(admins); i++) {
		if (!jid_is(&admins->v[i], bare))
			list.v[list.count++] = admins->v[i];
	}
	if (is_admin)
		list.v[list.count++] = *bare;
	host_keep_jids(shard, host, NULL, CORE_KEPT_ADMINS, &list, done, arg);
	arena_finish(&arena);
}

/* Who waits until all lists were changed. */
struct forgetting {
	size_t pending; /* the call itself included */
	void (*done)(void *arg);
	void *arg;
};

static void
forgotten(void *arg, int error)
{
	struct forgetting *forgetting = arg;

	(void)error; /* the store has told of it */
	if (--forgetting->pending > 0)
		return;
	forgetting->done(forgetting->arg);
	free(forgetting);
}

void
admin_forget(struct shard *shard, const struct jid *bare, void (*done)(void *arg), void *arg)
{
	const struct server *server = shard->server;
	struct forgetting *forgetting = xcalloc(1, sizeof(*forgetting));

	*forgetting = (struct forgetting){ 1, done, arg };
	for (size_t i = 0; i < server->host_count; i++) {
		const struct host *host = server->hosts[i];

		if (!jid_set_has(host_kept_jids(shard, host, NULL, CORE_KEPT_ADMINS), bare))
			continue;
		forgetting->pending++;
		admin_change_list(shard, host, bare, false, forgotten, forgetting);
	}
	forgotten(forgetting, 0);
}

static bool
has_role(enum role role, struct shard *shard, const struct host *host, const struct jid *bare)
{
	if (role == ROLE_USER || admin_is_configured(shard->server, bare->full))
		return true;
	return role == ROLE_ADMIN &&
	       jid_set_has(host_kept_jids(shard, host, NULL, CORE_KEPT_ADMINS), bare);
}

bool
command_is_for(const struct command_entry *entry, struct shard *shard, const struct host *host,
	const struct jid *user)
{
	const struct account *acct;
	struct jid bare = jid_to_bare(user);

	if (server_host(shard->server, jid_domain(user)) == NULL)
		return false;
	/* Who is signed in is in memory here; anonymous ones are nobody's account. */
	acct = account_find(shard, bare.full);
	if (acct == NULL || !acct->exists || acct->is_anonymous)
		return false;
	return has_role(entry->role, shard, host, &bare);
}

const struct command_entry *
command_entry_find(const struct server *server, struct slice node)
{
	for (size_t i = 0; i < server->module_count; i++) {
		const struct command_entry *entry = server->modules[i].module->commands;

		for (; entry != NULL && entry->node != NULL; entry++) {
			if (slice_is_text(node, entry->node))
				return entry;
		}
	}
	return NULL;
}

/* Addresses are compared as they are when they come in: normalised. */
static int
check_admin(const char *text, struct config_error *error)
{
	struct arena arena;
	struct jid jid;
	bool good;

	arena_init(&arena, 0);
	good = jid_parse(slice_of(text), &arena, &jid) == 0 && jid_local(&jid).len > 0 &&
	       jid_is_bare(&jid) && slice_is_text(jid.full, text);
	if (!good)
		(void)snprintf(error->text, sizeof(error->text),
			"server.admins has \"%.100s\", which is no account's address as it is "
			"stored; give one such as a@example.org, in small letters",
			text);
	arena_finish(&arena);
	return good ? 0 : -EINVAL;
}

int
admins_check(const struct server_config *conf, struct config_error *error)
{
	for (size_t i = 0; i < conf->admins.count; i++) {
		if (check_admin(conf->admins.v[i], error) < 0)
			return -EINVAL;
	}
	return 0;
}

int
commands_check(struct server *server, struct config_error *error)
{
	for (size_t i = 0; i < server->module_count; i++) {
		const struct command_entry *entry = server->modules[i].module->commands;

		for (; entry != NULL && entry->node != NULL; entry++) {
			if (command_entry_find(server, slice_of(entry->node)) == entry)
				continue;
			(void)snprintf(error->text, sizeof(error->text),
				"two modules have the command %.200s; leave one out of "
				"modules.list",
				entry->node);
			return -EINVAL;
		}
	}
	return 0;
}

/* ---- Discovery (XEP-0050, 2.2) ---- */

static void
list_commands(struct disco *answer, struct host *host, const struct jid *from)
{
	const struct server *server = host->server;
	struct shard *shard = server_home(server, jid_bare(from));

	disco_identity(answer, "automation", "command-list", "Commands");
	for (size_t i = 0; i < server->module_count; i++) {
		const struct command_entry *entry = server->modules[i].module->commands;

		for (; entry != NULL && entry->node != NULL; entry++) {
			if (command_is_for(entry, shard, host, from))
				disco_item_node(answer, host_domain(host), slice_of(entry->node),
					slice_of(entry->title));
		}
	}
}

void
command_discover(struct disco *answer, struct host *host, const struct jid *from)
{
	const struct command_entry *entry;

	if (slice_is_text(disco_node(answer), NS_COMMANDS)) {
		disco_take(answer);
		list_commands(answer, host, from);
		return;
	}
	entry = command_entry_find(host->server, disco_node(answer));
	if (entry == NULL)
		return;
	disco_take(answer);
	if (!command_is_for(entry, server_home(host->server, jid_bare(from)), host, from)) {
		disco_refuse(answer, FORBIDDEN);
		return;
	}
	disco_identity(answer, "automation", "command-node", entry->title);
	disco_feature(answer, NS_COMMANDS);
	disco_feature(answer, NS_FORMS);
}
