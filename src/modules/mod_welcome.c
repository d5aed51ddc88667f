/*
 * XEP-0133, 4.27 and 4.28: the welcome message, which a newly registered user gets at the first
 * sign-in, whether the account was made over XMPP, by an administrator or by kithctl.
 *
 * An account that is made while there is a welcome is stored with a mark that is due; the message
 * is sent as it is when the user comes, and the mark goes. The mark is the token of the welcome:
 * changing its text keeps the token, and deleting it ends what was due, so who was here without a
 * welcome gets none later. Other accounts store nothing, and nothing is read while there is none.
 */
#include "base/random.h"
#include "server/module.h"
#include "server/notice.h"

#include <stdio.h>

#define NS_ADMIN "http://jabber.org/protocol/admin"
#define NODE(name) NS_ADMIN "#" name

enum { LINES_MOST = 1000 };
enum { KEPT_WELCOME };
enum { STORE_DUE };

extern const struct module mod_welcome;

struct welcome_account {
	char due[TOKEN_CHARS + 1]; /* empty: nothing is due */
};

struct asked {
	struct slice_list welcome;
};

static const struct form_entry entries[] = {
	ENTRY_LINES(struct asked, welcome, "welcome", "Welcome Message", true, LINES_MOST),
	ENTRIES_END(struct asked),
};
static const struct form_spec set_form = { "Setting the Welcome Message",
	"Fill out this form to set the welcome message for this service.", NS_ADMIN, entries };

static struct slice
token_of(struct slice kept)
{
	return slice_make(kept.p, TOKEN_CHARS);
}

/* ---- From the account's beginning to its first session ---- */

static void
mark_due(struct store_txn *txn, struct shard *shard, struct host *host)
{
	struct slice kept = host_kept_text(shard, host, &mod_welcome, KEPT_WELCOME);

	if (kept.p != NULL)
		store_txn_value_set(
			txn, module_table(host, &mod_welcome, STORE_DUE), token_of(kept));
}

static struct slice
kept_for(const struct account *acct)
{
	return host_kept_text(account_shard(acct), account_host(acct), &mod_welcome, KEPT_WELCOME);
}

static void
got_due(struct account *acct, const struct store_result *result)
{
	struct welcome_account *state = account_state(acct, &mod_welcome);

	if (result->count > 0 && result->rows[0].value.len == TOKEN_CHARS)
		memcpy(state->due, result->rows[0].value.p, TOKEN_CHARS);
}

static void
read_due(struct account *acct)
{
	if (kept_for(acct).p != NULL)
		account_read(acct, &mod_welcome, STORE_DUE, got_due);
}

static void
forget_due(struct account *acct)
{
	struct welcome_account *state = account_state(acct, &mod_welcome);
	struct store_txn *txn = txn_begin(acct);

	state->due[0] = '\0';
	store_txn_value_delete(txn, account_table(acct, &mod_welcome, STORE_DUE));
	account_commit(acct, txn, NULL, NULL);
}

static void
send_welcome(struct session *s, struct slice text)
{
	struct arena arena;

	arena_init(&arena, 0);
	(void)notice_send(s, TYPE_NORMAL, notice_write("Welcome", text, &arena));
	arena_finish(&arena);
}

static void
greet(struct session *s)
{
	struct account *acct = session_account(s);
	const struct welcome_account *state = account_state(acct, &mod_welcome);
	struct slice kept = kept_for(acct);

	if (state->due[0] == '\0' || session_priority(s) < 0 || !account_exists(acct))
		return;
	if (kept.p != NULL && slice_is_text(token_of(kept), state->due))
		send_welcome(s, slice_from(kept, TOKEN_CHARS));
	forget_due(acct);
}

/* ---- The commands ---- */

static void
saved(void *arg, int error)
{
	struct command *cmd = arg;

	if (error < 0)
		command_refuse_store(cmd, error);
	else
		command_done(cmd, NULL);
}

static struct slice
kept_here(struct command *cmd)
{
	return host_kept_text(command_shard(cmd), command_host(cmd), &mod_welcome, KEPT_WELCOME);
}

static void
save_welcome(struct command *cmd)
{
	const struct asked *asked = command_data(cmd);
	struct arena *arena = command_arena(cmd);
	struct slice text = notice_join(&asked->welcome, arena), kept = kept_here(cmd);
	char token[TOKEN_CHARS + 1];

	if (kept.p == NULL)
		random_token(token);
	else
		(void)snprintf(token, sizeof(token), "%.*s", TOKEN_CHARS, kept.p);
	host_keep_text(command_shard(cmd), command_host(cmd), &mod_welcome, KEPT_WELCOME,
		arena_printf(arena, "%s%.*s", token, SLICE_ARG(text)), saved, cmd);
}

/* There is no command of the XEP to edit it, so this one shows what there is. */
static void
set_welcome(struct command *cmd)
{
	struct slice kept = kept_here(cmd);
	struct asked now = { .welcome = { .count = 0 } };

	if (kept.p != NULL)
		now.welcome = notice_split(slice_from(kept, TOKEN_CHARS), command_arena(cmd));
	command_ask(cmd, &set_form, kept.p == NULL ? NULL : &now, COMMAND_LAST, save_welcome);
}

static void
delete_welcome(struct command *cmd)
{
	host_keep_text(command_shard(cmd), command_host(cmd), &mod_welcome, KEPT_WELCOME, NO_SLICE,
		saved, cmd);
}

/* XEP-0227 has no element for it. */
struct due {
	struct slice token;
};

static const struct field due_fields[] = {
	ATTR_TEXT(struct due, token, "token"),
	FIELDS_END(struct due),
};
static const struct payload due_payload = { "welcome", NS_KITH_ACCOUNT, due_fields };

static void
write_due(struct transfer *transfer, const struct store_result *stores)
{
	struct due due;

	if (stores[STORE_DUE].count == 0)
		return;
	due.token = stores[STORE_DUE].rows[0].value;
	transfer_put(transfer, &due_payload, &due);
}

static void
import_due(struct transfer *transfer, const void *data)
{
	const struct due *due = data;

	if (due->token.len != TOKEN_CHARS)
		transfer_mistake(transfer, 0, "its token is none");
	else
		store_txn_value_set(transfer_txn(transfer),
			transfer_table(transfer, &mod_welcome, STORE_DUE), due->token);
}

static const struct transfer_entry transfers[] = {
	{ &due_payload, write_due, import_due },
	{ 0 },
};

static const struct command_entry commands[] = {
	{ NODE("set-welcome"), "Set Welcome Message", ROLE_ADMIN, NULL, set_welcome },
	{ NODE("delete-welcome"), "Delete Welcome Message", ROLE_ADMIN, NULL, delete_welcome },
	{ 0 },
};

static const struct store_entry stores[] = {
	[STORE_DUE] = { "due", STORE_VALUE, .version = 1 },
	{ 0 },
};

static const struct kept_entry kept[] = {
	[KEPT_WELCOME] = { "text", KEPT_TEXT },
	{ 0 },
};

const struct module mod_welcome = {
	.name = "welcome",
	.about = "Welcomes new users with a message of the administrators.",
	.account_size = sizeof(struct welcome_account),
	.stores = stores,
	.transfers = transfers,
	.kept = kept,
	.commands = commands,
	.needs = (const char *const[]){ "commands", NULL },
	.on.account_made = mark_due,
	.on.account_loading = read_due,
	.on.session_available = greet,
};
