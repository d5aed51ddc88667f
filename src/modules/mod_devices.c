/*
 * A command for everyone: to see from where one is signed in, and to end what should not be there,
 * such as the session on a telephone that was lost. In two steps, since there is no way back.
 */
#include "server/admin.h"
#include "server/module.h"

#define FORM_TYPE_DEVICES "urn:kith:devices"

struct asked {
	struct slice_list resources;
	bool is_sure;
};

/* What the second step ends, and how far that is. */
struct ending {
	struct command *cmd;
	const struct slice_list *resources;
	size_t at;
	uint64_t count;
};

static void end_next(struct ending *ending);

static void
ended(void *arg, uint64_t count)
{
	struct ending *ending = arg;

	ending->count += count;
	end_next(ending);
}

static void
end_next(struct ending *ending)
{
	struct command *cmd = ending->cmd;
	struct jid jid;

	while (ending->at < ending->resources->count) {
		struct slice resource = ending->resources->v[ending->at++];

		if (jid_with_resource(command_user(cmd), resource, command_arena(cmd), &jid) < 0)
			continue;
		admin_kick(command_shard(cmd), &jid, "You ended this session from another device",
			ended, ending);
		return;
	}
	command_done(cmd, arena_printf(command_arena(cmd), "%llu sessions were ended.",
				  (unsigned long long)ending->count)
				  .p);
}

static void
end_chosen(struct command *cmd)
{
	const struct asked *asked = command_data(cmd);
	struct ending *ending = arena_new(command_arena(cmd), struct ending);

	if (!asked->is_sure) {
		command_done(cmd, "No session was ended.");
		return;
	}
	*ending = (struct ending){ .cmd = cmd, .resources = command_state(cmd) };
	end_next(ending);
}

static const struct form_entry sure_entries[] = {
	ENTRY_BOOL(struct asked, is_sure, "sure", "End these sessions now"),
	ENTRIES_END(struct asked),
};
static const struct form_spec sure_form = { "Ending Sessions",
	"Whoever uses them must sign in again. Change your password first if that may be another.",
	FORM_TYPE_DEVICES, sure_entries };

static void
ask_again(struct command *cmd)
{
	struct asked *chosen = arena_new(command_arena(cmd), struct asked);

	*chosen = *(const struct asked *)command_data(cmd);
	command_keep(cmd, &chosen->resources);
	command_ask(cmd, &sure_form, NULL, COMMAND_LAST, end_chosen);
}

/* The user's other sessions as choices. */
static struct form_choice *
choices_of(struct command *cmd, const struct admin_sessions *found)
{
	struct arena *arena = command_arena(cmd);
	struct form_choice *choices = arena_array(arena, found->count + 1, struct form_choice);
	size_t count = 0;

	for (size_t i = 0; i < found->count; i++) {
		const struct admin_session *s = &found->v[i];
		struct slice resource = jid_resource(&s->jid);

		if (jid_is(&s->jid, command_user(cmd)))
			continue;
		choices[count++] = (struct form_choice){
			arena_copy(arena, resource).p,
			arena_printf(arena,
				s->is_lost ? "%.*s, without connection%.*s" : "%.*s, from %.*s",
				SLICE_ARG(resource), SLICE_ARG(s->peer))
				.p,
		};
	}
	return choices;
}

static void
got_sessions(void *arg, const struct admin_sessions *found)
{
	static const struct form_entry entries[] = {
		ENTRY_CHOICES(
			struct asked, resources, "sessions", "Your other sessions", true, NULL),
		ENTRIES_END(struct asked),
	};
	struct command *cmd = arg;
	struct form_choice *choices = choices_of(cmd, found);
	struct form_entry *own = arena_array(
		command_arena(cmd), COUNT_OF(entries), struct form_entry);
	struct form_spec *form = arena_new(command_arena(cmd), struct form_spec);

	if (choices[0].value == NULL) {
		command_done(cmd, "You are signed in from here only.");
		return;
	}
	memcpy(own, entries, sizeof(entries));
	own[0].choices = choices;
	*form = (struct form_spec){ "Your Sessions", "Choose the sessions to end.",
		FORM_TYPE_DEVICES, own };
	command_ask(cmd, form, NULL, COMMAND_GOES_ON, ask_again);
}

static void
show_sessions(struct command *cmd)
{
	struct jid bare = jid_to_bare(command_user(cmd));

	admin_find_sessions(command_shard(cmd), &bare, got_sessions, cmd);
}

static const struct command_entry commands[] = {
	{ "devices#end", "See and End My Other Sessions", ROLE_USER, NULL, show_sessions },
	{ 0 },
};

const struct module mod_devices = {
	.name = "devices",
	.about = "Lets users see and end their other sessions.",
	.commands = commands,
	.needs = (const char *const[]){ "commands", NULL },
};
