/*
 * The events of proto/stream drive the sign-in; later ones fill the inbox with the stanzas as
 * text, so that a step can compare and print them whenever it comes to it.
 */
#include "tools/kith-script/client.h"

#include "xml/writer.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

enum { MECHANISMS_MOST = 32, STANZA_MOST = 1 << 20 };

static void
end(struct client *c, const char *why)
{
	if (c->conn != NULL)
		conn_close(c->conn);
	c->conn = NULL;
	c->state = CLIENT_ENDED;
	if (c->why == NULL)
		c->why = xstrndup(why, strlen(why));
}

/* The server's answer is in the inbox; the connection stays. */
static void
refuse(struct client *c, const char *why)
{
	c->state = CLIENT_REFUSED;
	c->why = xstrndup(why, strlen(why));
}

/* RFC 6120 4.7.1: who comes says so, once nobody else hears it. */
static void
open_stream(struct client *c)
{
	struct buffer from;

	buffer_init(&from, LIMIT_JID);
	if (conn_is_tls(c->conn))
		(void)buffer_printf(&from, "%s@%s", c->user, c->domain);
	stream_write_header(conn_output(c->conn), NO_SLICE,
		from.len == 0 ? NO_SLICE : buffer_slice(&from), slice_of(c->domain), NO_SLICE);
	buffer_finish(&from);
}

static struct sasl_bindings
get_bindings(struct client *c)
{
	struct sasl_bindings b = { 0 };
	char data[64];
	size_t n = conn_tls_exporter(c->conn, data);

	if (n > 0)
		b.data[SASL_TLS_EXPORTER] = arena_copy(&c->sasl_arena, slice_make(data, n));
	n = conn_tls_end_point(c->conn, data);
	if (n > 0)
		b.data[SASL_TLS_SERVER_END_POINT] = arena_copy(&c->sasl_arena, slice_make(data, n));
	return b;
}

/* The texts of an element's children. */
static size_t
list_texts(struct client *c, const struct xml_token *list, struct slice out[MECHANISMS_MOST])
{
	size_t n = 0;
	const struct xml_token *child = list == NULL ? NULL : xml_first_child(list);

	for (; child != NULL && n < MECHANISMS_MOST; child = xml_next_sibling(child))
		out[n++] = xml_text(child, &c->arena);
	return n;
}

/* XEP-0440 */
static size_t
list_bindings(const struct xml_token *features, struct slice out[MECHANISMS_MOST])
{
	const struct xml_token *list = xml_first_child(features), *child;
	size_t n = 0;

	while (list != NULL && !slice_is_text(list->local, "sasl-channel-binding"))
		list = xml_next_sibling(list);
	child = list == NULL ? NULL : xml_first_child(list);
	for (; child != NULL && n < MECHANISMS_MOST; child = xml_next_sibling(child))
		out[n++] = xml_attribute(child, NAME_TYPE);
	return n;
}

static void
start_sasl(struct client *c, const struct xml_token *features)
{
	struct slice names[MECHANISMS_MOST], bindings[MECHANISMS_MOST];
	const struct xml_token *list = xml_child(features, NS_ID_SASL, NAME_MECHANISMS);
	const struct sasl_offer offer = {
		.mechanisms = names,
		.mechanism_count = list_texts(c, list, names),
		.bindings = bindings,
		.binding_count = list_bindings(features, bindings),
	};
	const struct sasl_client_config config = {
		.user = slice_of(c->user),
		.password = slice_of(c->password),
		.allowed = c->allowed,
		.encrypted = true,
		.min_iterations = 1,
		.bindings = get_bindings(c),
	};

	c->sasl = sasl_client_create(&c->sasl_arena, c->world->sasl, &config);
	if (sasl_client_choose(c->sasl, &offer) < 0) {
		end(c, "the server offers no mechanism that is wanted");
		return;
	}
	struct sasl_client_step step = sasl_client_start(c->sasl);
	if (step.verdict != SASL_SEND) {
		end(c, step.text);
		return;
	}
	stream_write_auth(&c->stream, conn_output(c->conn),
		sasl_mechanism_name(sasl_client_mechanism(c->sasl)),
		sasl_data_encode(step.data, &c->arena));
}

static struct sasl_client_step
give_keys(struct client *c, const struct sasl_client_step *wanted)
{
	struct scram_client_keys keys;

	if (scram_client_keys_make(slice_of(c->password), wanted->hash, wanted->salt,
		    wanted->iterations, &keys) < 0)
		return (struct sasl_client_step){ .verdict = SASL_FAILED, .text = "bad salt" };
	return sasl_client_keys(c->sasl, &keys);
}

static void
on_challenge(struct client *c, struct slice text)
{
	struct slice data;

	if (c->sasl == NULL || sasl_data_decode(text, &c->arena, &data) < 0) {
		end(c, "a bad challenge came");
		return;
	}
	struct sasl_client_step step = sasl_client_step(c->sasl, data);
	if (step.verdict == SASL_NEED_KEYS)
		step = give_keys(c, &step);
	if (step.verdict == SASL_SEND)
		stream_write_response(conn_output(c->conn), sasl_data_encode(step.data, &c->arena));
	else
		end(c, step.text);
}

static void
on_success(struct client *c, struct slice text)
{
	struct slice data;

	if (c->sasl == NULL || sasl_data_decode(text, &c->arena, &data) < 0 ||
		sasl_client_success(c->sasl, data).verdict != SASL_DONE) {
		end(c, "the server did not prove that it knows the password");
		return;
	}
	stream_restart(&c->stream);
	open_stream(c);
}

static void
keep(struct client *c, const struct xml_token *element)
{
	struct buffer text;

	buffer_init(&text, STANZA_MOST);
	xml_write_element(&text, element, SLICE("jabber:client"));
	c->inbox = xrealloc(c->inbox, size_mul(c->inbox_count + 1, sizeof(c->inbox[0])));
	c->inbox[c->inbox_count++] = xstrndup(text.data, text.len);
	buffer_finish(&text);
}

/* Whether these features are where the client was to stop. */
static bool
is_at_goal(const struct client *c, const struct stream_event *event)
{
	return c->goal == GOAL_OFFERED || (c->goal == GOAL_ENCRYPTED && conn_is_tls(c->conn)) ||
	       (c->goal == GOAL_SIGNED_IN && (event->features & FEATURE_BIND) != 0);
}

static void
on_features(struct client *c, const struct stream_event *event)
{
	bool has_tls = conn_is_tls(c->conn);

	if (is_at_goal(c, event)) {
		c->state = CLIENT_READY;
		keep(c, event->element);
	} else if (!has_tls && (event->features & FEATURE_TLS) != 0) {
		stream_write_starttls(conn_output(c->conn));
	} else if ((event->features & FEATURE_SASL) != 0) {
		start_sasl(c, event->element);
	} else if ((event->features & FEATURE_BIND) != 0) {
		stream_write_bind(&c->stream, conn_output(c->conn),
			c->resource[0] == '\0' ? NO_SLICE : slice_of(c->resource));
	} else {
		end(c, "the server offers nothing that leads on");
	}
}

static void
on_bound(struct client *c, struct slice address)
{
	c->full = xstrndup(address.p, address.len);
	c->state = CLIENT_READY;
}

/* The server did not do what was asked for. */
static void
on_refusal(struct client *c, const struct stream_event *e, const char *why)
{
	keep(c, e->element);
	refuse(c, why);
}

static void
on_close(struct client *c)
{
	c->has_closing_tag = true;
	if (!c->has_left)
		stream_write_close(conn_output(c->conn)); /* RFC 6120 4.4: some servers wait */
	end(c, "the server ended the stream");
}

/* While the client signs in by itself. */
static void
on_sign_in(struct client *c, const struct stream_event *e)
{
	switch (e->kind) {
	case STREAM_FEATURES:
		on_features(c, e);
		break;
	case STREAM_PROCEED:
		conn_start_tls(c->conn, c->world->tls, false, c->domain);
		stream_restart(&c->stream);
		break;
	case STREAM_AUTH_RESPONSE:
		on_challenge(c, e->data);
		break;
	case STREAM_AUTH_SUCCESS:
		on_success(c, e->data);
		break;
	case STREAM_AUTH_FAILURE:
		on_refusal(c, e, "the server refused the sign-in");
		break;
	case STREAM_BOUND:
		on_bound(c, e->data);
		break;
	case STREAM_OTHER:
		on_refusal(c, e, "the server refused the resource");
		break;
	case STREAM_OPENED:
		break;
	default:
		keep(c, e->element);
	}
}

/*
 * At the goal the scenario sees it all; after a sign-in by hand a new stream begins. No element may
 * be called stream:stream, so a header is kept as stream:header.
 */
static void
on_scenario(struct client *c, const struct stream_event *e)
{
	if (e->kind == STREAM_OPENED)
		c->tokens.v[0].local = SLICE("header");
	keep(c, e->element);
	if (e->element->ns == NS_ID_SASL && e->element->name == NAME_SUCCESS)
		stream_restart(&c->stream);
}

static void
on_event(struct client *c, const struct stream_event *e)
{
	if (e->kind == STREAM_CLOSED)
		on_close(c);
	else if (e->kind == STREAM_FAILED)
		end(c, e->text == NULL ? "the server sent a bad stream" : e->text);
	else if (c->state == CLIENT_SIGNING_IN)
		on_sign_in(c, e);
	else
		on_scenario(c, e);
}

static size_t
on_input(struct conn *conn, struct slice bytes)
{
	struct client *c = conn_owner(conn);
	size_t done = 0;

	while (c->conn != NULL) {
		struct stream_event event;
		size_t used = 0;

		arena_reset(&c->arena);
		stream_next(
			&c->stream, slice_from(bytes, done), &c->tokens, &c->arena, &used, &event);
		if (event.kind == STREAM_NEED_MORE)
			return done + used;
		on_event(c, &event);
		done += used;
		if (event.kind == STREAM_PROCEED)
			break;
	}
	return done;
}

static void
on_closed(struct conn *conn, int why)
{
	struct client *c = conn_owner(conn);

	c->conn = NULL;
	end(c, why == 0 ? "the connection ended" : strerror(why));
}

static void
on_secured(struct conn *conn)
{
	open_stream(conn_owner(conn));
}

static const struct conn_handler handler = {
	.input = on_input,
	.closed = on_closed,
	.secured = on_secured,
};

static char *
copy(struct slice text)
{
	return xstrndup(text.p, text.len);
}

static void
set_port(struct sockaddr_storage *address, unsigned port)
{
	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)(void *)address)->sin6_port = htons((uint16_t)port);
	else
		((struct sockaddr_in *)(void *)address)->sin_port = htons((uint16_t)port);
}

/* Connected, on its way into TLS if it is to begin with that. NULL and errno. */
static struct conn *
reach(struct client *c, const struct client_wish *wish)
{
	struct sockaddr_storage address = c->world->address;
	struct conn *conn;

	if (wish->direct_tls)
		set_port(&address, c->world->tls_port);
	conn = conn_connect(c->world->loop, (const struct sockaddr *)(const void *)&address,
		c->world->address_size, &handler, c);
	if (conn != NULL && wish->from.len > 0)
		(void)buffer_printf(conn_output(conn), "PROXY TCP4 %.*s 127.0.0.1 40000 5222\r\n",
			SLICE_ARG(wish->from));
	if (conn != NULL && wish->direct_tls)
		conn_start_tls(conn, c->world->tls, false, c->domain);
	return conn;
}

struct client *
client_create(const struct world *world, const struct client_wish *wish)
{
	struct client *c = xcalloc(1, sizeof(*c));

	c->world = world;
	c->name = copy(wish->name);
	c->user = copy(wish->user);
	c->domain = copy(wish->domain.len > 0 ? wish->domain : slice_of(world->domain));
	c->password = copy(wish->password);
	c->resource = copy(wish->resource);
	c->allowed = wish->allowed;
	c->goal = wish->goal;
	stream_init(&c->stream, STREAM_CLIENT, world->names, &xml_limits_own);
	xml_tokens_init(&c->tokens);
	arena_init(&c->arena, 0);
	arena_init(&c->sasl_arena, 0);
	c->conn = reach(c, wish);
	if (c->conn == NULL)
		end(c, strerror(errno));
	else if (c->goal == GOAL_CONNECTED)
		c->state = CLIENT_READY;
	else if (!wish->direct_tls)
		open_stream(c); /* else when TLS is there */
	return c;
}

static void
free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

void
client_destroy(struct client **client)
{
	struct client *c = *client;

	*client = NULL;
	if (c == NULL)
		return;
	if (c->conn != NULL)
		conn_abort(c->conn);
	sasl_client_finish(&c->sasl);
	stream_finish(&c->stream);
	xml_tokens_finish(&c->tokens);
	arena_finish(&c->arena);
	arena_finish(&c->sasl_arena);
	free_texts(c->inbox, c->inbox_count);
	free_texts(c->ignored, c->ignored_count);
	free(c->name);
	free(c->user);
	free(c->domain);
	free(c->password);
	free(c->resource);
	free(c->full);
	free(c->why);
	free(c);
}

void
client_send(struct client *client, struct slice bytes)
{
	if (client->conn != NULL)
		conn_write(client->conn, bytes);
}

void
client_ignore(struct client *client, struct slice pattern)
{
	client->ignored = xrealloc(
		client->ignored, size_mul(client->ignored_count + 1, sizeof(client->ignored[0])));
	client->ignored[client->ignored_count++] = xstrndup(pattern.p, pattern.len);
}

void
client_drop(struct client *client, size_t number)
{
	free(client->inbox[number]);
	client->inbox_count--;
	memmove(&client->inbox[number], &client->inbox[number + 1],
		(client->inbox_count - number) * sizeof(client->inbox[0]));
}

void
client_lose(struct client *client)
{
	end(client, "it lost its connection");
}

void
client_leave(struct client *client)
{
	client->has_left = true;
	if (client->conn != NULL)
		stream_write_close(conn_output(client->conn));
}
