/*
 * Signing in by the newer profile, over TLS, to a whole server on a simulated machine: records of a
 * byte (who does what) and text up to a NUL, which is what else is asked for with a sign-in, or
 * anything. Tokens that are given out are used again, with and without a count.
 *
 * A use that was counted lets nobody in a second time, whatever comes between; in the end a witness
 * is still served, and nothing of the others is left.
 */
#include "fuzz.h"
#include "people.h"
#include "sim_target.h"

#include "io/conn.h"
#include "io/sim.h"
#include "io/tls.h"
#include "proto/base64.h"
#include "proto/sasl_ht.h"
#include "server/server_internal.h"

#include <assert.h>
#include <errno.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { RECORDS_MOST = 24, CLIENTS = 2, SECRET_MOST = 128, INBOX_MOST = 1 << 20 };

/* What the bits of a record's byte above the client's say. */
enum action { CONNECT, SEND, BY_PASSWORD, BY_TOKEN, AGAIN, ABORT, WAIT, RESTART, ACTIONS };

struct client {
	const char *user, *plain, *agent;
	struct conn *conn; /* NULL: not connected */
	struct buffer got; /* since the last action */
	char secret[SECRET_MOST];
	unsigned count, accepted; /* the last use that was tried, and that let it in */
};

struct world {
	struct place place;
	struct client clients[CLIENTS];
	struct person witness;
};

static char directory[] = "/tmp/kith-fuzz-XXXXXX";
static struct tls_context *trust;

static void
remove_files(void)
{
	static const char *const names[] = { "ca.pem", "cert.pem", "key.pem" };
	char path[sizeof(directory) + 16];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(directory);
}

/* libFuzzer ends without atexit, and a find ends by a signal: a child sees either, and cleans. */
static void
remove_files_at_end(void)
{
	int ends[2];
	char byte;

	if (pipe(ends) < 0)
		abort();
	if (fork() != 0) {
		(void)close(ends[0]);
		return;
	}
	(void)close(ends[1]);
	while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
		;
	remove_files();
	_exit(0);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const domains[] = { "localhost" };
	char ca[sizeof(directory) + 16];
	struct tls_error error;

	(void)argc, (void)argv;
	if (mkdtemp(directory) == NULL || tls_make(directory, domains, 1, &error) < 0)
		abort();
	(void)snprintf(ca, sizeof(ca), "%s/ca.pem", directory);
	trust = tls_client_create("xmpp-client", ca, &error);
	if (trust == NULL)
		abort();
	remove_files_at_end();
	return 0;
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

static const struct conn_handler handler = { .input = keep, .closed = closed };

static void
let_go(struct client *c)
{
	if (c->conn != NULL)
		conn_abort(c->conn);
	c->conn = NULL;
}

static void
say(struct world *w, struct client *c, struct slice text)
{
	if (c->conn != NULL)
		conn_write(c->conn, text);
	sim_pass(w->place.sim, 1000);
}

static void
arrive(struct world *w, struct client *c)
{
	const struct target *target = sim_target_interface(w->place.target);
	const struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)target->tls_port) };

	let_go(c);
	c->conn = conn_connect(
		w->place.loop, (const struct sockaddr *)(const void *)&to, sizeof(to), &handler, c);
	assert(c->conn != NULL);
	conn_start_tls(c->conn, trust, false, "localhost");
	say(w, c,
		SLICE("<stream:stream xmlns='jabber:client' to='localhost' version='1.0' "
		      "xmlns:stream='http://etherx.jabber.org/streams'>"));
}

static bool
heard(const struct client *c, const char *text)
{
	return c->got.len > 0 && memmem(c->got.data, c->got.len, text, strlen(text)) != NULL;
}

/* The token that came with the last answer is the one to use from now on. */
static void
keep_token(struct client *c)
{
	static const char before[] = " token='";
	const char *found = c->got.len == 0
				    ? NULL
				    : memmem(c->got.data, c->got.len, before, strlen(before));
	struct slice rest;

	if (found == NULL)
		return;
	rest = slice_make(found + strlen(before),
		c->got.len - (size_t)(found - c->got.data) - strlen(before));
	rest.len = slice_find(rest, '\'');
	if (rest.len >= SECRET_MOST)
		return;
	(void)snprintf(c->secret, SECRET_MOST, "%.*s", SLICE_ARG(rest));
	c->count = c->accepted = 0;
}

static void
by_password(struct world *w, struct client *c, struct slice inside)
{
	struct buffer out;

	buffer_init(&out, INBOX_MOST);
	(void)buffer_printf(&out,
		"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>%s"
		"</initial-response><user-agent id='%s'/>"
		"<request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>",
		c->plain, c->agent);
	(void)buffer_append(&out, inside);
	(void)buffer_text(&out, "</authenticate>");
	say(w, c, buffer_slice(&out));
	buffer_finish(&out);
	keep_token(c);
}

static void
write_proof(const struct client *c, struct buffer *out)
{
	unsigned char proof[EVP_MAX_MD_SIZE];
	char text[SECRET_MOST + 64];
	unsigned len = 0;
	int size = snprintf(text, sizeof(text), "%s", c->user);

	(void)HMAC(EVP_sha256(), c->secret, (int)strlen(c->secret),
		(const unsigned char *)"Initiator", strlen("Initiator"), proof, &len);
	memcpy(text + size + 1, proof, len);
	(void)base64_append(slice_make(text, (size_t)size + 1 + len), out);
}

/* What closes the element may begin another sign-in, of which nothing is known. */
static bool
is_inside(struct slice text)
{
	return text.len == 0 || memmem(text.p, text.len, "</", 2) == NULL;
}

static void
by_token(struct world *w, struct client *c, struct slice inside)
{
	struct buffer out;

	buffer_init(&out, INBOX_MOST);
	(void)buffer_text(&out, "<authenticate xmlns='urn:xmpp:sasl:2' "
				"mechanism='HT-SHA-256-NONE'><initial-response>");
	write_proof(c, &out);
	(void)buffer_printf(&out,
		"</initial-response><user-agent id='%s'/><fast xmlns='urn:xmpp:fast:0' count='%u'"
		"/>",
		c->agent, c->count);
	(void)buffer_append(&out, inside);
	(void)buffer_text(&out, "</authenticate>");
	say(w, c, buffer_slice(&out));
	buffer_finish(&out);
	if (is_inside(inside) && heard(c, "<success xmlns='urn:xmpp:sasl:2'")) {
		assert(c->count > c->accepted);
		c->accepted = c->count;
	}
	keep_token(c);
}

static void
let_time_pass(struct world *w, size_t steps)
{
	for (size_t i = 0; i < steps; i++) {
		sim_pass(w->place.sim, 60000);
		person_say_text(&w->place, &w->witness, " ");
	}
}

static void
restart(struct world *w)
{
	for (size_t i = 0; i < CLIENTS; i++)
		let_go(&w->clients[i]);
	person_leave(&w->witness);
	place_restart(&w->place);
	person_arrive(&w->place, &w->witness, "nurse", "r");
}

static void
act(struct world *w, unsigned char what, struct slice text)
{
	struct client *c = &w->clients[what % CLIENTS];
	enum action action = (enum action)(what / CLIENTS % ACTIONS);

	buffer_clear(&c->got);
	if (c->conn == NULL || action == CONNECT || action == BY_TOKEN || action == AGAIN)
		arrive(w, c);
	switch (action) {
	case SEND:
		say(w, c, text);
		break;
	case BY_PASSWORD:
		by_password(w, c, text);
		break;
	case BY_TOKEN:
		c->count++;
		by_token(w, c, text);
		break;
	case AGAIN:
		by_token(w, c, text);
		break;
	case ABORT:
		let_go(c);
		break;
	case WAIT:
		let_time_pass(w, 1 + text.len % 12);
		break;
	case RESTART:
		restart(w);
		break;
	default:
		break;
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
check_nothing_is_left(struct place *place)
{
	const struct server *server = sim_target_server(place->target);
	size_t sessions = 0, logins = 0;

	for (unsigned i = 0; i < server->shard_count; i++) {
		sessions += server->shards[i]->session_count;
		logins += server->shards[i]->login_count;
	}
	assert(sessions == 1 && logins == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const settings[] = { "c2s.resume_timeout=60s", "auth.failures=1000" };
	struct world w = {
		.place.directory = directory,
		.clients = { { .user = "juliet",
				     .plain = "AGp1bGlldABzZWNyZXQ=",
				     .agent = "d4565fa7-4d72-4749-b3d3-740edbf87770" },
			{ .user = "romeo",
				.plain = "AHJvbWVvAHNlY3JldA==",
				.agent = "11111111-2222-4333-8444-555555555555" } },
	};

	if (size < 2)
		return 0;
	place_open(&w.place, data[0], settings, COUNT_OF(settings));
	for (size_t i = 0; i < CLIENTS; i++)
		buffer_init(&w.clients[i].got, INBOX_MOST);
	person_arrive(&w.place, &w.witness, "nurse", "r");
	play(&w, slice_make((const char *)data + 1, size - 1));
	for (size_t i = 0; i < CLIENTS; i++)
		let_go(&w.clients[i]);
	let_time_pass(&w, 4);
	assert(person_is_served(&w.place, &w.witness));
	check_nothing_is_left(&w.place);
	person_leave(&w.witness);
	place_close(&w.place);
	for (size_t i = 0; i < CLIENTS; i++)
		buffer_finish(&w.clients[i].got);
	return 0;
}
