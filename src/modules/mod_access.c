/*
 * XEP-0133, 4.11, 4.12 and 4.29: who may do what at a host. The blacklist has those with whom
 * nobody here talks, in either direction; the whitelist, when it is not empty, all those outside of
 * the host's own domain with whom one may. An entry is an address of any form, and they are matched
 * as in XEP-0016, 2.1. The admin list adds people to those of the configuration, for this host.
 *
 * A listed user of the host itself still signs in, and has the account's own things: roster,
 * devices. Everything else that such a user sends is refused, and nothing comes.
 */
#include "server/admin.h"
#include "server/config.h"
#include "server/module.h"
#include "server/option.h"

#define NS_ADMIN "http://jabber.org/protocol/admin"
#define NODE(name) NS_ADMIN "#" name

enum { JIDS_MOST = 1000 };
enum { KEPT_BLACK, KEPT_WHITE };
enum { METRIC_REFUSED };

extern const struct module mod_access;

struct asked {
	struct jid_list jids;
};

/* ---- What is let through ---- */

static const struct jid_set *
list_of(const struct account *acct, unsigned list)
{
	return host_kept_jids(account_shard(acct), account_host(acct), &mod_access, list);
}

static bool
is_barred(const struct account *acct, const struct jid *peer)
{
	const struct jid_set *black = list_of(acct, KEPT_BLACK), *white;

	if (jid_set_count(black) > 0 && jid_set_covers(black, peer))
		return true;
	white = list_of(acct, KEPT_WHITE);
	return jid_set_count(white) > 0 && peer->full.len > 0 &&
	       !slice_is(jid_domain(peer), host_domain(account_host(acct))) &&
	       !jid_set_covers(white, peer);
}

static bool
may_meet(const struct account *acct, const struct jid *own, const struct jid *peer)
{
	return jid_same_bare(own, peer) || (!is_barred(acct, peer) && !is_barred(acct, own));
}

static struct verdict
refuse(struct account *acct, const struct stanza *st)
{
	struct verdict refused = bounce(POLICY_VIOLATION, NULL);

	metric_add(acct, &mod_access, METRIC_REFUSED);
	refused.text = "The administrators of this service do not allow this communication";
	return st->kind == STANZA_PRESENCE ? drop() : refused;
}

static struct verdict
screen_outbound(struct stanza *st, struct session *from)
{
	struct account *acct = session_account(from);

	/* To nobody in particular: the account's own, or presence, which each contact is asked for.
	 */
	if (st->to.full.len == 0 || may_meet(acct, session_jid(from), &st->to))
		return pass();
	return refuse(acct, st);
}

static struct verdict
screen_inbound(struct stanza *st, struct account *to)
{
	/* Errors are what this service itself answers. */
	if (st->type == TYPE_ERROR || may_meet(to, account_jid(to), &st->from))
		return pass();
	return refuse(to, st);
}

static struct verdict
part_contacts(struct account *acct, const struct jid *contact)
{
	return may_meet(acct, account_jid(acct), contact) ? pass() : drop();
}

/* ---- The lists ---- */

static void
saved(void *arg, int error)
{
	struct command *cmd = arg;

	if (error < 0)
		command_refuse_store(cmd, error);
	else
		command_done(cmd, NULL);
}

static void
ask_for_list(struct command *cmd, const struct form_spec *form, unsigned list, command_run *run)
{
	const struct jid_set *set = host_kept_jids(
		command_shard(cmd), command_host(cmd), &mod_access, list);
	struct asked now = { .jids = jid_set_list(set, command_arena(cmd)) };

	command_ask(cmd, form, &now, COMMAND_LAST, run);
}

static void
save_list(struct command *cmd, unsigned list)
{
	const struct asked *asked = command_data(cmd);

	host_keep_jids(
		command_shard(cmd), command_host(cmd), &mod_access, list, &asked->jids, saved, cmd);
}

static const struct form_entry black_entries[] = {
	ENTRY_JIDS(struct asked, jids, "blacklistjids", "The blacklist", false, JIDS_MOST),
	ENTRIES_END(struct asked),
};
static const struct form_spec black_form = { "Editing the Blacklist",
	"Fill out this form to edit the list of entities with whom communications are disallowed.",
	NS_ADMIN, black_entries };

/* Nobody bars the way to the list. */
static void
save_black(struct command *cmd)
{
	const struct asked *asked = command_data(cmd);
	struct jid host = { .full = host_domain(command_host(cmd)) };

	host.domain_len = (uint16_t)host.full.len;
	for (size_t i = 0; i < asked->jids.count; i++) {
		if (jid_covers(&asked->jids.v[i], command_user(cmd)) ||
			jid_covers(&asked->jids.v[i], &host)) {
			command_refuse(cmd, CONFLICT,
				"With this list you could not undo it: it has you, or this host");
			return;
		}
	}
	save_list(cmd, KEPT_BLACK);
}

static void
edit_black(struct command *cmd)
{
	ask_for_list(cmd, &black_form, KEPT_BLACK, save_black);
}

static const struct form_entry white_entries[] = {
	ENTRY_JIDS(struct asked, jids, "whitelistjids", "The whitelist", false, JIDS_MOST),
	ENTRIES_END(struct asked),
};
static const struct form_spec white_form = { "Editing the Whitelist",
	"Fill out this form to edit the list of entities with whom communications are allowed; "
	"when it is empty, with all.",
	NS_ADMIN, white_entries };

static void
save_white(struct command *cmd)
{
	const struct asked *asked = command_data(cmd);

	/* An admin of another host of this server may be outside of the list. */
	if (asked->jids.count > 0 &&
		!slice_is(jid_domain(command_user(cmd)), host_domain(command_host(cmd)))) {
		bool has_me = false;

		for (size_t i = 0; i < asked->jids.count; i++)
			has_me |= jid_covers(&asked->jids.v[i], command_user(cmd));
		if (!has_me) {
			command_refuse(cmd, CONFLICT, "Your own address must be on the list, too");
			return;
		}
	}
	save_list(cmd, KEPT_WHITE);
}

static void
edit_white(struct command *cmd)
{
	ask_for_list(cmd, &white_form, KEPT_WHITE, save_white);
}

/* ---- The admins ---- */

static const struct form_entry admin_entries[] = {
	ENTRY_JIDS(struct asked, jids, "adminjids", "The admin list", false, JIDS_MOST),
	ENTRIES_END(struct asked),
};
static const struct form_spec admin_form = { "Editing the Admin List",
	"Fill out this form to edit the list of entities who have administrative privileges.",
	NS_ADMIN, admin_entries };

static bool
has(const struct jid_list *list, struct slice bare)
{
	for (size_t i = 0; i < list->count; i++) {
		if (slice_is(list->v[i].full, bare))
			return true;
	}
	return false;
}

/* What is wrong with the list; NULL: nothing. */
static const char *
find_mistake(struct command *cmd, const struct jid_list *list, enum stanza_condition *condition_out)
{
	const struct text_list *fixed = admin_configured(host_server(command_host(cmd)));

	*condition_out = NOT_ACCEPTABLE;
	for (size_t i = 0; i < list->count; i++) {
		const struct jid *jid = &list->v[i];

		if (jid_local(jid).len == 0 || !jid_is_bare(jid) ||
			!host_has_neighbour(command_host(cmd), jid_domain(jid)))
			return "An admin is an account of this server: give bare addresses";
	}
	*condition_out = CONFLICT;
	for (size_t i = 0; i < fixed->count; i++) {
		if (!has(list, slice_of(fixed->v[i])))
			return "An admin of the server's configuration is missing; who is to be "
			       "none any more must be removed there";
	}
	if (!has(list, jid_bare(command_user(cmd))))
		return "You are missing; somebody else must remove you";
	return NULL;
}

static void
save_admins(struct command *cmd)
{
	const struct asked *asked = command_data(cmd);
	const struct server *server = host_server(command_host(cmd));
	struct jid_list own = { .count = 0 };
	enum stanza_condition condition;
	const char *mistake = find_mistake(cmd, &asked->jids, &condition);

	if (mistake != NULL) {
		command_refuse(cmd, condition, mistake);
		return;
	}
	own.v = arena_array(command_arena(cmd), asked->jids.count + 1, struct jid);
	for (size_t i = 0; i < asked->jids.count; i++) {
		if (!admin_is_configured(server, asked->jids.v[i].full))
			own.v[own.count++] = asked->jids.v[i];
	}
	host_keep_jids(
		command_shard(cmd), command_host(cmd), NULL, CORE_KEPT_ADMINS, &own, saved, cmd);
}

static void
edit_admins(struct command *cmd)
{
	struct arena *arena = command_arena(cmd);
	const struct text_list *fixed = admin_configured(host_server(command_host(cmd)));
	struct jid_list own = jid_set_list(
		host_kept_jids(command_shard(cmd), command_host(cmd), NULL, CORE_KEPT_ADMINS),
		arena);
	struct asked now = {
		.jids.v = arena_array(arena, own.count + fixed->count + 1, struct jid),
	};
	struct jid jid;

	for (size_t i = 0; i < fixed->count; i++) {
		if (jid_parse(slice_of(fixed->v[i]), arena, &jid) == 0)
			now.jids.v[now.jids.count++] = jid_copy(&jid, arena);
	}
	for (size_t i = 0; i < own.count; i++) {
		if (!has(&now.jids, own.v[i].full))
			now.jids.v[now.jids.count++] = own.v[i];
	}
	command_ask(cmd, &admin_form, &now, COMMAND_LAST, save_admins);
}

static const struct command_entry commands[] = {
	{ NODE("edit-blacklist"), "Edit Blacklist", ROLE_ADMIN, NULL, edit_black },
	{ NODE("edit-whitelist"), "Edit Whitelist", ROLE_ADMIN, NULL, edit_white },
	/* What the text of 4.12 calls it, unlike its examples. */
	{ NODE("add-to-whitelist"), "Add to Whitelist", ROLE_ADMIN, NULL, edit_white },
	{ NODE("edit-admin"), "Edit Admin List", ROLE_ADMIN, NULL, edit_admins },
	{ 0 },
};

static const struct kept_entry kept[] = {
	[KEPT_BLACK] = { "blacklist", KEPT_JIDS },
	[KEPT_WHITE] = { "whitelist", KEPT_JIDS },
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_REFUSED] = { "access_refused_total",
		"Stanzas from and to those whom administrators do not let communicate." },
	{ 0 },
};

const struct module mod_access = {
	.name = "access",
	.about = "Lets administrators choose with whom a host communicates, and who they are.",
	.kept = kept,
	.metrics = metrics,
	.commands = commands,
	.needs = (const char *const[]){ "commands", NULL },
	.on.out_policy = screen_outbound,
	.on.in_policy = screen_inbound,
	.on.contact_policy = part_contacts,
};
