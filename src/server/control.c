/* The control socket: lines in, answers out in their order. What can be asked is in the verbs. */
#include "server/control.h"

#include "io/listener.h"
#include "server/control_internal.h"
#include "server/server_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MOST = 32 * 1024 * 1024, ANSWER_MOST = 64 * 1024 * 1024 };

struct control {
	struct server *server;
	struct listener *listener;
	struct list clients; // control_client.link
	char path[512];
};

struct control_client {
	struct list link; /* in control.clients */
	struct control *control;
	struct conn *conn;
	struct list requests; // control_request.link, in order
	size_t looked;        // bytes of the line that is not whole yet
	void (*gone)(void *arg);
	void *gone_arg;
};

static void
request_free(struct control_request *request)
{
	list_remove(&request->link);
	buffer_finish(&request->answer);
	arena_finish(&request->arena);
	free(request);
}

/* Sends what is answered, up to the first request that is not. */
static void
send_answers(struct control_client *client)
{
	while (!list_is_empty(&client->requests)) {
		struct control_request *request = container_of(
			client->requests.next, struct control_request, link);

		if (!request->is_done)
			return;
		conn_write(client->conn, buffer_slice(&request->answer));
		request_free(request);
	}
}

static void
finish(struct control_request *request)
{
	request->is_done = true;
	if (request->client == NULL)
		request_free(request);
	else
		send_answers(request->client);
}

/* Half an answer would look like a whole one. */
void
control_ok(struct control_request *request)
{
	struct buffer *answer = &request->answer;

	if (!answer->overflowed && buffer_text(answer, answer->len > 0 ? "\nok\n" : "ok\n") == 0)
		finish(request);
	else
		control_error(request, "the answer is too long; ask for a part of it");
}

void
control_error(struct control_request *request, const char *text)
{
	buffer_clear(&request->answer);
	(void)buffer_text(&request->answer, "error ");
	control_put_word(&request->answer, slice_of(text), true);
	(void)buffer_text(&request->answer, "\n");
	finish(request);
}

void
control_when_gone(struct control_request *request, void (*gone)(void *arg), void *arg)
{
	request->client->gone = gone;
	request->client->gone_arg = arg;
}

/* Counts all words, and keeps as many as any verb takes. */
static void
split_words(struct control_request *request, struct slice line)
{
	while (line.p != NULL) {
		struct slice word = control_take_word(&line, &request->arena);

		if (request->count < WORDS_MOST)
			request->words[request->count] = word;
		request->count++;
	}
}

static const struct control_verb *
find_verb(struct slice name)
{
	for (const struct control_verb *verb = control_verbs; verb->name != NULL; verb++) {
		if (slice_is_text(name, verb->name))
			return verb;
	}
	return NULL;
}

/* Of a password nothing may be seen, so no more than whom it concerns. */
static void
run_verb(struct control_request *request, const struct control_verb *verb)
{
	struct log *log = request->shard->server->log;

	if (verb->changes && request->count > 1)
		log_info(log, "administered", F_STR("command", verb->name),
			F_TEXT("of", request->words[1]));
	else if (verb->changes)
		log_info(log, "administered", F_STR("command", verb->name));
	verb->run(request);
}

static void
run_line(struct control_client *client, struct slice line)
{
	struct control_request *request = xcalloc(1, sizeof(*request));
	const struct control_verb *verb;

	request->client = client;
	request->shard = client->control->server->shards[0];
	arena_init(&request->arena, 512);
	buffer_init(&request->answer, ANSWER_MOST);
	list_append(&client->requests, &request->link);
	split_words(request, line);
	verb = find_verb(request->words[0]);
	if (verb == NULL)
		control_error(request, "this server does not know that command; is kithctl newer?");
	else if (request->count < verb->least || request->count > verb->most)
		control_error(request, "wrong number of words; is kithctl of another version?");
	else
		run_verb(request, verb);
}

static void
forget(struct control_client *client)
{
	struct control_request *request;

	LIST_EACH (request, &client->requests, struct control_request, link) {
		list_remove(&request->link);
		request->client = NULL;
		if (request->is_done)
			request_free(request);
	}
	if (client->gone != NULL)
		client->gone(client->gone_arg);
	list_remove(&client->link);
	free(client);
}

static size_t
input(struct conn *conn, struct slice bytes)
{
	struct control_client *client = conn_owner(conn);
	size_t start = 0;

	for (;;) {
		struct slice rest = slice_from(bytes, start);
		size_t end = client->looked + slice_find(slice_from(rest, client->looked), '\n');

		client->looked = 0;
		if (end == rest.len)
			break;
		run_line(client, slice_make(rest.p, end));
		start += end + 1;
	}
	client->looked = bytes.len - start;
	if (bytes.len - start > LINE_MOST) {
		conn_abort(conn);
		forget(client);
	}
	return start;
}

static void
closed(struct conn *conn, int why)
{
	(void)why;
	forget(conn_owner(conn));
}

static const struct conn_handler handler = { .input = input, .closed = closed };

static void
accepted(struct listener *listener, struct conn *conn, void *arg)
{
	struct control *control = arg;
	struct control_client *client = xcalloc(1, sizeof(*client));

	(void)listener;
	client->control = control;
	client->conn = conn;
	list_init(&client->requests);
	list_append(&control->clients, &client->link);
	conn_set_handler(conn, &handler, client);
	conn_set_limit(conn, ANSWER_MOST / 2, ANSWER_MOST);
}

int
control_start(struct server *server, struct config_error *error)
{
	struct control *control = xcalloc(1, sizeof(*control));
	struct listener_config config = {
		.address = control->path, .accepted = accepted, .arg = control
	};
	int r;

	server->control = control;
	control->server = server;
	list_init(&control->clients);
	/* A relative directory would look like no path to the listener. */
	(void)snprintf(control->path, sizeof(control->path), "%s%s/kithd.sock",
		server->directory[0] == '/' ? "" : "./", server->directory);
	if (server->directory[0] != '/') {
		char *real = realpath(server->directory, NULL);

		(void)snprintf(control->path, sizeof(control->path), "%s/kithd.sock",
			real == NULL ? server->directory : real);
		free(real);
	}
	/* The store's lock says that we are the only server here, so an old socket is nobody's. */
	(void)unlink(control->path);
	r = listener_create(server->shards[0]->loop, &config, &control->listener);
	if (r < 0)
		(void)snprintf(error->text, sizeof(error->text),
			"cannot make the socket %.300s (%s); use a directory with a shorter path "
			"that this user may write to",
			control->path, strerror(-r));
	else
		(void)chmod(control->path, 0600);
	return r;
}

void
control_stop(struct server *server)
{
	struct control *control = server->control;
	struct control_client *client;

	if (control == NULL)
		return;
	listener_destroy(&control->listener);
	(void)unlink(control->path);
	LIST_EACH (client, &control->clients, struct control_client, link) {
		struct conn *conn = client->conn;

		send_answers(client);
		forget(client);
		conn_close(conn);
	}
}

void
control_destroy(struct control **control)
{
	if (*control != NULL)
		listener_destroy(&(*control)->listener);
	free(*control);
	*control = NULL;
}
