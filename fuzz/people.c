/* They speak without TLS, so that what they say is what the input says. */
#include "people.h"

#include "io/conn.h"
#include "io/sim.h"
#include "proto/base64.h"
#include "seeded_random.h"
#include "sim_target.h"

#include <assert.h>
#include <stdlib.h>

enum { MOMENT_MS = 200, REST_MS = 5000, STEP_MS = 60000, INBOX_MOST = 8 << 20 };

static void
start(struct place *place)
{
	static const char *const users[] = { "nurse", "romeo", "juliet" };
	const char *settings[8] = { "c2s.require_tls=no", "auth.iterations=4096" };
	struct needs needs = {
		.users = (char **)(uintptr_t)users,
		.user_count = COUNT_OF(users),
		.settings = (char **)(uintptr_t)settings,
		.setting_count = 2 + place->setting_count,
	};
	struct target *target = sim_target_interface(place->target);

	assert(needs.setting_count <= COUNT_OF(settings));
	for (size_t i = 0; i < place->setting_count; i++)
		settings[2 + i] = place->settings[i];
	if (target->start(target, &needs, "secret") < 0)
		abort();
}

void
place_open(struct place *place, uint64_t seed, const char *const *settings, size_t setting_count)
{
	seeded_random(seed);
	place->sim = sim_create(seed);
	place->loop = sim_loop_create(place->sim);
	place->settings = settings;
	place->setting_count = setting_count;
	place->target = sim_target_create(&(struct sim_target_setup){ .sim = place->sim,
		.shards = 3,
		.hook_seed = seed,
		.directory = place->directory,
		.domain = "localhost",
		.iterations = 1 });
	start(place);
}

static void
stop(struct place *place)
{
	struct target *target = sim_target_interface(place->target);

	(void)target->stop(target);
	sim_pass(place->sim, STEP_MS);
}

void
place_restart(struct place *place)
{
	stop(place);
	start(place);
}

void
place_close(struct place *place)
{
	stop(place);
	loop_destroy(&place->loop);
	sim_target_destroy(&place->target);
	sim_destroy(&place->sim);
}

void
place_rest(struct place *place)
{
	sim_pass(place->sim, REST_MS);
}

static size_t
keep(struct conn *conn, struct slice bytes)
{
	struct person *p = conn_owner(conn);

	(void)buffer_append(&p->got, bytes);
	return bytes.len;
}

static void
closed(struct conn *conn, int why)
{
	struct person *p = conn_owner(conn);

	(void)why;
	p->conn = NULL;
}

static const struct conn_handler handler = { .input = keep, .closed = closed };

void
person_say(struct place *place, struct person *p, struct slice text)
{
	if (p->conn != NULL)
		conn_write(p->conn, text);
	sim_pass(place->sim, MOMENT_MS);
}

void
person_say_text(struct place *place, struct person *p, const char *text)
{
	person_say(place, p, slice_of(text));
}

static void
say_plain(struct place *place, struct person *p, const char *user)
{
	struct arena arena;
	struct slice plain;

	arena_init(&arena, 0);
	plain = arena_printf(&arena, ".%s.secret", user);
	((char *)(uintptr_t)plain.p)[0] = '\0';
	((char *)(uintptr_t)plain.p)[plain.len - sizeof("secret")] = '\0';
	person_say_text(
		place, p, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>");
	person_say(place, p, base64_encode(plain, &arena));
	person_say_text(place, p, "</auth>");
	arena_finish(&arena);
}

void
person_arrive(struct place *place, struct person *p, const char *user, const char *resource)
{
	static const char
		header[] = "<stream:stream xmlns='jabber:client' to='localhost' "
			   "version='1.0' xmlns:stream='http://etherx.jabber.org/streams'>";
	const struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)sim_target_interface(place->target)->port) };
	struct slice success;

	person_leave(p);
	p->stream_from = 0;
	buffer_init(&p->got, INBOX_MOST);
	p->conn = conn_connect(
		place->loop, (const struct sockaddr *)(const void *)&to, sizeof(to), &handler, p);
	assert(p->conn != NULL);
	person_say_text(place, p, header);
	say_plain(place, p, user);
	person_say_text(place, p, header);
	person_say_text(place, p,
		"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>");
	person_say_text(place, p, resource);
	person_say_text(place, p, "</resource></bind></iq><presence/>");
	success = person_heard(p, "<success");
	if (success.p != NULL)
		p->stream_from = (size_t)(success.p - p->got.data) + slice_find(success, '>') + 1;
}

void
person_leave(struct person *p)
{
	if (p->conn != NULL)
		conn_abort(p->conn);
	p->conn = NULL;
	buffer_finish(&p->got);
}

struct slice
person_heard(const struct person *p, const char *text)
{
	struct slice got = buffer_slice(&p->got), wanted = slice_of(text);

	for (size_t i = 0; i + wanted.len <= got.len; i++) {
		if (slice_starts(slice_from(got, i), wanted))
			return slice_from(got, i);
	}
	return NO_SLICE;
}

bool
person_is_served(struct place *place, struct person *p)
{
	buffer_clear(&p->got);
	person_say_text(place, p,
		"<iq type='get' id='are-you-there' to='localhost'><ping "
		"xmlns='urn:xmpp:ping'/></iq>");
	sim_pass(place->sim, 1000);
	return p->conn != NULL && person_heard(p, "id='are-you-there'").p != NULL;
}
