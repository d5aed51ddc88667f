/*
 * XEP-0133: Service Administration, of a whole host: how many users there are and who they are, an
 * announcement to all, and the end. What concerns single accounts is in mod_admin.c.
 */
#include "server/admin.h"
#include "server/module.h"
#include "server/notice.h"
#include "server/registrar.h"

#define NS_ADMIN "http://jabber.org/protocol/admin"
#define NODE(name) NS_ADMIN "#" name

enum { LINES_MOST = 1000 };

/* Everything that the forms of this module ask for. */
struct asked {
	struct slice_list announcement;
	struct slice delay, most;
};

/* ---- How many, and who ---- */

enum { LIST_MOST = 10000 }; /* even when all are asked for */

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
};

static const struct form_entry registered_entries[] = {
	ENTRY_JIDS(struct users, jids, "registereduserjids", "The list of all users", false, 0),
	ENTRIES_END(struct users),
};
static const struct form_spec registered_form = { "Registered Users", NULL, NS_ADMIN,
	registered_entries };
static const struct form_entry disabled_entries[] = {
	ENTRY_JIDS(
		struct users, jids, "disableduserjids", "The list of all disabled users", false, 0),
	ENTRIES_END(struct users),
};
static const struct form_spec disabled_form = { "Disabled Users", NULL, NS_ADMIN,
	disabled_entries };
static const struct form_entry disabled_count_entries[] = {
	ENTRY_UINT(struct users, count, "disabledusersnum", "The number of disabled users", false,
		0, UINT32_MAX),
	ENTRIES_END(struct users),
};
static const struct form_spec disabled_count_form = { "Number of Disabled Users", NULL, NS_ADMIN,
	disabled_count_entries };
static const struct form_entry online_entries[] = {
	ENTRY_JIDS(struct users, jids, "onlineuserjids", "The list of all online users", false, 0),
	ENTRIES_END(struct users),
};
static const struct form_spec online_form = { "Online Users", NULL, NS_ADMIN, online_entries };
static const struct form_entry registered_count_entries[] = {
	ENTRY_UINT(struct users, count, "registeredusersnum", "The number of registered users",
		false, 0, UINT32_MAX),
	ENTRIES_END(struct users),
};
static const struct form_spec registered_count_form = { "Number of Registered Users", NULL,
	NS_ADMIN, registered_count_entries };
static const struct form_entry online_count_entries[] = {
	ENTRY_UINT(struct users, count, "onlineusersnum", "The number of online users", false, 0,
		UINT32_MAX),
	ENTRIES_END(struct users),
};
static const struct form_spec online_count_form = { "Number of Online Users", NULL, NS_ADMIN,
	online_count_entries };

/* Room for as many as were asked for; without a form none are shown. */
static struct users *
begin_list(struct command *cmd)
{
	const struct asked *asked = command_data(cmd);
	struct users *users = arena_new(command_arena(cmd), struct users);
	uint64_t most = LIST_MOST;

	if (asked != NULL && asked->most.p != NULL)
		(void)slice_to_uint(asked->most, LIST_MOST, &most);
	users->most = asked == NULL ? 0 : (uint32_t)most;
	users->jids.v = arena_array(command_arena(cmd), users->most + 1, struct jid);
	command_keep(cmd, users);
	return users;
}

static void
add_user_to(struct command *cmd, struct slice bare)
{
	struct users *users = command_state(cmd);
	struct jid jid;

	if (jid_parse(bare, command_arena(cmd), &jid) < 0 ||
		!slice_is(jid_domain(&jid), host_domain(command_host(cmd))))
		return;
	users->count++;
	if (users->jids.count < users->most)
		users->jids.v[users->jids.count++] = jid_copy(&jid, command_arena(cmd));
}

/* Every page is walked, since the number is asked for; the last one answers. */
static bool
take_page(struct command *cmd, int error, const struct store_result *page,
	const struct form_spec *form)
{
	if (error < 0) {
		command_refuse(cmd, registrar_condition(error), registrar_why(error));
		return false;
	}
	for (size_t i = 0; i < page->count; i++)
		add_user_to(cmd, page->rows[i].key);
	if (!page->more)
		command_tell(cmd, form, command_state(cmd));
	return page->more;
}

static bool
list_page(void *arg, int error, const struct store_result *page)
{
	return take_page(arg, error, page, &registered_form);
}

static bool
count_page(void *arg, int error, const struct store_result *page)
{
	return take_page(arg, error, page, &registered_count_form);
}

static void
list_registered(struct command *cmd)
{
	(void)begin_list(cmd);
	registrar_list(command_shard(cmd), list_page, cmd);
}

static void
count_registered(struct command *cmd)
{
	(void)begin_list(cmd);
	registrar_list(command_shard(cmd), count_page, cmd);
}

static bool
list_disabled_page(void *arg, int error, const struct store_result *page)
{
	return take_page(arg, error, page, &disabled_form);
}

static bool
count_disabled_page(void *arg, int error, const struct store_result *page)
{
	return take_page(arg, error, page, &disabled_count_form);
}

static void
list_disabled(struct command *cmd)
{
	(void)begin_list(cmd);
	registrar_list_disabled(command_shard(cmd), list_disabled_page, cmd);
}

static void
count_disabled(struct command *cmd)
{
	(void)begin_list(cmd);
	registrar_list_disabled(command_shard(cmd), count_disabled_page, cmd);
}

static void
got_online(void *arg, const struct admin_sessions *found)
{
	struct command *cmd = arg;
	const struct jid *last = NULL;

	for (size_t i = 0; i < found->count; i++) {
		const struct jid *jid = &found->v[i].jid;

		if (last == NULL || !jid_same_bare(last, jid))
			add_user_to(cmd, jid_bare(jid));
		last = jid;
	}
	command_tell(cmd, &online_form, command_state(cmd));
}

static void
list_online(struct command *cmd)
{
	const struct users *users = begin_list(cmd);

	admin_list_sessions(
		command_shard(cmd), host_domain(command_host(cmd)), users->most, got_online, cmd);
}

static void
got_online_count(void *arg, const struct admin_sessions *found)
{
	struct command *cmd = arg;
	struct users *users = command_state(cmd);

	users->count = (uint32_t)found->users;
	command_tell(cmd, &online_count_form, users);
}

static void
count_online(struct command *cmd)
{
	(void)begin_list(cmd);
	admin_list_sessions(
		command_shard(cmd), host_domain(command_host(cmd)), 0, got_online_count, cmd);
}

/* ---- All who are here ---- */

static const struct form_entry announce_entries[] = {
	ENTRY_LINES(struct asked, announcement, "announcement", "Announcement", true, LINES_MOST),
	ENTRIES_END(struct asked),
};
static const struct form_spec announce_form = { "Making an Announcement",
	"Fill out this form to make an announcement to all online users of this host.", NS_ADMIN,
	announce_entries };

static void
announced(void *arg, uint64_t count)
{
	struct command *cmd = arg;
	struct slice note = arena_printf(
		command_arena(cmd), "%llu sessions were told.", (unsigned long long)count);

	command_done(cmd, note.p);
}

static void
announce(struct command *cmd)
{
	const struct asked *asked = command_data(cmd);

	admin_announce(command_shard(cmd), host_domain(command_host(cmd)),
		notice_join(&asked->announcement, command_arena(cmd)), announced, cmd);
}

static const struct form_choice delays[] = { { "0", "At once" }, { "30", "30 seconds" },
	{ "60", "60 seconds" }, { "90", "90 seconds" }, { "120", "2 minutes" },
	{ "180", "3 minutes" }, { "240", "4 minutes" }, { "300", "5 minutes" }, { NULL, NULL } };
static const struct form_entry shutdown_entries[] = {
	ENTRY_CHOICE(struct asked, delay, "delay", "Time delay before shutting down", true, delays),
	ENTRY_LINES(struct asked, announcement, "announcement", "Announcement", false, LINES_MOST),
	ENTRIES_END(struct asked),
};
static const struct form_entry restart_entries[] = {
	ENTRY_CHOICE(struct asked, delay, "delay", "Time delay before restarting", true, delays),
	ENTRY_LINES(struct asked, announcement, "announcement", "Announcement", false, LINES_MOST),
	ENTRIES_END(struct asked),
};
static const struct form_spec restart_form = { "Restarting the Service",
	"Fill out this form to restart this server with all of its hosts.", NS_ADMIN,
	restart_entries };
static const struct form_spec shutdown_form = { "Shutting Down the Service",
	"Fill out this form to shut down this server with all of its hosts.", NS_ADMIN,
	shutdown_entries };

static void
end_service(struct command *cmd, bool (*end)(struct shard *shard, uint32_t delay_ms))
{
	const struct asked *asked = command_data(cmd);
	uint64_t delay_s = 0;

	(void)slice_to_uint(asked->delay, UINT32_MAX / 1000, &delay_s);
	if (end(command_shard(cmd), (uint32_t)delay_s * 1000))
		command_done(cmd, NULL);
	else
		command_refuse(cmd, NOT_ALLOWED, "This server cannot be ended from within");
}

static void
begin_shutdown(void *arg, uint64_t count)
{
	(void)count;
	end_service(arg, admin_stop);
}

static void
begin_restart(void *arg, uint64_t count)
{
	(void)count;
	end_service(arg, admin_restart);
}

/* First everyone hears why, if there is something to hear. */
static void
announce_end(struct command *cmd, admin_counted *end)
{
	const struct asked *asked = command_data(cmd);

	if (asked->announcement.count == 0)
		end(cmd, 0);
	else
		admin_announce(command_shard(cmd), NO_SLICE,
			notice_join(&asked->announcement, command_arena(cmd)), end, cmd);
}

static void
shut_down(struct command *cmd)
{
	announce_end(cmd, begin_shutdown);
}

static void
restart(struct command *cmd)
{
	announce_end(cmd, begin_restart);
}

static const struct command_entry commands[] = {
	{ NODE("get-registered-users-num"), "Get Number of Registered Users", ROLE_ADMIN, NULL,
		count_registered },
	{ NODE("get-registered-users-list"), "Get List of Registered Users", ROLE_ADMIN, &list_form,
		list_registered },
	{ NODE("get-disabled-users-num"), "Get Number of Disabled Users", ROLE_ADMIN, NULL,
		count_disabled },
	{ NODE("get-disabled-users-list"), "Get List of Disabled Users", ROLE_ADMIN, &list_form,
		list_disabled },
	{ NODE("get-online-users-num"), "Get Number of Online Users", ROLE_ADMIN, NULL,
		count_online },
	{ NODE("get-online-users-list"), "Get List of Online Users", ROLE_ADMIN, &list_form,
		list_online },
	{ NODE("announce"), "Send Announcement to Online Users", ROLE_ADMIN, &announce_form,
		announce },
	{ NODE("restart"), "Restart Service", ROLE_OPERATOR, &restart_form, restart },
	{ NODE("shutdown"), "Shut Down Service", ROLE_OPERATOR, &shutdown_form, shut_down },
	{ 0 },
};

const struct module mod_service = {
	.name = "service",
	.about = "Tells administrators who is here, and lets them announce things and stop the "
		 "server.",
	.commands = commands,
	.needs = (const char *const[]){ "commands", NULL },
};
