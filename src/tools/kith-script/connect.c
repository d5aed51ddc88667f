/*
 * "connects" and "fails to connect": how a session is to be is read from the statement, and the
 * session is waited for. Without a word it goes all the way to initial presence.
 */
#include "tools/kith-script/file.h"
#include "tools/kith-script/script.h"

#include <netdb.h>
#include <stdio.h>

struct wish {
	struct client_wish client;
	bool presence;
};

static bool
read_user(struct client_wish *wish, struct slice value)
{
	size_t slash = slice_find(value, '/');
	struct slice bare = slice_make(value.p, slash);
	size_t at = slice_find(bare, '@');

	wish->user = slice_make(bare.p, at);
	if (at < bare.len)
		wish->domain = slice_from(bare, at + 1);
	if (slash < value.len)
		wish->resource = slice_from(value, slash + 1);
	return value.len > 0;
}

static bool
read_mechanism(struct client_wish *wish, struct slice value)
{
	enum sasl_mechanism mechanism = sasl_mechanism_find(value);

	wish->allowed = SASL_BIT(mechanism);
	return mechanism != SASL_NO_MECHANISM;
}

static bool
read_password(struct client_wish *wish, struct slice value)
{
	wish->password = value;
	return value.len > 0;
}

/* Where it stops. */
static bool
read_goal(struct client_wish *wish, struct slice value)
{
	static const struct {
		const char *missing;
		enum client_goal goal;
	} goals[] = {
		{ "stream", GOAL_CONNECTED },
		{ "TLS", GOAL_OFFERED },
		{ "sign-in", GOAL_ENCRYPTED },
		{ "binding", GOAL_SIGNED_IN },
		{ "presence", GOAL_BOUND },
	};

	for (size_t i = 0; i < COUNT_OF(goals); i++) {
		if (slice_is_text(value, goals[i].missing)) {
			wish->goal = goals[i].goal;
			return true;
		}
	}
	return false;
}

static bool
read_way(struct client_wish *wish, struct slice value)
{
	wish->direct_tls = slice_is_text(value, "TLS");
	return wish->direct_tls;
}

static bool
read_origin(struct client_wish *wish, struct slice value)
{
	wish->from = value;
	return value.len > 0;
}

static const struct {
	const char *word;
	bool (*read)(struct client_wish *wish, struct slice value);
} words[] = {
	{ "as", read_user },
	{ "with", read_mechanism },
	{ "password", read_password },
	{ "without", read_goal },
	{ "by", read_way },
	{ "from", read_origin },
};

static bool
read_pair(struct client_wish *wish, struct slice word, struct slice value)
{
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (slice_is_text(word, words[i].word))
			return words[i].read(wish, value);
	}
	return false;
}

static int
read_wish(struct script *script, struct slice rest, struct wish *wish)
{
	struct slice word;

	wish->presence = true;
	while ((word = script_word(&rest)).len > 0) {
		struct slice value = script_word(&rest);

		if (!read_pair(&wish->client, word, value))
			return script_fail(script, "connects how? %.*s %.*s", SLICE_ARG(word),
				SLICE_ARG(value));
		if (slice_is_text(word, "without"))
			wish->presence = false;
	}
	if (wish->client.direct_tls && wish->client.from.len > 0)
		return script_fail(script, "a PROXY header goes before STARTTLS only");
	return 0;
}

static bool
has_settled(struct client *c)
{
	return c->state != CLIENT_SIGNING_IN;
}

/* NULL: the reason was printed. The session has settled, or takes too long. */
static struct client *
begin(struct script *script, struct slice name, struct slice rest, bool *presence_out)
{
	struct wish wish = { .client = { .name = name,
				     .user = name,
				     .password = slice_of(script->world.password),
				     .resource = SLICE(""),
				     .goal = GOAL_BOUND } };
	struct client *c;

	if (read_wish(script, rest, &wish) < 0)
		return NULL;
	c = script_add_client(script, &wish.client);
	if (c != NULL && !script_wait(script, has_settled, c)) {
		(void)script_fail(script, "%s takes too long to connect", c->name);
		return NULL;
	}
	*presence_out = wish.presence;
	return c;
}

static void
name_variable(struct script *script, const struct client *c, const char *what, struct slice value)
{
	char name[256];

	(void)snprintf(name, sizeof(name), "%s.%s", c->name, what);
	variables_set(&script->vars, slice_of(name), value);
}

static void
name_client(struct script *script, const struct client *c)
{
	struct slice full = slice_of(c->full);
	size_t slash = slice_find(full, '/');

	name_variable(script, c, "full", full);
	name_variable(script, c, "bare", slice_make(full.p, slash));
	if (slash < full.len)
		name_variable(script, c, "resource", slice_from(full, slash + 1));
}

static int
send_presence(struct script *script, struct client *c)
{
	char text[4096];

	client_send(c, SLICE("<presence/>"));
	(void)snprintf(text, sizeof(text), "<presence from='%s' {...}>…</presence>", c->full);
	return step_receive(script, c, slice_of(text));
}

int
step_connect(struct script *script, struct slice name, struct slice rest)
{
	bool presence;
	struct client *c = begin(script, name, rest, &presence);

	if (c == NULL)
		return -1;
	if (c->state != CLIENT_READY) {
		(void)script_fail(script, "%s cannot connect: %s", c->name, c->why);
		script_print_inbox(c);
		return -1;
	}
	if (c->full != NULL)
		name_client(script, c);
	return presence ? send_presence(script, c) : 0;
}

int
step_fail_to_connect(struct script *script, struct slice name, struct slice rest)
{
	bool presence;
	struct client *c = begin(script, name, rest, &presence);

	if (c == NULL)
		return -1;
	return c->state != CLIENT_READY ? 0 : script_fail(script, "%s can connect", c->name);
}

int
script_find_host(struct script *script)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct world *world = &script->world;
	const char *host = world->host == NULL ? "127.0.0.1" : world->host;
	struct addrinfo *found;
	char port[16];
	int r;

	(void)snprintf(port, sizeof(port), "%u", world->port);
	r = getaddrinfo(host, port, &hints, &found);
	if (r != 0)
		return script_fail(script, "%s: %s", host, gai_strerror(r));
	memcpy(&world->address, found->ai_addr, found->ai_addrlen);
	world->address_size = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}
