/*
 * A whole server with three shards on a simulated machine, and clients that do what the input
 * says: a record is a byte (who does what) and text up to a NUL. Meanwhile a witness is signed in.
 * At the end the witness must still be served, and nothing of the others may be left.
 */
#include "fuzz.h"

#include "io/conn.h"
#include "io/sim.h"
#include "seeded_random.h"
#include "server/account_internal.h"
#include "server/command_internal.h"
#include "server/server_internal.h"
#include "sim_target.h"

#include <assert.h>
#include <stdlib.h>

enum { CLIENTS = 4, STEP_MS = 60000, SHORT_MS = 100, RECORDS_MOST = 200, INBOX_MOST = 1 << 16 };

/* What the higher bits of a record's byte say; the lower two are the client. */
enum action { SEND, SEND_SLOWLY, SIGN_IN, CONNECT, CLOSE, ABORT, WAIT, FLOOD, ACTIONS };

struct client {
	struct conn *conn; /* NULL: not connected */
	struct buffer got; /* by the witness */
};

struct world {
	struct sim *sim;
	struct sim_target *target;
	struct loop *loop;
	struct client clients[CLIENTS], witness;
};

static size_t
forget(struct conn *conn, struct slice bytes)
{
	(void)conn;
	return bytes.len;
}

static size_t
keep(struct conn *conn, struct slice bytes)
{
	struct client *c = conn_owner(conn);

	(void)buffer_append(&c->got, bytes);
	return bytes.len;
}

static void
closed(struct conn *conn, int why)
{
	struct client *c = conn_owner(conn);

	(void)why;
	c->conn = NULL;
}

static const struct conn_handler hostile = { .input = forget, .closed = closed };
static const struct conn_handler witnessing = { .input = keep, .closed = closed };

static void
let_go(struct client *c)
{
	if (c->conn != NULL)
		conn_abort(c->conn);
	c->conn = NULL;
}

static void
connect_client(struct world *w, struct client *c, const struct conn_handler *handler)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)sim_target_interface(w->target)->port) };

	let_go(c);
	c->conn = conn_connect(
		w->loop, (const struct sockaddr *)(const void *)&to, sizeof(to), handler, c);
	assert(c->conn != NULL);
}

static void
say(struct world *w, struct client *c, struct slice bytes)
{
	if (c->conn != NULL)
		conn_write(c->conn, bytes);
	sim_pass(w->sim, SHORT_MS);
}

/* PLAIN for name:secret, binding of the resource "r", presence. */
static void
sign_in(struct world *w, struct client *c, const char *plain)
{
	static const char
		header[] = "<stream:stream xmlns='jabber:client' to='localhost' "
			   "version='1.0' xmlns:stream='http://etherx.jabber.org/streams'>";

	say(w, c, slice_of(header));
	say(w, c, SLICE("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"));
	say(w, c, slice_of(plain));
	say(w, c, SLICE("</auth>"));
	say(w, c, slice_of(header));
	say(w, c,
		SLICE("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
		      "<resource>r</resource></bind></iq><presence/>"));
}

/* The witness is never silent for so long that it would be asked. */
static void
let_time_pass(struct world *w, size_t steps)
{
	for (size_t i = 0; i < steps; i++) {
		sim_pass(w->sim, STEP_MS);
		say(w, &w->witness, SLICE(" "));
	}
}

static void
flood(struct world *w, struct client *c, struct slice text)
{
	for (int i = 0; i < 300 && c->conn != NULL && text.len > 0; i++)
		conn_write(c->conn, text);
	sim_pass(w->sim, SHORT_MS);
}

static void
act(struct world *w, unsigned char what, struct slice text)
{
	/* "\0romeo\0secret" and "\0juliet\0secret" */
	static const char *const users[] = { "AHJvbWVvAHNlY3JldA==", "AGp1bGlldABzZWNyZXQ=" };
	struct client *c = &w->clients[what % CLIENTS];

	switch ((enum action)(what / CLIENTS % ACTIONS)) {
	case SEND:
		say(w, c, text);
		break;
	case SEND_SLOWLY:
		for (size_t i = 0; i < text.len; i++)
			say(w, c, slice_make(text.p + i, 1));
		break;
	case SIGN_IN:
		connect_client(w, c, &hostile);
		sign_in(w, c, users[what % COUNT_OF(users)]);
		break;
	case CONNECT:
		connect_client(w, c, &hostile);
		break;
	case CLOSE:
		say(w, c, SLICE("</stream:stream>"));
		break;
	case ABORT:
		let_go(c);
		break;
	case WAIT:
		let_time_pass(w, 1 + text.len % 10);
		break;
	default:
		flood(w, c, text);
	}
}

static void
play(struct world *w, struct slice input)
{
	for (unsigned i = 0; i < RECORDS_MOST && input.len > 0; i++) {
		unsigned char what = (unsigned char)input.p[0];
		struct slice rest = slice_from(input, 1);
		size_t end = slice_find(rest, '\0');

		act(w, what, slice_make(rest.p, end));
		input = slice_from(rest, end < rest.len ? end + 1 : end);
	}
}

static void
start(struct world *w, uint64_t seed)
{
	static const char *const users[] = { "nurse", "romeo", "juliet" };
	static const char *const settings[] = { "c2s.require_tls=no", "c2s.queue_size=64k",
		"register.sign_up=yes", "auth.iterations=4096" };
	const struct needs needs = {
		.users = (char **)(uintptr_t)users,
		.user_count = COUNT_OF(users),
		.settings = (char **)(uintptr_t)settings,
		.setting_count = COUNT_OF(settings),
	};
	struct target *target;

	seeded_random(seed);
	w->sim = sim_create(seed);
	w->loop = sim_loop_create(w->sim);
	w->target = sim_target_create(&(struct sim_target_setup){ .sim = w->sim,
		.shards = 3,
		.hook_seed = seed,
		.domain = "localhost",
		.iterations = 1 });
	target = sim_target_interface(w->target);
	if (target->start(target, &needs, "secret") < 0)
		abort();
	buffer_init(&w->witness.got, INBOX_MOST);
	connect_client(w, &w->witness, &witnessing);
	sign_in(w, &w->witness, "AG51cnNlAHNlY3JldA==");
}

static void
check_witness(struct world *w)
{
	struct slice answer = SLICE("id='are-you-there'");
	struct slice got;
	bool found = false;

	buffer_clear(&w->witness.got);
	say(w, &w->witness,
		SLICE("<iq type='get' id='are-you-there' to='localhost'>"
		      "<ping xmlns='urn:xmpp:ping'/></iq>"));
	sim_pass(w->sim, 1000);
	got = buffer_slice(&w->witness.got);
	for (size_t i = 0; i + answer.len <= got.len && !found; i++)
		found = slice_is(slice_make(got.p + i, answer.len), answer);
	assert(w->witness.conn != NULL && found);
}

/* Some minutes after the last of them went. */
static void
check_nothing_is_left(struct world *w)
{
	const struct server *server = sim_target_server(w->target);
	size_t sessions = 0, logins = 0, mail = 0, commands = 0;

	for (unsigned i = 0; i < server->shard_count; i++) {
		sessions += server->shards[i]->session_count;
		logins += server->shards[i]->login_count;
		commands += server->shards[i]->commands->count;
		mail += atomic_load(&server->shards[i]->mail_bytes);
	}
	assert(sessions == 1 && logins == 0 && mail == 0 && commands == 0);
}

static void
finish(struct world *w)
{
	struct target *target = sim_target_interface(w->target);

	let_go(&w->witness);
	(void)target->stop(target);
	sim_pass(w->sim, STEP_MS);
	loop_destroy(&w->loop);
	sim_target_destroy(&w->target);
	sim_destroy(&w->sim);
	buffer_finish(&w->witness.got);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .sim = NULL };

	if (size < 2)
		return 0;
	start(&w, data[0]);
	play(&w, slice_make((const char *)data + 1, size - 1));
	check_witness(&w);
	for (size_t i = 0; i < CLIENTS; i++)
		let_go(&w.clients[i]);
	let_time_pass(&w, 3);
	check_nothing_is_left(&w);
	check_witness(&w);
	finish(&w);
	return 0;
}
