/* The connections of monitoring, and what they are answered. */
#include "server/scrape.h"

#include "io/listener.h"
#include "server/exposition.h"
#include "server/scrape_address.h"
#include "server/scrape_request.h"
#include "server/server_internal.h"
#include "server/stats_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	CLIENTS_MOST = 32, /* at once; further ones are refused */
	REQUEST_MS = 10000,
	LINGER_MS = 1000, /* for who still sends: a reset would take the answer from it */
	TEXT_MOST = 64 * 1024 * 1024,
	HEAD_MOST = 1024,
};

struct scrape {
	struct server *server;
	struct listener *listener;
	struct scrape_address address;
	struct list clients; // scrape_client.link
	unsigned count;
};

struct scrape_client {
	struct list link; /* in scrape.clients */
	struct scrape *scrape;
	struct conn *conn; /* NULL: gone, and only the numbers are waited for */
	struct timer deadline;
	struct scrape_request request;
	bool is_answered, is_collecting;
};

/* ---- The end of a client ---- */

/* Who waits for numbers is freed when they come. */
static void
forget(struct scrape_client *client)
{
	timer_stop(client->scrape->server->shards[0]->loop, &client->deadline);
	client->conn = NULL;
	if (client->is_collecting)
		return;
	list_remove(&client->link);
	client->scrape->count--;
	free(client);
}

static void
finish(struct scrape_client *client)
{
	struct conn *conn = client->conn;

	forget(client);
	conn_close(conn);
}

static void
linger(struct scrape_client *client)
{
	client->is_answered = true;
	timer_start(conn_loop(client->conn), &client->deadline, LINGER_MS);
}

/* ---- Answers ---- */

/* RFC 9110, 5.6.7: in English, whatever the locale. */
static void
put_date(struct buffer *out, int64_t wall_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		return;
	(void)buffer_printf(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n",
		days + 3 * (size_t)tm.tm_wday, tm.tm_mday, months + 3 * (size_t)tm.tm_mon,
		tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void
answer(struct scrape_client *client, unsigned status, const char *type, struct slice content)
{
	struct buffer head;

	buffer_init(&head, HEAD_MOST);
	(void)buffer_printf(&head, "HTTP/1.1 %u %s\r\n", status, scrape_reason(status));
	put_date(&head, loop_wall_ms(conn_loop(client->conn)));
	(void)buffer_printf(&head,
		"Content-Type: %s\r\nContent-Length: %zu\r\nVary: Accept\r\n"
		"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s"
		"Connection: close\r\n\r\n",
		type, content.len, status == 405 ? "Allow: GET, HEAD\r\n" : "");
	conn_write(client->conn, buffer_slice(&head));
	buffer_finish(&head);
	if (!client->request.is_head)
		conn_write(client->conn, content);
}

static void
refuse(struct scrape_client *client, unsigned status)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%u %s\n", status, scrape_reason(status));
	answer(client, status, "text/plain; charset=utf-8", slice_of(text));
	linger(client);
}

static void
answer_numbers(struct scrape_client *client, const struct stats *stats)
{
	bool is_open = client->request.wants_open;
	struct buffer text;
	struct exposition e = { &text, is_open };

	buffer_init(&text, TEXT_MOST);
	stats_write(&e, stats);
	if (text.overflowed) {
		refuse(client, 503);
	} else {
		answer(client, 200,
			is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
				: "text/plain; version=0.0.4; charset=utf-8",
			buffer_slice(&text));
		finish(client);
	}
	buffer_finish(&text);
}

static void
numbers_ready(void *arg, const struct stats *stats)
{
	struct scrape_client *client = arg;

	client->is_collecting = false;
	if (client->conn == NULL)
		forget(client);
	else
		answer_numbers(client, stats);
}

/* ---- Connections ---- */

static size_t
input(struct conn *conn, struct slice bytes)
{
	struct scrape_client *client = conn_owner(conn);
	unsigned status;

	if (client->is_answered || client->is_collecting)
		return bytes.len;
	status = scrape_request_read(bytes, &client->request);
	if (status == 0)
		return 0;
	if (status == 200) {
		client->is_collecting = true;
		stats_collect(client->scrape->server, numbers_ready, client);
	} else {
		refuse(client, status);
	}
	return bytes.len;
}

static void
closed(struct conn *conn, int why)
{
	(void)why;
	forget(conn_owner(conn));
}

static const struct conn_handler handler = { .input = input, .closed = closed };

static void
deadline_over(struct timer *timer)
{
	struct scrape_client *client = container_of(timer, struct scrape_client, deadline);

	if (client->is_answered)
		finish(client);
	else
		refuse(client, client->is_collecting ? 503 : 408);
}

static void
accepted(struct listener *listener, struct conn *conn, void *arg)
{
	struct scrape *scrape = arg;
	struct scrape_client *client;

	(void)listener;
	if (scrape->count >= CLIENTS_MOST) {
		conn_abort(conn);
		return;
	}
	client = xcalloc(1, sizeof(*client));
	client->scrape = scrape;
	client->conn = conn;
	scrape->count++;
	list_append(&scrape->clients, &client->link);
	conn_set_handler(conn, &handler, client);
	conn_set_limit(conn, TEXT_MOST, TEXT_MOST + HEAD_MOST);
	client->deadline.fire = deadline_over;
	timer_start(conn_loop(conn), &client->deadline, REQUEST_MS);
}

/* ---- Start and stop ---- */

int
scrape_check(const struct metrics_config *conf, struct config_error *error)
{
	struct scrape_address address;

	if (conf->listen == NULL)
		return 0;
	if (scrape_address_read(conf->listen, &address) < 0) {
		(void)snprintf(error->text, sizeof(error->text),
			"metrics.listen is \"%.200s\"; give an address and a port such as "
			"127.0.0.1:9469 or [::1]:9469, or an absolute path",
			conf->listen);
		return -EINVAL;
	}
	if (!address.is_local && !conf->allow_remote) {
		(void)snprintf(error->text, sizeof(error->text),
			"metrics.listen is %.200s, which other machines reach, and nobody would be "
			"asked for a password; use 127.0.0.1, or metrics.allow_remote = yes if "
			"something else guards it",
			conf->listen);
		return -EINVAL;
	}
	return 0;
}

static int
listen_there(struct scrape *scrape, struct config_error *error)
{
	const struct scrape_address *address = &scrape->address;
	struct listener_config config = {
		.address = address->host,
		.port = address->port,
		.accepted = accepted,
		.arg = scrape,
	};
	bool is_path = address->host[0] == '/';
	struct stat st;
	int r;

	/* Only a socket that an earlier server left; never somebody's file. */
	if (is_path && lstat(address->host, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(address->host);
	r = listener_create(scrape->server->shards[0]->loop, &config, &scrape->listener);
	if (r < 0) {
		(void)snprintf(error->text, sizeof(error->text),
			"cannot listen on metrics.listen = %s (%s); is another server running "
			"there?",
			scrape->server->core->metrics->listen, strerror(-r));
		return r;
	}
	if (is_path)
		(void)chmod(address->host, 0660);
	return 0;
}

int
scrape_start(struct server *server, struct config_error *error)
{
	const struct metrics_config *conf = server->core->metrics;
	struct scrape *scrape;
	int r;

	if (conf->listen == NULL)
		return 0;
	scrape = xcalloc(1, sizeof(*scrape));
	scrape->server = server;
	list_init(&scrape->clients);
	server->scrape = scrape;
	(void)scrape_address_read(conf->listen, &scrape->address); /* was checked */
	r = listen_there(scrape, error);
	if (r == 0)
		log_info(server->log, "monitoring may read the numbers",
			F_STR("address", scrape->address.host),
			F_UINT("port", listener_port(scrape->listener)), F_STR("path", "/metrics"));
	return r;
}

void
scrape_stop(struct server *server)
{
	struct scrape *scrape = server->scrape;
	struct scrape_client *client;

	if (scrape == NULL)
		return;
	listener_destroy(&scrape->listener);
	if (scrape->address.host[0] == '/')
		(void)unlink(scrape->address.host);
	LIST_EACH (client, &scrape->clients, struct scrape_client, link) {
		if (client->conn != NULL)
			finish(client);
	}
}

void
scrape_destroy(struct scrape **scrape_ptr)
{
	struct scrape *scrape = *scrape_ptr;
	struct list *link;

	*scrape_ptr = NULL;
	if (scrape == NULL)
		return;
	listener_destroy(&scrape->listener);
	while ((link = list_pop(&scrape->clients)) != NULL)
		free(container_of(link, struct scrape_client, link));
	free(scrape);
}
