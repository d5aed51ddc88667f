/* Runs statements: subjects, a verb, and the rest. Each verb is a row of a table. */
#include "tools/kith-script/script.h"
#include "tools/kith-script/file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MOST = 1 << 20, SUBJECTS_MOST = 8 };

static struct slice
trim(struct slice s)
{
	while (s.len > 0 && isspace((unsigned char)s.p[0]))
		s = slice_from(s, 1);
	while (s.len > 0 && isspace((unsigned char)s.p[s.len - 1]))
		s.len--;
	return s;
}

static struct client **
find_client(struct script *script, struct slice name)
{
	for (size_t i = 0; i < script->client_count; i++) {
		if (slice_is_text(name, script->clients[i]->name))
			return &script->clients[i];
	}
	return NULL;
}

static void
forget_client(struct script *script, struct client **at)
{
	client_destroy(at);
	*at = script->clients[--script->client_count];
}

static bool
has_ended(struct client *c)
{
	return c->state == CLIENT_ENDED;
}

struct client *
script_add_client(struct script *script, const struct client_wish *wish)
{
	struct client **old = find_client(script, wish->name);

	if (old != NULL)
		forget_client(script, old);
	if (script->client_count == CLIENTS_MOST) {
		(void)script_fail(script, "more than %d sessions", CLIENTS_MOST);
		return NULL;
	}
	return script->clients[script->client_count++] = client_create(&script->world, wish);
}

static int
with_filled(struct script *script, struct client *c, struct slice text,
	int (*step)(struct script *, struct client *, struct slice))
{
	struct buffer filled;

	buffer_init(&filled, TEXT_MOST);
	variables_fill(&script->vars, trim(text), &filled);
	int r = step(script, c, buffer_slice(&filled));
	buffer_finish(&filled);
	return r;
}

static int
send_now(struct script *script, struct client *c, struct slice text)
{
	if (c->conn == NULL)
		return script_fail(script, "%s is not connected: %s", c->name, c->why);
	client_send(c, text);
	return 0;
}

static int
do_send(struct script *script, struct client *c, struct slice rest)
{
	return with_filled(script, c, rest, send_now);
}

static int
do_receive(struct script *script, struct client *c, struct slice rest)
{
	rest = trim(rest);
	if (slice_is_text(rest, "nothing"))
		return step_receive_nothing(script, c);
	if (slice_is_text(rest, "the end of the stream"))
		return step_receive_end(script, c);
	if (slice_starts(rest, SLICE("next ")) || slice_starts(rest, SLICE("next\n")))
		return with_filled(script, c, slice_from(rest, 5), step_receive_next);
	return with_filled(script, c, rest, step_receive);
}

static int
ignore_now(struct script *script, struct client *c, struct slice text)
{
	const char *why = match_check(script->world.names, text);

	if (why != NULL)
		return script_fail(script, "what is ignored is no XML: %s", why);
	client_ignore(c, text);
	return 0;
}

static int
do_ignore(struct script *script, struct client *c, struct slice rest)
{
	return with_filled(script, c, rest, ignore_now);
}

static int
do_disconnect(struct script *script, struct client *c, struct slice rest)
{
	(void)rest;
	client_leave(c);
	return script_wait(script, has_ended, c) ? 0
						 : script_fail(script, "the stream does not end");
}

static int
do_lose(struct script *script, struct client *c, struct slice rest)
{
	if (!slice_is_text(trim(rest), "its connection"))
		return script_fail(script, "loses what?");
	client_lose(c);
	return 0;
}

static int
do_be(struct script *script, struct client *c, struct slice rest)
{
	if (!slice_is_text(trim(rest), "disconnected"))
		return script_fail(script, "is what?");
	return script_wait(script, has_ended, c)
		       ? 0
		       : script_fail(script, "%s is still connected", c->name);
}

static void
say(struct client *a, struct client *b, const char *type)
{
	struct buffer text;
	struct slice to = slice_of(b->full);

	to.len = slice_find(to, '/');
	buffer_init(&text, TEXT_MOST);
	(void)buffer_printf(&text, "<presence type='%s' to='%.*s'/>", type, SLICE_ARG(to));
	client_send(a, buffer_slice(&text));
	buffer_finish(&text);
}

/* A presence from that session, or of that type from its account. */
static int
hear(struct script *script, struct client *b, struct client *a, const char *type)
{
	struct buffer text;
	struct slice from = slice_of(a->full);

	if (type != NULL)
		from.len = slice_find(from, '/');
	buffer_init(&text, TEXT_MOST);
	(void)buffer_printf(&text, "<presence from='%.*s' ", SLICE_ARG(from));
	if (type != NULL)
		(void)buffer_printf(&text, "type='%s' ", type);
	(void)buffer_text(&text, "{...}>…</presence>");
	int r = step_receive(script, b, buffer_slice(&text));
	buffer_finish(&text);
	return r;
}

static void
empty_inbox(struct client *c)
{
	while (c->inbox_count > 0)
		client_drop(c, c->inbox_count - 1);
}

/* Forgets what came, and what was on its way. */
static int
forget_all(struct script *script, struct client *c)
{
	if (step_settle(script, c) < 0)
		return -1;
	empty_inbox(c);
	return 0;
}

/* A asks, B agrees, and A sees B. Who follows the roster hears of the agreement as well. */
static int
subscribe(struct script *script, struct client *a, struct client *b)
{
	say(a, b, "subscribe");
	if (hear(script, b, a, "subscribe") < 0)
		return -1;
	say(b, a, "subscribed");
	return hear(script, a, b, NULL) < 0 ? -1 : forget_all(script, a);
}

static int
do_subscribe(struct script *script, const struct slice *subjects, size_t count)
{
	struct client **a = find_client(script, subjects[0]);
	struct client **b = count == 2 ? find_client(script, subjects[1]) : NULL;

	if (a == NULL || b == NULL)
		return script_fail(script, "two who are connected can subscribe to each other");
	if (subscribe(script, *a, *b) < 0 || subscribe(script, *b, *a) < 0)
		return -1;
	return forget_all(script, *a);
}

/* They use the TLS context until the last; a closed one ends within five seconds by itself. */
static void
let_connections_end(struct script *script)
{
	struct loop_stats stats;

	do {
		loop_turn(script->world.loop, 10);
		loop_stats(script->world.loop, &stats);
	} while (stats.conns > 0);
}

/* Starts the server, if there is one to start, and trusts it. */
static int
meet_server(struct script *script)
{
	struct tls_error error;

	if (script->target != NULL) {
		if (script->target->start(script->target, &script->needs, script->world.password) <
			0)
			return script_fail(script, "the server does not start");
		script->world.port = script->target->port;
		script->world.tls_port = script->target->tls_port;
		script->ca = script->target->ca;
	}
	if (script_find_host(script) < 0)
		return -1;
	script->world.tls = tls_client_create("xmpp-client", script->ca, &error);
	return script->world.tls != NULL ? 0 : script_fail(script, "%s", error.text);
}

static void
let_everyone_leave(struct script *script)
{
	while (script->client_count > 0)
		forget_client(script, &script->clients[0]);
	let_connections_end(script);
	tls_context_destroy(&script->world.tls);
}

/* Everyone leaves, and the server ends. */
static int
part_from_server(struct script *script)
{
	loop_turn(script->world.loop, 0); /* what was said last goes out */
	let_everyone_leave(script);
	if (script->target != NULL && script->target->stop(script->target) < 0)
		return script_fail(script, "the server did not end well");
	return 0;
}

static int
do_restart(struct script *script)
{
	if (script->target == NULL)
		return script_fail(script, "only a server that was started can be restarted");
	return part_from_server(script) < 0 ? -1 : meet_server(script);
}

/* Everyone hears of it. */
static int
do_stop(struct script *script)
{
	if (script->target == NULL)
		return script_fail(script, "only a server that was started can be stopped");
	return script->target->stop(script->target) < 0
		       ? script_fail(script, "the server did not end well")
		       : 0;
}

/* After it stopped: with its data of before, and without its clients. */
static int
do_start(struct script *script)
{
	if (script->target == NULL)
		return script_fail(script, "only a server that was stopped can be started");
	let_everyone_leave(script);
	return meet_server(script);
}

/* In the middle of whatever it does, with all clients there; and it begins anew. */
static int
do_crash(struct script *script)
{
	if (script->target == NULL || script->target->crash == NULL)
		return script_fail(script, "only a server that is a process can crash");
	script->target->crash(script->target);
	return do_start(script);
}

/* "clock advances 5 minutes" */
static int
do_advance(struct script *script, struct slice rest)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = { { "seconds", 1000 }, { "minutes", 60000 }, { "hours", 3600000 } };
	struct slice number = script_word(&rest), unit = script_word(&rest);
	uint64_t count;

	if (script->target == NULL || script->target->pass == NULL)
		return script_fail(script, "only a simulated clock can be advanced");
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (slice_is_text(unit, units[i].name) &&
			slice_to_uint(number, 100000, &count) == 0) {
			script->target->pass(script->target, count * units[i].ms);
			return 0;
		}
	}
	return script_fail(script, "give a number of seconds, minutes or hours");
}

/* "fails to connect" and more words */
static int
do_fail(struct script *script, struct slice subject, struct slice rest)
{
	if (!slice_is_text(script_word(&rest), "to") ||
		!slice_is_text(script_word(&rest), "connect"))
		return script_fail(script, "fails to do what?");
	return step_fail_to_connect(script, subject, rest);
}

/* "juliet stops reading", "juliet reads on" */
static int
do_stop_reading(struct script *script, struct client *c, struct slice rest)
{
	if (!slice_is_text(trim(rest), "reading"))
		return script_fail(script, "stops what?");
	if (c->conn != NULL)
		conn_pause(c->conn);
	return 0;
}

static int
do_read_on(struct script *script, struct client *c, struct slice rest)
{
	if (!slice_is_text(trim(rest), "on"))
		return script_fail(script, "reads what?");
	if (c->conn != NULL)
		conn_resume(c->conn);
	return 0;
}

static const struct {
	const char *verb, *plural;
	int (*run)(struct script *script, struct client *c, struct slice rest);
} verbs[] = {
	{ "sends", "send", do_send },
	{ "receives", "receive", do_receive },
	{ "ignores", "ignore", do_ignore },
	{ "disconnects", "disconnect", do_disconnect },
	{ "loses", "lose", do_lose },
	{ "is", "are", do_be },
	{ "stops", "stop", do_stop_reading },
	{ "reads", "read", do_read_on },
};

static int
run_verb(struct script *script, struct slice subject, struct slice verb, struct slice rest)
{
	if (slice_is_text(verb, "connect") || slice_is_text(verb, "connects"))
		return step_connect(script, subject, rest);
	if (slice_is_text(verb, "fail") || slice_is_text(verb, "fails"))
		return do_fail(script, subject, rest);
	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		if (!slice_is_text(verb, verbs[i].verb) && !slice_is_text(verb, verbs[i].plural))
			continue;
		struct client **c = find_client(script, subject);
		if (c == NULL)
			return script_fail(script, "%.*s never connected", SLICE_ARG(subject));
		return verbs[i].run(script, *c, rest);
	}
	return script_fail(script, "no such verb: %.*s", SLICE_ARG(verb));
}

/* "juliet, romeo and nurse": the subjects; what is left begins with the verb. */
static size_t
read_subjects(struct slice *rest, struct slice out[SUBJECTS_MOST])
{
	size_t count = 0;
	bool more = true;

	while (more && count < SUBJECTS_MOST) {
		struct slice word = script_word(rest), ahead = *rest;

		more = word.len > 0 && word.p[word.len - 1] == ',';
		if (more)
			word.len--;
		out[count++] = word;
		if (!more && slice_is_text(script_word(&ahead), "and")) {
			more = true;
			*rest = ahead;
		}
	}
	return count;
}

static int
run_statement(struct script *script, const struct statement *statement)
{
	struct slice rest = slice_of(statement->text), subjects[SUBJECTS_MOST];
	int r = 0;

	script->line = statement->line;
	size_t count = read_subjects(&rest, subjects);
	if (statement_is_need(statement))
		return 0;
	struct slice verb = script_word(&rest);
	if (slice_is_text(subjects[0], "server") && slice_is_text(verb, "restarts"))
		return do_restart(script);
	if (slice_is_text(subjects[0], "server") && slice_is_text(verb, "stops"))
		return do_stop(script);
	if (slice_is_text(subjects[0], "server") && slice_is_text(verb, "starts"))
		return do_start(script);
	if (slice_is_text(subjects[0], "server") && slice_is_text(verb, "crashes"))
		return do_crash(script);
	if (slice_is_text(subjects[0], "clock") && slice_is_text(verb, "advances"))
		return do_advance(script, rest);
	if (slice_is_text(verb, "subscribe"))
		return do_subscribe(script, subjects, count);
	for (size_t i = 0; i < count && r == 0; i++)
		r = run_verb(script, subjects[i], verb, rest);
	return r;
}

static int
run_statements(struct script *script, const struct statement *list, size_t count)
{
	int r = meet_server(script);

	for (size_t i = 0; i < count && r == 0; i++)
		r = run_statement(script, &list[i]);
	return part_from_server(script) < 0 ? -1 : r;
}

int
script_run_file(struct script *script, const char *path)
{
	struct statement *list;
	int count = statements_read(path, &list), r;

	script->path = path;
	script->line = 0;
	if (count < 0)
		return script_fail(script, "%s", strerror(errno));
	needs_read(&script->needs, list, (size_t)count);
	r = run_statements(script, list, (size_t)count);
	variables_finish(&script->vars);
	needs_finish(&script->needs);
	statements_free(list, (size_t)count);
	return r;
}
