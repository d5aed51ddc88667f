/*
 * XEP-0133, 4.24 to 4.26: the message of the day. Each user gets it once, however many clients and
 * sessions there are: who is here when it is set, at once; everyone else, and who is here but not
 * to be disturbed (a negative priority), at the first presence after that.
 *
 * What the host keeps is the text behind a token that is new with each text, and the account keeps
 * the token that it saw last. Editing disturbs nobody now, but it makes another text, which all get
 * when they come the next time. The token is read with the account only while there is a text: one
 * that is set later is new to everybody.
 */
#include "base/random.h"
#include "server/admin.h"
#include "server/module.h"
#include "server/notice.h"

#define NS_ADMIN "http://jabber.org/protocol/admin"
#define NODE(name) NS_ADMIN "#" name

enum { LINES_MOST = 1000 };
enum { KEPT_MOTD };
enum { STORE_SEEN };

extern const struct module mod_motd;

struct motd_account {
	char seen[TOKEN_CHARS + 1]; /* empty: none */
};

struct asked {
	struct slice_list motd;
};

static const struct form_entry entries[] = {
	ENTRY_LINES(struct asked, motd, "motd", "Message of the Day", true, LINES_MOST),
	ENTRIES_END(struct asked),
};
static const struct form_spec set_form = { "Setting the Message of the Day",
	"Fill out this form to set the message of the day.", NS_ADMIN, entries };
static const struct form_spec edit_form = { "Editing the Message of the Day",
	"Fill out this form to edit the message of the day.", NS_ADMIN, entries };

/* ---- Who has seen it ---- */

static struct slice
kept_for(const struct account *acct)
{
	return host_kept_text(account_shard(acct), account_host(acct), &mod_motd, KEPT_MOTD);
}

static struct slice
token_of(struct slice kept)
{
	return slice_make(kept.p, TOKEN_CHARS);
}

static void
got_seen(struct account *acct, const struct store_result *result)
{
	struct motd_account *state = account_state(acct, &mod_motd);

	if (result->count > 0 && result->rows[0].value.len == TOKEN_CHARS)
		memcpy(state->seen, result->rows[0].value.p, TOKEN_CHARS);
}

static void
read_seen(struct account *acct)
{
	if (kept_for(acct).p != NULL)
		account_read(acct, &mod_motd, STORE_SEEN, got_seen);
}

static void
mark_seen(struct account *acct, struct slice token)
{
	struct motd_account *state = account_state(acct, &mod_motd);
	struct store_txn *txn;

	memcpy(state->seen, token.p, TOKEN_CHARS);
	if (account_is_anonymous(acct) || !account_exists(acct))
		return;
	txn = txn_begin(acct);
	store_txn_value_set(txn, account_table(acct, &mod_motd, STORE_SEEN), token);
	account_commit(acct, txn, NULL, NULL);
}

static unsigned
send_to_all(struct account *acct, struct slice text)
{
	struct session *s = account_sessions(acct);
	struct arena arena;
	struct slice content;
	unsigned told = 0;

	arena_init(&arena, 0);
	content = notice_write("Message of the day", text, &arena);
	for (; s != NULL; s = session_next(s)) {
		if (session_is_available(s) && session_priority(s) >= 0)
			told += notice_send(s, TYPE_HEADLINE, content);
	}
	arena_finish(&arena);
	return told;
}

/* Whether the user was told something new, as a number. */
static unsigned
tell_user(struct account *acct)
{
	const struct motd_account *state = account_state(acct, &mod_motd);
	struct slice kept = kept_for(acct);

	if (kept.p == NULL || slice_is_text(token_of(kept), state->seen))
		return 0;
	if (send_to_all(acct, slice_from(kept, TOKEN_CHARS)) == 0)
		return 0;
	mark_seen(acct, token_of(kept));
	return 1;
}

static void
greet(struct session *s)
{
	(void)tell_user(session_account(s));
}

/* ---- The commands ---- */

static void
told(void *arg, uint64_t users)
{
	struct command *cmd = arg;
	struct slice note = arena_printf(
		command_arena(cmd), "%llu users were told.", (unsigned long long)users);

	command_done(cmd, note.p);
}

static void
set(void *arg, int error)
{
	struct command *cmd = arg;

	if (error < 0)
		command_refuse_store(cmd, error);
	else
		admin_each_account(
			command_shard(cmd), host_domain(command_host(cmd)), tell_user, told, cmd);
}

static void
edited(void *arg, int error)
{
	struct command *cmd = arg;

	if (error < 0)
		command_refuse_store(cmd, error);
	else
		command_done(cmd, NULL);
}

static void
keep(struct command *cmd, host_kept *done)
{
	const struct asked *asked = command_data(cmd);
	struct arena *arena = command_arena(cmd);
	struct slice text = notice_join(&asked->motd, arena);
	char token[TOKEN_CHARS + 1];

	random_token(token);
	host_keep_text(command_shard(cmd), command_host(cmd), &mod_motd, KEPT_MOTD,
		arena_printf(arena, "%s%.*s", token, SLICE_ARG(text)), done, cmd);
}

static void
set_motd(struct command *cmd)
{
	keep(cmd, set);
}

static void
save_edited(struct command *cmd)
{
	keep(cmd, edited);
}

static void
edit_motd(struct command *cmd)
{
	struct slice kept = host_kept_text(
		command_shard(cmd), command_host(cmd), &mod_motd, KEPT_MOTD);
	struct asked now = { .motd = { .count = 0 } };

	if (kept.p != NULL)
		now.motd = notice_split(slice_from(kept, TOKEN_CHARS), command_arena(cmd));
	command_ask(cmd, &edit_form, kept.p == NULL ? NULL : &now, COMMAND_LAST, save_edited);
}

static void
delete_motd(struct command *cmd)
{
	host_keep_text(
		command_shard(cmd), command_host(cmd), &mod_motd, KEPT_MOTD, NO_SLICE, edited, cmd);
}

/* XEP-0227 has no element for it; it says something only to a server with the same text. */
struct seen {
	struct slice token;
};

static const struct field seen_fields[] = {
	ATTR_TEXT(struct seen, token, "token"),
	FIELDS_END(struct seen),
};
static const struct payload seen_payload = { "motd", NS_KITH_ACCOUNT, seen_fields };

static void
write_seen(struct transfer *transfer, const struct store_result *stores)
{
	struct seen seen;

	if (stores[STORE_SEEN].count == 0)
		return;
	seen.token = stores[STORE_SEEN].rows[0].value;
	transfer_put(transfer, &seen_payload, &seen);
}

static void
import_seen(struct transfer *transfer, const void *data)
{
	const struct seen *seen = data;

	if (seen->token.len != TOKEN_CHARS)
		transfer_mistake(transfer, 0, "its token is none");
	else
		store_txn_value_set(transfer_txn(transfer),
			transfer_table(transfer, &mod_motd, STORE_SEEN), seen->token);
}

static const struct transfer_entry transfers[] = {
	{ &seen_payload, write_seen, import_seen },
	{ 0 },
};

static const struct command_entry commands[] = {
	{ NODE("set-motd"), "Set Message of the Day", ROLE_ADMIN, &set_form, set_motd },
	{ NODE("edit-motd"), "Edit Message of the Day", ROLE_ADMIN, NULL, edit_motd },
	{ NODE("delete-motd"), "Delete Message of the Day", ROLE_ADMIN, NULL, delete_motd },
	{ 0 },
};

static const struct store_entry stores[] = {
	[STORE_SEEN] = { "seen", STORE_VALUE, .version = 1 },
	{ 0 },
};

static const struct kept_entry kept[] = {
	[KEPT_MOTD] = { "text", KEPT_TEXT },
	{ 0 },
};

const struct module mod_motd = {
	.name = "motd",
	.about = "Tells each user once what administrators set as the message of the day.",
	.account_size = sizeof(struct motd_account),
	.stores = stores,
	.transfers = transfers,
	.kept = kept,
	.commands = commands,
	.needs = (const char *const[]){ "commands", NULL },
	.on.account_loading = read_seen,
	.on.session_available = greet,
};
