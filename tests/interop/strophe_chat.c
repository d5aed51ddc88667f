/*
 * A client on libstrophe for the interop test. It does what lines on standard input say and
 * prints what comes as one line per stanza, so that the test needs no XML for it:
 *
 *	message TO TEXT | subscribe TO | subscribed TO | add JID NAME | remove JID | roster
 *	ask TO NAMESPACE ELEMENT | presence SHOW | quit
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>
#include <unistd.h>

struct chat {
	xmpp_ctx_t *ctx;
	xmpp_conn_t *conn;
	unsigned count;
	char line[4096];
	size_t used;
};

static const char *
or_none(const char *text)
{
	return text != NULL && *text != '\0' ? text : "-";
}

static void
say(const char *what, xmpp_stanza_t *stanza, const char *more)
{
	printf("%s %s %s %s\n", what, or_none(xmpp_stanza_get_from(stanza)),
		or_none(xmpp_stanza_get_type(stanza)), or_none(more));
	fflush(stdout);
}

static int
got_message(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *data)
{
	const struct chat *chat = data;
	xmpp_stanza_t *delay = xmpp_stanza_get_child_by_name(stanza, "delay");
	char *body = xmpp_message_get_body(stanza);

	(void)conn;
	say(delay != NULL ? "kept-message" : "message", stanza, body);
	xmpp_free(chat->ctx, body);
	return 1;
}

static int
got_presence(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *data)
{
	const struct chat *chat = data;
	xmpp_stanza_t *show = xmpp_stanza_get_child_by_name(stanza, "show");
	char *text = show != NULL ? xmpp_stanza_get_text(show) : NULL;

	(void)conn;
	say("presence", stanza, text);
	if (text != NULL)
		xmpp_free(chat->ctx, text);
	return 1;
}

static void
say_items(const char *what, xmpp_stanza_t *query)
{
	for (xmpp_stanza_t *item = xmpp_stanza_get_children(query); item != NULL;
		item = xmpp_stanza_get_next(item)) {
		printf("%s %s %s %s\n", what, or_none(xmpp_stanza_get_attribute(item, "jid")),
			or_none(xmpp_stanza_get_attribute(item, "subscription")),
			or_none(xmpp_stanza_get_attribute(item, "name")));
	}
}

/* A push comes from the account itself, so that its answer names nobody. */
static void
acknowledge(const struct chat *chat, xmpp_stanza_t *push)
{
	xmpp_stanza_t *reply = xmpp_iq_new(chat->ctx, "result", xmpp_stanza_get_id(push));

	xmpp_send(chat->conn, reply);
	xmpp_stanza_release(reply);
}

static int
got_iq(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *data)
{
	xmpp_stanza_t *query = xmpp_stanza_get_child_by_ns(stanza, XMPP_NS_ROSTER);
	const char *type = or_none(xmpp_stanza_get_type(stanza));

	(void)conn;
	if (query != NULL)
		say_items(strcmp(type, "set") == 0 ? "push" : "item", query);
	say("iq", stanza, xmpp_stanza_get_id(stanza));
	if (strcmp(type, "set") == 0 && query != NULL)
		acknowledge(data, stanza);
	return 1;
}

/* Sends an IQ whose payload is one element with at most one <item/>. */
static void
send_iq(struct chat *chat, const char *to, const char *type, const char *ns, const char *element,
	xmpp_stanza_t *item)
{
	char id[32];
	xmpp_stanza_t *iq, *query = xmpp_stanza_new(chat->ctx);

	snprintf(id, sizeof(id), "strophe-%u", ++chat->count);
	iq = xmpp_iq_new(chat->ctx, type, id);
	if (to != NULL)
		xmpp_stanza_set_to(iq, to);
	xmpp_stanza_set_name(query, element);
	xmpp_stanza_set_ns(query, ns);
	if (item != NULL) {
		xmpp_stanza_add_child(query, item);
		xmpp_stanza_release(item);
	}
	xmpp_stanza_add_child(iq, query);
	xmpp_stanza_release(query);
	xmpp_send(chat->conn, iq);
	xmpp_stanza_release(iq);
}

static void
change_roster(struct chat *chat, const char *jid, const char *name, const char *subscription)
{
	xmpp_stanza_t *item = xmpp_stanza_new(chat->ctx);

	xmpp_stanza_set_name(item, "item");
	xmpp_stanza_set_attribute(item, "jid", jid);
	if (name != NULL)
		xmpp_stanza_set_attribute(item, "name", name);
	if (subscription != NULL)
		xmpp_stanza_set_attribute(item, "subscription", subscription);
	send_iq(chat, NULL, "set", XMPP_NS_ROSTER, "query", item);
}

static void
send_presence(struct chat *chat, const char *to, const char *type, const char *show)
{
	xmpp_stanza_t *presence = xmpp_presence_new(chat->ctx);

	if (to != NULL)
		xmpp_stanza_set_to(presence, to);
	if (type != NULL)
		xmpp_stanza_set_type(presence, type);
	if (show != NULL) {
		xmpp_stanza_t *child = xmpp_stanza_new(chat->ctx),
			      *text = xmpp_stanza_new(chat->ctx);
		xmpp_stanza_set_name(child, "show");
		xmpp_stanza_set_text(text, show);
		xmpp_stanza_add_child(child, text);
		xmpp_stanza_add_child(presence, child);
		xmpp_stanza_release(text);
		xmpp_stanza_release(child);
	}
	xmpp_send(chat->conn, presence);
	xmpp_stanza_release(presence);
}

static void
send_message(struct chat *chat, const char *to, const char *text)
{
	xmpp_stanza_t *message = xmpp_message_new(chat->ctx, "chat", to, NULL);

	xmpp_message_set_body(message, text);
	xmpp_send(chat->conn, message);
	xmpp_stanza_release(message);
}

static void
obey(struct chat *chat, char *line)
{
	char *rest = line, *verb = strsep(&rest, " "), *first = rest;

	if (rest != NULL && strcmp(verb, "message") != 0 && strcmp(verb, "add") != 0 &&
		strcmp(verb, "ask") != 0)
		rest = NULL;
	else if (rest != NULL)
		first = strsep(&rest, " ");
	if (strcmp(verb, "message") == 0 && rest != NULL)
		send_message(chat, first, rest);
	else if (strcmp(verb, "subscribe") == 0 || strcmp(verb, "subscribed") == 0)
		send_presence(chat, first, verb, NULL);
	else if (strcmp(verb, "presence") == 0)
		send_presence(chat, NULL, NULL, first);
	else if (strcmp(verb, "add") == 0)
		change_roster(chat, first, rest, NULL);
	else if (strcmp(verb, "remove") == 0)
		change_roster(chat, first, NULL, "remove");
	else if (strcmp(verb, "roster") == 0)
		send_iq(chat, NULL, "get", XMPP_NS_ROSTER, "query", NULL);
	else if (strcmp(verb, "ask") == 0 && rest != NULL) {
		char *ns = strsep(&rest, " ");
		send_iq(chat, first, "get", ns, rest, NULL);
	} else if (strcmp(verb, "quit") == 0)
		xmpp_disconnect(chat->conn);
}

/* libstrophe's loop waits for the network only, so that input is looked at between its turns. */
static int
read_input(xmpp_conn_t *conn, void *data)
{
	struct chat *chat = data;
	ssize_t got = read(
		STDIN_FILENO, chat->line + chat->used, sizeof(chat->line) - chat->used - 1);
	char *end;

	(void)conn;
	if (got > 0)
		chat->used += (size_t)got;
	while ((end = memchr(chat->line, '\n', chat->used)) != NULL) {
		size_t length = (size_t)(end - chat->line) + 1;
		*end = '\0';
		obey(chat, chat->line);
		chat->used -= length;
		memmove(chat->line, chat->line + length, chat->used);
	}
	return 1;
}

static void
connection(xmpp_conn_t *conn, xmpp_conn_event_t event, int error, xmpp_stream_error_t *stream_error,
	void *data)
{
	struct chat *chat = data;

	(void)stream_error;
	if (event != XMPP_CONN_CONNECT) {
		printf("disconnected %d\n", error);
		fflush(stdout);
		xmpp_stop(chat->ctx);
		return;
	}
	xmpp_handler_add(conn, got_message, NULL, "message", NULL, chat);
	xmpp_handler_add(conn, got_presence, NULL, "presence", NULL, chat);
	xmpp_handler_add(conn, got_iq, NULL, "iq", NULL, chat);
	xmpp_timed_handler_add(conn, read_input, 10, chat);
	send_presence(chat, NULL, NULL, NULL);
	printf("connected %s %s\n", xmpp_conn_is_secured(conn) ? "secured" : "clear",
		xmpp_conn_get_bound_jid(conn));
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct chat chat = { 0 };

	if (argc != 6) {
		fprintf(stderr, "usage: strophe_chat JID PASSWORD CAFILE HOST PORT\n");
		return 2;
	}
	(void)fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	xmpp_initialize();
	chat.ctx = xmpp_ctx_new(NULL, xmpp_get_default_logger(XMPP_LEVEL_DEBUG));
	chat.conn = xmpp_conn_new(chat.ctx);
	xmpp_conn_set_flags(chat.conn, XMPP_CONN_FLAG_MANDATORY_TLS);
	xmpp_conn_set_jid(chat.conn, argv[1]);
	xmpp_conn_set_pass(chat.conn, argv[2]);
	xmpp_conn_set_cafile(chat.conn, argv[3]);
	if (xmpp_connect_client(chat.conn, argv[4], (unsigned short)atoi(argv[5]), connection,
		    &chat) != XMPP_EOK)
		return 1;
	xmpp_run(chat.ctx);
	xmpp_conn_release(chat.conn);
	xmpp_ctx_free(chat.ctx);
	xmpp_shutdown();
	return 0;
}
