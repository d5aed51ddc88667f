/* Walks what a shard has. Single pieces are asked for their size, slabs for their pages. */
#include "server/usage.h"

#include "server/account_internal.h"
#include "server/credentials.h"
#include "server/letter.h"
#include "server/login_internal.h"
#include "server/places.h"
#include "server/quota.h"
#include "server/server_internal.h"
#include "server/session_internal.h"
#include "server/sm.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const names[USAGE_KINDS] = {
	[USAGE_ACCOUNTS] = "accounts",
	[USAGE_CONTACTS] = "contacts",
	[USAGE_SESSIONS] = "sessions",
	[USAGE_TEXTS] = "session texts",
	[USAGE_CONNECTIONS] = "connections",
	[USAGE_TLS] = "with TLS",
	[USAGE_INPUT] = "input",
	[USAGE_OUTPUT] = "output",
	[USAGE_LETTERS] = "letters",
	[USAGE_CACHES] = "caches",
	[USAGE_TABLES] = "tables",
	[USAGE_LOOP] = "loop",
};

const char *
usage_name(enum usage_kind kind)
{
	return names[kind];
}

static void
add(struct usage *usage, enum usage_kind kind, uint64_t count, uint64_t bytes)
{
	usage->of[kind].count += count;
	usage->of[kind].bytes += bytes;
}

static size_t
size_of(const void *piece)
{
	return malloc_usable_size((void *)(uintptr_t)piece);
}

static void
add_table(struct usage *usage, const struct map *map)
{
	if (map->capacity > 0)
		add(usage, USAGE_TABLES, 1, size_of(map->slots));
}

static void
add_contacts(struct usage *usage, const struct roster *roster)
{
	struct map_node *node;
	size_t at = 0;

	while ((node = map_next(&roster->contacts, &at)) != NULL)
		add(usage, USAGE_CONTACTS, 1, size_of(container_of(node, struct contact, node)));
	at = 0;
	while ((node = map_next(&roster->requests, &at)) != NULL)
		add(usage, USAGE_CONTACTS, 1,
			size_of(container_of(node, struct subscription_request, node)));
	add_table(usage, &roster->contacts);
	add_table(usage, &roster->requests);
}

static void
add_accounts(struct usage *usage, const struct shard *shard)
{
	struct map_node *node;
	size_t at = 0;

	add(usage, USAGE_ACCOUNTS, shard->accounts.count, slab_bytes(&shard->account_slab));
	add_table(usage, &shard->accounts);
	while ((node = map_next(&shard->accounts, &at)) != NULL) {
		const struct account *acct = container_of(node, struct account, node);
		struct letter *letter;

		add_contacts(usage, &acct->roster);
		add(usage, USAGE_CACHES, acct->keys != NULL, size_of(acct->keys));
		LIST_EACH (letter, &acct->letters, struct letter, link)
			add(usage, USAGE_LETTERS, 1, size_of(letter));
	}
}

/* Who guesses from which network is counted once for all shards. */
static void
add_caches(struct usage *usage, const struct shard *shard)
{
	struct map_memory sum = { 0 };

	password_cache_add_memory(shard->passwords, &sum);
	places_add_memory(shard->places, &sum);
	quota_add_memory(shard->quota, &sum);
	throttle_add_memory(shard->throttle, &sum);
	if (shard->number == 0)
		throttle_add_memory(shard->server->networks, &sum);
	add(usage, USAGE_CACHES, sum.count, sum.bytes);
}

static void
add_conn(struct usage *usage, const struct conn *conn)
{
	struct conn_memory memory;

	conn_memory(conn, &memory);
	add(usage, USAGE_CONNECTIONS, 1, memory.own);
	add(usage, USAGE_TLS, conn_is_tls(conn) ? 1 : 0, 0);
	add(usage, USAGE_INPUT, memory.input > 0, memory.input);
	add(usage, USAGE_OUTPUT, memory.output > 0, memory.output);
}

static void
add_session(struct usage *usage, const struct session *s)
{
	add(usage, USAGE_TEXTS, 1,
		size_of(s->jid.full.p) + size_of(s->agent) + size_of(s->lang.p) +
			size_of(s->presence) + size_of(s->directed));
	for (uint16_t i = 0; i < s->directed_count; i++)
		add(usage, USAGE_TEXTS, 0, size_of(s->directed[i].full.p));
	if (s->conn != NULL)
		add_conn(usage, s->conn);
	if (s->sm != NULL)
		add(usage, USAGE_OUTPUT, 0, sm_unacknowledged(s->sm));
}

void
usage_add(const struct shard *shard, struct usage *usage)
{
	const struct session *s;
	const struct login *login;

	add_accounts(usage, shard);
	add_caches(usage, shard);
	add(usage, USAGE_SESSIONS, shard->session_count, slab_bytes(&shard->session_slab));
	LIST_EACH (s, &shard->sessions, const struct session, all)
		add_session(usage, s);
	LIST_EACH (login, &shard->logins, const struct login, link)
		add_conn(usage, login->conn);
	add(usage, USAGE_LETTERS, 0, atomic_load(&shard->mail_bytes));
	add(usage, USAGE_LOOP, 1, loop_memory(shard->loop));
}

/* The second number of /proc/self/statm, in pages. */
static uint64_t
resident_bytes(void)
{
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	char text[128] = "", *end = text;
	uint64_t pages = 0;

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) > 0) {
		(void)strtoull(text, &end, 10);
		pages = strtoull(end, NULL, 10);
	}
	(void)close(fd);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void
usage_of_process(const struct server *server, struct usage_process *out)
{
	struct mallinfo2 heap = mallinfo2();
	struct store_stats store;

	store_get_stats(server->store, &store);
	out->rss_bytes = resident_bytes();
	out->given_bytes = heap.uordblks + heap.hblkhd;
	out->free_bytes = heap.fordblks;
	out->store_bytes = store.memory_bytes;
}
