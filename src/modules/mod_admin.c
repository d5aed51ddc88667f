/*
 * XEP-0133: Service Administration, of single accounts; what concerns a whole host is in
 * mod_service.c, lists in mod_access.c, texts in mod_motd.c and mod_welcome.c. The deeds themselves
 * are in server/registrar.h and server/admin.h, which kithctl uses, too; here are the forms.
 *
 * The XEP leaves the fields of most forms to the server (4, "may"): ours does not ask for the name
 * and the mail address of a new user, which are in the vCard that the user writes; takes one
 * account at a time where the answer is a roster or a date; and counts no stanzas per second, which
 * the numbers for monitoring do.
 */
#include "base/clock.h"
#include "server/admin.h"
#include "server/module.h"
#include "server/registrar.h"

#include <errno.h>

#define NS_ADMIN "http://jabber.org/protocol/admin"
#define NODE(name) NS_ADMIN "#" name

enum { PASSWORD_BYTES = 1023, JIDS_MOST = 1000 };

extern const struct module mod_admin;

/* Everything that the forms of this module ask for. */
struct asked {
	struct jid account;
	struct jid_list accounts;
	struct slice password, again;
};

#define ACCOUNT(label) ENTRY_JID(struct asked, account, "accountjid", label, true)
#define ACCOUNTS(label) ENTRY_JIDS(struct asked, accounts, "accountjids", label, true, JIDS_MOST)

/* An account of the host that was asked; false after an answer. */
static bool
is_ours(struct command *cmd, const struct jid *jid)
{
	if (jid_local(jid).len > 0 && slice_is(jid_domain(jid), host_domain(command_host(cmd))))
		return true;
	command_refuse(cmd, ITEM_NOT_FOUND, "This is no account's address at this host");
	return false;
}

static void
answer_done(void *arg, int error)
{
	struct command *cmd = arg;

	if (error < 0)
		command_refuse(cmd, registrar_condition(error), registrar_why(error));
	else
		command_done(cmd, NULL);
}

/* ---- Add a user, change a password ---- */

static const struct form_entry add_entries[] = {
	ACCOUNT("The Jabber ID for the account to be added"),
	ENTRY_PRIVATE(struct asked, password, "password", "The password for this account", true,
		PASSWORD_BYTES),
	ENTRY_PRIVATE(
		struct asked, again, "password-verify", "Retype password", false, PASSWORD_BYTES),
	ENTRIES_END(struct asked),
};
static const struct form_spec add_form = { "Adding a User", "Fill out this form to add a user.",
	NS_ADMIN, add_entries };

static const struct form_entry change_entries[] = {
	ACCOUNT("The Jabber ID for this account"),
	ENTRY_PRIVATE(struct asked, password, "password", "The password for this account", true,
		PASSWORD_BYTES),
	ENTRIES_END(struct asked),
};
static const struct form_spec change_form = { "Changing a User Password",
	"Fill out this form to change a user's password.", NS_ADMIN, change_entries };

static void
set_password(struct command *cmd, enum registrar_deed deed)
{
	const struct asked *asked = command_data(cmd);
	int r;

	if (!is_ours(cmd, &asked->account))
		return;
	if (asked->again.len > 0 && !slice_is_secret(asked->again, asked->password)) {
		command_refuse(cmd, NOT_ACCEPTABLE, "The passwords differ");
		return;
	}
	r = registrar_set_password(
		command_shard(cmd), deed, &asked->account, asked->password, answer_done, cmd);
	if (r < 0)
		answer_done(cmd, r);
}

static void
add_user(struct command *cmd)
{
	set_password(cmd, REGISTRAR_CREATE);
}

static void
change_password(struct command *cmd)
{
	set_password(cmd, REGISTRAR_CHANGE);
}

/* ---- For each of several accounts ---- */

/* One after the other; the first that goes wrong ends it. */
struct round {
	struct command *cmd;
	const struct jid_list *jids;
	size_t at;
	void (*deed)(struct round *round, const struct jid *jid);
};

static void
end_round(struct round *round, enum stanza_condition condition, const char *why)
{
	struct slice text = arena_printf(command_arena(round->cmd),
		"%.*s: %s; of %zu accounts %zu were done",
		SLICE_ARG(round->jids->v[round->at - 1].full), why, round->jids->count,
		round->at - 1);

	command_refuse(round->cmd, condition, text.p);
}

static void
go_on(struct round *round)
{
	if (round->at == round->jids->count)
		command_done(round->cmd, NULL);
	else
		round->deed(round, &round->jids->v[round->at++]);
}

static void
begin_round(struct command *cmd, void (*deed)(struct round *round, const struct jid *jid))
{
	const struct asked *asked = command_data(cmd);
	struct round *round = arena_new(command_arena(cmd), struct round);

	for (size_t i = 0; i < asked->accounts.count; i++) {
		if (!is_ours(cmd, &asked->accounts.v[i]))
			return;
	}
	*round = (struct round){ .cmd = cmd, .jids = &asked->accounts, .deed = deed };
	go_on(round);
}

static void
one_done(void *arg, int error)
{
	struct round *round = arg;

	if (error < 0)
		end_round(round, registrar_condition(error), registrar_why(error));
	else
		go_on(round);
}

static void
delete_one(struct round *round, const struct jid *jid)
{
	registrar_remove(command_shard(round->cmd), jid, one_done, round);
}

static void
disable_one(struct round *round, const struct jid *jid)
{
	registrar_disable(command_shard(round->cmd), jid, one_done, round);
}

static void
enable_one(struct round *round, const struct jid *jid)
{
	registrar_enable(command_shard(round->cmd), jid, one_done, round);
}

static void
kicked(void *arg, uint64_t count)
{
	struct round *round = arg;

	if (count == 0)
		end_round(round, ITEM_NOT_FOUND, "there is no such session");
	else
		go_on(round);
}

static void
kick_one(struct round *round, const struct jid *jid)
{
	admin_kick(command_shard(round->cmd), jid, "An administrator ended this session", kicked,
		round);
}

static const struct form_entry delete_entries[] = {
	ACCOUNTS("The Jabber ID(s) to delete"),
	ENTRIES_END(struct asked),
};
static const struct form_spec delete_form = { "Deleting a User",
	"Fill out this form to delete a user.", NS_ADMIN, delete_entries };

static void
delete_users(struct command *cmd)
{
	begin_round(cmd, delete_one);
}

static const struct form_entry disable_entries[] = {
	ACCOUNTS("The Jabber ID(s) to disable"),
	ENTRIES_END(struct asked),
};
static const struct form_spec disable_form = { "Disabling a User",
	"Fill out this form to disable a user.", NS_ADMIN, disable_entries };

static void
disable_users(struct command *cmd)
{
	begin_round(cmd, disable_one);
}

static const struct form_entry enable_entries[] = {
	ACCOUNTS("The Jabber ID(s) to re-enable"),
	ENTRIES_END(struct asked),
};
static const struct form_spec enable_form = { "Re-Enabling a User",
	"Fill out this form to re-enable a user.", NS_ADMIN, enable_entries };

static void
enable_users(struct command *cmd)
{
	begin_round(cmd, enable_one);
}

static const struct form_entry kick_entries[] = {
	ACCOUNTS("The Jabber ID(s) for which to end sessions"),
	ENTRIES_END(struct asked),
};
static const struct form_spec kick_form = { "Ending a User Session",
	"Fill out this form to end a user's session.", NS_ADMIN, kick_entries };

static void
end_sessions(struct command *cmd)
{
	begin_round(cmd, kick_one);
}

/* ---- What is known of a user ---- */

static const struct form_entry rosters_entries[] = {
	ENTRY_JIDS(struct asked, accounts, "accountjids",
		"The Jabber ID for which to retrieve the roster", true, 1),
	ENTRIES_END(struct asked),
};
static const struct form_spec rosters_form = { "Getting a User's Roster",
	"Fill out this form to get a user's roster.", NS_ADMIN, rosters_entries };

static void
got_roster(void *arg, int error, const struct roster_item_list *items)
{
	struct command *cmd = arg;
	struct roster_query query = { .items = *items };

	if (error < 0)
		command_refuse(cmd, registrar_condition(error), registrar_why(error));
	else
		command_tell_with(cmd, &rosters_form, command_data(cmd), &roster_payload, &query);
}

static void
get_roster(struct command *cmd)
{
	const struct asked *asked = command_data(cmd);

	if (is_ours(cmd, asked->accounts.v))
		admin_read_roster(command_shard(cmd), asked->accounts.v, got_roster, cmd);
}

struct user_stats {
	struct jid account;
	uint32_t roster_size;
	struct slice_list peers, resources;
};

static const struct form_entry stats_entries[] = {
	ACCOUNT("The Jabber ID for statistics"),
	ENTRIES_END(struct asked),
};
static const struct form_spec stats_form = { "Getting User Statistics",
	"Fill out this form to gather user statistics.", NS_ADMIN, stats_entries };

static const struct form_entry told_entries[] = {
	ENTRY_JID(struct user_stats, account, "accountjid", NULL, false),
	ENTRY_LINES(struct user_stats, peers, "ipaddresses", "IP addresses", false, 0),
	ENTRY_UINT(struct user_stats, roster_size, "rostersize", "Contacts in the roster", false, 0,
		UINT32_MAX),
	ENTRY_LINES(struct user_stats, resources, "onlineresources", "Sessions", false, 0),
	ENTRIES_END(struct user_stats),
};
static const struct form_spec told_form = { "User Statistics", NULL, NS_ADMIN, told_entries };

static void
got_user_sessions(void *arg, const struct admin_sessions *found)
{
	struct command *cmd = arg;
	struct user_stats *stats = command_state(cmd);

	stats->peers.v = arena_array(command_arena(cmd), found->count + 1, struct slice);
	stats->resources.v = arena_array(command_arena(cmd), found->count + 1, struct slice);
	for (size_t i = 0; i < found->count; i++) {
		if (!found->v[i].is_lost)
			stats->peers.v[stats->peers.count++] = found->v[i].peer;
		stats->resources.v[stats->resources.count++] = jid_resource(&found->v[i].jid);
	}
	command_tell(cmd, &told_form, stats);
}

static void
got_roster_size(void *arg, int error, const struct roster_item_list *items)
{
	struct command *cmd = arg;
	struct user_stats *stats = command_state(cmd);

	if (error < 0) {
		command_refuse(cmd, registrar_condition(error), registrar_why(error));
		return;
	}
	stats->roster_size = (uint32_t)items->count;
	admin_find_sessions(command_shard(cmd), &stats->account, got_user_sessions, cmd);
}

static void
get_user_stats(struct command *cmd)
{
	const struct asked *asked = command_data(cmd);
	struct user_stats *stats = arena_new(command_arena(cmd), struct user_stats);

	if (!is_ours(cmd, &asked->account))
		return;
	stats->account = jid_to_bare(&asked->account);
	command_keep(cmd, stats);
	admin_read_roster(command_shard(cmd), &stats->account, got_roster_size, cmd);
}

/* ---- When a user last signed in, to within some minutes ---- */

enum { STORE_LOGIN };
enum { LOGIN_STEP_MS = 10 * 60 * 1000 };

struct admin_account {
	int64_t login_ms; /* that was stored last since the account came into memory */
};

struct last_login {
	struct jid_list accounts;
	struct slice when;
};

static const struct form_entry login_entries[] = {
	ENTRY_JIDS(struct asked, accounts, "accountjids",
		"The Jabber ID for which to retrieve the last login time", true, 1),
	ENTRIES_END(struct asked),
};
static const struct form_spec login_form = { "Getting a User's Last Login Time",
	"Fill out this form to get a user's last login time.", NS_ADMIN, login_entries };

static const struct form_entry told_login_entries[] = {
	ENTRY_JIDS(struct last_login, accounts, "accountjids", NULL, false, 1),
	ENTRY_TEXT(struct last_login, when, "lastlogin", "Last login", false, 0),
	ENTRIES_END(struct last_login),
};
static const struct form_spec told_login_form = { "Last Login Time", NULL, NS_ADMIN,
	told_login_entries };

static void
keep_login(struct session *s)
{
	struct account *acct = session_account(s);
	struct admin_account *state = account_state(acct, &mod_admin);
	int64_t now = account_wall_ms(acct);
	struct store_txn *txn;
	char stamp[STAMP_CHARS + 1];

	if (account_is_anonymous(acct) || now - state->login_ms < LOGIN_STEP_MS)
		return;
	state->login_ms = now;
	stamp_write(now, stamp);
	txn = txn_begin(acct);
	store_txn_value_set(txn, account_table(acct, &mod_admin, STORE_LOGIN), slice_of(stamp));
	account_commit(acct, txn, NULL, NULL);
}

static void
got_login(void *arg, int error, const struct store_result *result)
{
	struct command *cmd = arg;
	const struct asked *asked = command_data(cmd);
	struct last_login answer = { .accounts = asked->accounts };

	if (error < 0) {
		command_refuse(cmd, registrar_condition(error), registrar_why(error));
		return;
	}
	answer.when = result->count == 0 ? SLICE("never")
					 : arena_copy(command_arena(cmd), result->rows[0].value);
	command_tell(cmd, &told_login_form, &answer);
}

static void
get_login(struct command *cmd)
{
	const struct asked *asked = command_data(cmd);

	if (is_ours(cmd, asked->accounts.v))
		admin_read_value(command_shard(cmd), asked->accounts.v, &mod_admin, STORE_LOGIN,
			got_login, cmd);
}

/* XEP-0227 has no element for it. */
struct kept_login {
	struct slice stamp;
};

static const struct field kept_login_fields[] = {
	ATTR_TEXT(struct kept_login, stamp, "stamp"),
	FIELDS_END(struct kept_login),
};
static const struct payload kept_login_payload = { "login", NS_KITH_ACCOUNT, kept_login_fields };

static void
write_login(struct transfer *transfer, const struct store_result *stores)
{
	struct kept_login login;

	if (stores[STORE_LOGIN].count == 0)
		return;
	login.stamp = stores[STORE_LOGIN].rows[0].value;
	transfer_put(transfer, &kept_login_payload, &login);
}

static void
read_login(struct transfer *transfer, const void *data)
{
	const struct kept_login *login = data;
	int64_t when;

	if (login->stamp.len != STAMP_CHARS || stamp_parse(login->stamp, &when) < 0)
		transfer_mistake(transfer, 0, "its stamp is none");
	else
		store_txn_value_set(transfer_txn(transfer),
			transfer_table(transfer, &mod_admin, STORE_LOGIN), login->stamp);
}

static const struct transfer_entry transfers[] = {
	{ &kept_login_payload, write_login, read_login },
	{ 0 },
};

static const struct xep xeps[] = {
	{ 133, "1.3.1", XEP_COMPLETE },
	{ 0 },
};

static const struct command_entry commands[] = {
	{ NODE("add-user"), "Add User", ROLE_ADMIN, &add_form, add_user },
	{ NODE("delete-user"), "Delete User", ROLE_ADMIN, &delete_form, delete_users },
	{ NODE("disable-user"), "Disable User", ROLE_ADMIN, &disable_form, disable_users },
	{ NODE("reenable-user"), "Re-Enable User", ROLE_ADMIN, &enable_form, enable_users },
	{ NODE("end-user-session"), "End User Session", ROLE_ADMIN, &kick_form, end_sessions },
	{ NODE("change-user-password"), "Change User Password", ROLE_ADMIN, &change_form,
		change_password },
	{ NODE("get-user-roster"), "Get User Roster", ROLE_ADMIN, &rosters_form, get_roster },
	{ NODE("get-user-lastlogin"), "Get User Last Login Time", ROLE_ADMIN, &login_form,
		get_login },
	{ NODE("user-stats"), "Get User Statistics", ROLE_ADMIN, &stats_form, get_user_stats },
	{ 0 },
};

static const struct store_entry stores[] = {
	[STORE_LOGIN] = { "login", STORE_VALUE, .version = 1 },
	{ 0 },
};

const struct module mod_admin = {
	.name = "admin",
	.about = "Lets administrators manage accounts from their clients.",
	.xeps = xeps,
	.account_size = sizeof(struct admin_account),
	.stores = stores,
	.transfers = transfers,
	.commands = commands,
	.needs = (const char *const[]){ "commands", NULL },
	.on.session_bound = keep_login,
};
