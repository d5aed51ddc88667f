/*
 * XEP-0133, 4.16, 4.17, 4.21 and 4.22: who of those online is active, and who is idle. The XEP
 * leaves it to the service what that means. Here it is what users' clients say: somebody is active
 * who is available somewhere and neither "away" nor "xa" there. When a client last sent something
 * says less, since all are asked from time to time whether they are there, and answer by
 * themselves. Everyone online is one or the other.
 */
#include "server/admin.h"
#include "server/module.h"

#define NS_ADMIN "http://jabber.org/protocol/admin"
#define NODE(name) NS_ADMIN "#" name

enum { LIST_MOST = 10000 }; /* even when all are asked for */

struct asked {
	struct slice most;
};

static const struct form_choice sizes[] = { { "25", "25" }, { "50", "50" }, { "75", "75" },
	{ "100", "100" }, { "150", "150" }, { "200", "200" }, { "none", "None" }, { NULL, NULL } };
static const struct form_entry list_entries[] = {
	ENTRY_CHOICE(
		struct asked, most, "max_items", "Maximum number of items to show", false, sizes),
	ENTRIES_END(struct asked),
};
static const struct form_spec list_form = { "Requesting a List of Users",
	"Fill out this form to request a list of users.", NS_ADMIN, list_entries };

struct users {
	uint32_t count, most;
	struct jid_list jids;
	bool wants_active;
	const struct form_spec *form; /* of the answer */
};

static const struct form_entry active_count_entries[] = {
	ENTRY_UINT(struct users, count, "activeusersnum", "The number of active users", false, 0,
		UINT32_MAX),
	ENTRIES_END(struct users),
};
static const struct form_spec active_count_form = { "Number of Active Users", NULL, NS_ADMIN,
	active_count_entries };
static const struct form_entry idle_count_entries[] = {
	ENTRY_UINT(struct users, count, "idleusersnum", "The number of idle users", false, 0,
		UINT32_MAX),
	ENTRIES_END(struct users),
};
static const struct form_spec idle_count_form = { "Number of Idle Users", NULL, NS_ADMIN,
	idle_count_entries };
/* The XEP has the same variable for both lists. */
static const struct form_entry active_entries[] = {
	ENTRY_JIDS(struct users, jids, "activeuserjids", "The list of active users", false, 0),
	ENTRIES_END(struct users),
};
static const struct form_spec active_form = { "Active Users", NULL, NS_ADMIN, active_entries };
static const struct form_entry idle_entries[] = {
	ENTRY_JIDS(struct users, jids, "activeuserjids", "The list of idle users", false, 0),
	ENTRIES_END(struct users),
};
static const struct form_spec idle_form = { "Idle Users", NULL, NS_ADMIN, idle_entries };

static bool
is_active(const struct admin_session *s)
{
	return s->is_available && !slice_is_text(s->show, "away") && !slice_is_text(s->show, "xa");
}

static void
add_user(struct users *users, const struct jid *jid, struct arena *arena)
{
	struct jid bare = jid_to_bare(jid);

	users->count++;
	if (users->jids.count < users->most)
		users->jids.v[users->jids.count++] = jid_copy(&bare, arena);
}

/* The sessions of one user stand together. */
static void
got_sessions(void *arg, const struct admin_sessions *found)
{
	struct command *cmd = arg;
	struct users *users = command_state(cmd);

	for (size_t i = 0, next; i < found->count; i = next) {
		const struct jid *jid = &found->v[i].jid;
		bool active = false;

		for (next = i; next < found->count && jid_same_bare(jid, &found->v[next].jid);
			next++)
			active |= is_active(&found->v[next]);
		if (active == users->wants_active)
			add_user(users, jid, command_arena(cmd));
	}
	command_tell(cmd, users->form, users);
}

/* Without the form nobody is shown. */
static void
look(struct command *cmd, bool wants_active, const struct form_spec *form)
{
	const struct asked *asked = command_data(cmd);
	struct users *users = arena_new(command_arena(cmd), struct users);
	uint64_t most = LIST_MOST;

	if (asked != NULL && asked->most.p != NULL)
		(void)slice_to_uint(asked->most, LIST_MOST, &most);
	users->most = asked == NULL ? 0 : (uint32_t)most;
	users->jids.v = arena_array(command_arena(cmd), users->most + 1, struct jid);
	users->wants_active = wants_active;
	users->form = form;
	command_keep(cmd, users);
	admin_list_sessions(
		command_shard(cmd), host_domain(command_host(cmd)), UINT32_MAX, got_sessions, cmd);
}

static void
count_active(struct command *cmd)
{
	look(cmd, true, &active_count_form);
}

static void
count_idle(struct command *cmd)
{
	look(cmd, false, &idle_count_form);
}

static void
list_active(struct command *cmd)
{
	look(cmd, true, &active_form);
}

static void
list_idle(struct command *cmd)
{
	look(cmd, false, &idle_form);
}

static const struct command_entry commands[] = {
	{ NODE("get-active-users-num"), "Get Number of Active Users", ROLE_ADMIN, NULL,
		count_active },
	{ NODE("get-idle-users-num"), "Get Number of Idle Users", ROLE_ADMIN, NULL, count_idle },
	{ NODE("get-active-users"), "Get List of Active Users", ROLE_ADMIN, &list_form,
		list_active },
	{ NODE("get-idle-users"), "Get List of Idle Users", ROLE_ADMIN, &list_form, list_idle },
	{ 0 },
};

const struct module mod_active = {
	.name = "active",
	.about = "Tells administrators who is active and who is idle.",
	.commands = commands,
	.needs = (const char *const[]){ "commands", NULL },
};
