/*
 * An administrator who sends any forms to any commands: records of a byte (which node and what to
 * do with it) and the command's content up to a NUL. A sentence that was read is answered, and in
 * the end the other user is still served and nothing of the commands is left.
 */
#include "fuzz.h"
#include "people.h"
#include "sim_target.h"

#include "io/sim.h"
#include "server/command_internal.h"
#include "server/server_internal.h"

#include <assert.h>
#include <stdio.h>

enum { RECORDS_MOST = 40, SESSION_MOST = 128 };

static const char *const nodes[] = {
	"add-user",
	"delete-user",
	"disable-user",
	"reenable-user",
	"end-user-session",
	"change-user-password",
	"get-user-roster",
	"get-user-lastlogin",
	"user-stats",
	"get-registered-users-list",
	"get-online-users-list",
	"get-disabled-users-num",
	"announce",
};
static const char *const actions[] = { "execute", "next", "prev", "complete", "cancel", "" };

struct admin {
	struct person person;
	char session[SESSION_MOST]; /* of the last answer */
};

/* The id of the command that the last answer was about. */
static void
keep_session(struct admin *admin)
{
	struct slice id = person_heard(&admin->person, "sessionid='");

	if (id.p == NULL)
		return;
	id = slice_from(id, sizeof("sessionid='") - 1);
	id.len = slice_find(id, '\'');
	if (id.len < SESSION_MOST)
		(void)snprintf(admin->session, SESSION_MOST, "%.*s", SLICE_ARG(id));
}

/* The higher bits: a new command or the last one, and what is done. */
static void
act(struct place *place, struct admin *admin, unsigned char what, struct slice content)
{
	const char *node = nodes[what % COUNT_OF(nodes)];
	unsigned choice = what / COUNT_OF(nodes);
	struct buffer xml;

	buffer_init(&xml, 1 << 20);
	(void)buffer_printf(&xml,
		"<iq type='set' id='c' to='localhost'><command "
		"xmlns='http://jabber.org/protocol/commands' "
		"node='http://jabber.org/protocol/admin#%s' action='%s' sessionid='%s'>",
		node, actions[choice % COUNT_OF(actions)],
		choice / COUNT_OF(actions) % 2 == 0 ? admin->session : "");
	(void)buffer_append(&xml, content);
	(void)buffer_text(&xml, "</command></iq>");
	buffer_clear(&admin->person.got);
	if (admin->person.conn == NULL)
		person_arrive(place, &admin->person, "juliet", "r");
	person_say(place, &admin->person, buffer_slice(&xml));
	keep_session(admin);
	buffer_finish(&xml);
}

static void
check_nothing_is_left(struct place *place)
{
	const struct server *server = sim_target_server(place->target);

	for (unsigned i = 0; i < server->shard_count; i++)
		assert(server->shards[i]->commands->count == 0);
}

static void
play(struct place *place, struct admin *admin, struct slice input)
{
	for (unsigned i = 0; i < RECORDS_MOST && input.len > 0; i++) {
		struct slice rest = slice_from(input, 1);
		size_t end = slice_find(rest, '\0');

		act(place, admin, (unsigned char)input.p[0], slice_make(rest.p, end));
		input = slice_from(rest, end < rest.len ? end + 1 : end);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const settings[] = { "server.admins=juliet@localhost" };
	struct place place = { 0 };
	struct admin juliet = { .person.conn = NULL };
	struct person witness = { .conn = NULL };

	place_open(&place, size, settings, COUNT_OF(settings));
	person_arrive(&place, &juliet.person, "juliet", "r");
	play(&place, &juliet, slice_make((const char *)data, size));
	person_leave(&juliet.person);
	/* Who was deleted or disabled by this is not served, but a stranger to it all is told so.
	 */
	sim_pass(place.sim, 10 * 60 * 1000);
	check_nothing_is_left(&place);
	person_arrive(&place, &witness, "nurse", "w");
	assert(person_heard(&witness, "<failure").p != NULL || person_is_served(&place, &witness));
	person_leave(&witness);
	place_close(&place);
	return 0;
}
