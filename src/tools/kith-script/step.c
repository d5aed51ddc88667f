/*
 * What "receives" means. XMPP keeps the order of stanzas between two addresses and no other, so a
 * stanza may be taken before one that came earlier only if that has another sender. "Nothing" is
 * known without a clock: everyone sends a marker the way that a stanza would have come, and when
 * the markers are there, whatever was under way before them is there too.
 */
#include "tools/kith-script/script.h"

#include "xml/scanner.h"
#include "xml/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { DEADLINE_MS = 5000, SETTLED_MS = 2000, TEXT_MOST = 1 << 20 };

int
script_fail(const struct script *script, const char *format, ...)
{
	va_list args;

	(void)printf("%s:%u: ", script->path, script->line);
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	(void)printf("\n");
	return -1;
}

bool
script_wait(struct script *script, bool (*done)(struct client *), struct client *client)
{
	uint64_t end = loop_now_ms(script->world.loop) + DEADLINE_MS;

	while (!done(client)) {
		if (loop_now_ms(script->world.loop) >= end)
			return false;
		loop_turn(script->world.loop, 100);
	}
	return true;
}

/* The sender of a stanza as it was kept: its from attribute in the arena, p NULL: none. */
static struct slice
sender(const struct script *script, const char *stanza, struct arena *arena)
{
	struct xml_tokens tokens;
	const char *why;
	struct slice from = NO_SLICE;

	xml_tokens_init(&tokens);
	if (xml_read(script->world.names, &xml_limits_own, NS_ID_CLIENT, slice_of(stanza), &tokens,
		    arena, &why) == 0)
		from = arena_copy(arena, xml_attribute(tokens.v, NAME_FROM));
	xml_tokens_finish(&tokens);
	return from;
}

/* Whether an earlier stanza of the same sender must be taken first. */
static bool
is_behind(const struct script *script, const struct client *c, size_t number)
{
	struct arena arena;
	bool behind = false;

	arena_init(&arena, 0);
	struct slice from = sender(script, c->inbox[number], &arena);
	for (size_t i = 0; i < number && !behind; i++)
		behind = slice_is(from, sender(script, c->inbox[i], &arena));
	arena_finish(&arena);
	return behind;
}

static void
drop_ignored(struct script *script, struct client *c)
{
	for (size_t p = 0; p < c->ignored_count; p++) {
		for (size_t i = c->inbox_count; i-- > 0;) {
			if (match(script->world.names, slice_of(c->ignored[p]),
				    slice_of(c->inbox[i]), &script->vars))
				client_drop(c, i);
		}
	}
}

/* Takes what fits among the first so many. */
static bool
take(struct script *script, struct client *c, struct slice expected, size_t most)
{
	drop_ignored(script, c);
	for (size_t i = 0; i < c->inbox_count && i < most; i++) {
		if (is_behind(script, c, i))
			continue;
		if (match(script->world.names, expected, slice_of(c->inbox[i]), &script->vars)) {
			client_drop(c, i);
			return true;
		}
	}
	return false;
}

void
script_print_inbox(const struct client *c)
{
	for (size_t i = 0; i < c->inbox_count; i++)
		(void)printf("\t%s\n", c->inbox[i]);
	if (c->inbox_count == 0)
		(void)printf("\tnothing\n");
	if (c->why != NULL)
		(void)printf("\tthen: %s\n", c->why);
}

static int
receive(struct script *script, struct client *c, struct slice expected, size_t most)
{
	uint64_t end = loop_now_ms(script->world.loop) + DEADLINE_MS;
	const char *why = match_check(script->world.names, expected);

	if (why != NULL)
		return script_fail(script, "what is expected is no XML: %s", why);
	while (!take(script, c, expected, most)) {
		if (loop_now_ms(script->world.loop) >= end || c->state == CLIENT_ENDED) {
			(void)script_fail(script, "%s should receive\n\t%.*s\nand received",
				c->name, SLICE_ARG(expected));
			script_print_inbox(c);
			return -1;
		}
		loop_turn(script->world.loop, 100);
	}
	return 0;
}

int
step_receive(struct script *script, struct client *c, struct slice expected)
{
	return receive(script, c, expected, SIZE_MAX);
}

int
step_receive_next(struct script *script, struct client *c, struct slice expected)
{
	return receive(script, c, expected, 1);
}

static bool
has_ended(struct client *c)
{
	return c->state == CLIENT_ENDED;
}

int
step_receive_end(struct script *script, struct client *c)
{
	if (!script_wait(script, has_ended, c) || !c->has_closing_tag) {
		(void)script_fail(
			script, "%s should receive the stream's end, and received", c->name);
		script_print_inbox(c);
		return -1;
	}
	return 0;
}

/* Takes what fits out of the inbox, whatever came before it. */
static bool
take_marker(struct script *script, struct client *c, struct slice expected)
{
	for (size_t i = 0; i < c->inbox_count; i++) {
		if (match(script->world.names, expected, slice_of(c->inbox[i]), &script->vars)) {
			client_drop(c, i);
			return true;
		}
	}
	return false;
}

/* The kind of stanza with that number comes to c, or back to who sent it (who may be c). */
static int
await_marker(struct script *script, struct client *c, struct client *sender, const char *kind,
	unsigned id)
{
	uint64_t end = loop_now_ms(script->world.loop) + DEADLINE_MS;
	char expected[128];

	(void)snprintf(
		expected, sizeof(expected), "<%s id='barrier-%u' {...}>…</%s>", kind, id, kind);
	while (!take_marker(script, c, slice_of(expected)) &&
		!take_marker(script, sender, slice_of(expected))) {
		if (loop_now_ms(script->world.loop) >= end || c->state != CLIENT_READY)
			return script_fail(script, "no marker comes to %s", c->name);
		loop_turn(script->world.loop, 100);
	}
	return 0;
}

/* It asks its server and waits: all that it sent before was handled there. */
int
step_settle(struct script *script, struct client *c)
{
	char text[512];
	unsigned id = ++script->barriers;

	(void)snprintf(text, sizeof(text),
		"<iq type='get' id='barrier-%u' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", id,
		script->world.domain);
	client_send(c, slice_of(text));
	return await_marker(script, c, c, "iq", id);
}

/* Each sends a marker to the one who waits, and to no other device of that one; who is blocked gets
 * an error for it from there. */
static int
mark(struct script *script, struct client *from, struct client *to)
{
	struct buffer text;
	unsigned id = ++script->barriers;

	buffer_init(&text, TEXT_MOST);
	(void)buffer_printf(&text, "<message type='chat' id='barrier-%u' to='", id);
	xml_write_value(&text, slice_of(to->full));
	(void)buffer_text(&text, "'><private xmlns='urn:xmpp:carbons:2'/>"
				 "<no-copy xmlns='urn:xmpp:hints'/></message>");
	client_send(from, buffer_slice(&text));
	buffer_finish(&text);
	return await_marker(script, to, from, "message", id);
}

int
step_receive_nothing(struct script *script, struct client *c)
{
	if (c->full == NULL)
		return script_fail(script, "nothing can be awaited before there is a resource");
	/* Markers overtake what waits for the store; a simulated server has time for all of it. */
	if (script->target != NULL && script->target->pass != NULL)
		script->target->pass(script->target, SETTLED_MS);
	for (size_t i = 0; i < script->client_count; i++) {
		struct client *other = script->clients[i];

		if (other->full == NULL || other->state != CLIENT_READY)
			continue;
		if (step_settle(script, other) < 0 || mark(script, other, c) < 0)
			return -1;
	}
	if (step_settle(script, c) < 0)
		return -1;
	drop_ignored(script, c);
	if (c->inbox_count == 0)
		return 0;
	(void)script_fail(script, "%s should receive nothing, and received", c->name);
	script_print_inbox(c);
	return -1;
}
