/* A map of accounts by address, and a list of those that nobody has asked for yet. */
#include "server/revival.h"

#include "server/account_internal.h"
#include "server/early_read.h"
#include "server/receipt.h"
#include "server/server_internal.h"
#include "server/session_internal.h"
#include "server/session_record.h"
#include "server/sm.h"

#include <stdlib.h>

enum { LOADS_AT_ONCE = 32, REST_MS = 16 };

struct returning {
	struct map_node node; /* in shard.returning, by the bare address */
	struct list link;     /* in shard.to_revive, until its load was asked for */
	char bare[];
};

/* ---- Who has sessions ---- */

static int
note(struct slice owner, void *arg)
{
	struct server *server = arg;
	struct shard *shard = server_home(server, owner);
	struct returning *returning;

	if (map_find(&shard->returning, owner) != NULL)
		return 0;
	returning = xmalloc(sizeof(*returning) + owner.len);
	memcpy(returning->bare, owner.p, owner.len);
	returning->node = (struct map_node){ .key = slice_make(returning->bare, owner.len) };
	map_insert(&shard->returning, &returning->node);
	list_append(&shard->to_revive, &returning->link);
	return 0;
}

int
revival_load(struct server *server, struct store_memory *memory, struct config_error *error)
{
	int r = early_read_owners(server, memory, server->tables[CORE_SESSIONS], note, server);

	if (r == 0)
		r = early_read_owners(server, memory, server->tables[CORE_OUTBOX], note, server);
	if (r < 0)
		(void)snprintf(error->text, sizeof(error->text),
			"the sessions that may be resumed cannot be read from the database (%s); "
			"look at the disk and the log",
			strerror(-r));
	return r;
}

/* ---- Into memory ---- */

static void
bring_back(struct shard *shard, struct slice bare)
{
	struct arena arena;
	struct host *host;
	struct jid jid;

	arena_init(&arena, 0);
	if (jid_parse(bare, &arena, &jid) == 0) {
		host = server_host(shard->server, jid_domain(&jid));
		if (host != NULL)
			(void)account_load(shard, host, &jid);
	}
	arena_finish(&arena);
}

static void
bring_some_back(struct timer *timer)
{
	struct shard *shard = container_of(timer, struct shard, revive);
	struct list *link;

	for (unsigned i = 0; i < LOADS_AT_ONCE; i++) {
		link = list_pop(&shard->to_revive);
		if (link == NULL)
			return;
		bring_back(shard, container_of(link, struct returning, link)->node.key);
	}
	timer_start(shard->loop, timer, REST_MS);
}

void
revival_begin(struct shard *shard)
{
	if (shard->returning.count > 0)
		log_info(shard->server->log, "sessions wait for their clients to come back",
			F_UINT("shard", shard->number), F_UINT("accounts", shard->returning.count));
	shard->revive.fire = bring_some_back;
	timer_start(shard->loop, &shard->revive, 0);
}

void
revival_stop(struct shard *shard)
{
	timer_stop(shard->loop, &shard->revive);
}

void
revival_finish(struct shard *shard)
{
	struct map_node *node;
	size_t at = 0;

	while ((node = map_next(&shard->returning, &at)) != NULL)
		free(container_of(node, struct returning, node));
	map_finish(&shard->returning);
}

/* ---- What is read ---- */

static struct sm *
find_sm(struct account *acct, struct slice id)
{
	struct session *s;

	LIST_EACH (s, &acct->sessions, struct session, link) {
		if (sm_is_named(s->sm, id))
			return s->sm;
	}
	return NULL;
}

static void
got_sessions(struct account *acct, const struct store_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		const struct store_row *row = &result->rows[i];

		if (session_revive(acct, row->key, row->value) == NULL)
			sm_forget_id(acct, row->key);
		arena_reset(&acct->shard->scratch);
	}
}

static void
got_counts(struct account *acct, const struct store_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		struct sm *sm = find_sm(acct, result->rows[i].key);

		if (sm != NULL)
			sm_revive_counts(sm, result->rows[i].value);
	}
}

/* Rows of a session that had ended, and whose stanzas were on their way to where they belong. */
static size_t
send_orphans(struct account *acct, const struct store_result *result, size_t i)
{
	struct slice id = result->rows[i].key;
	struct receipt *receipt = sm_part(acct, id);

	for (; i < result->count && slice_is(id, result->rows[i].key); i++)
		sm_send_again(acct, &result->rows[i], receipt);
	if (receipt_is_over(receipt))
		receipt->done(receipt);
	return i;
}

static void
forget(struct account *acct)
{
	struct shard *shard = acct->shard;
	struct map_node *node = map_find(&shard->returning, acct->jid.full);
	struct returning *returning = container_of(node, struct returning, node);

	map_remove(&shard->returning, node);
	list_remove(&returning->link);
	free(returning);
}

static void
got_outbox(struct account *acct, const struct store_result *result)
{
	struct session *s;
	size_t i = 0;

	while (i < result->count) {
		struct sm *sm = find_sm(acct, result->rows[i].key);

		if (sm == NULL)
			i = send_orphans(acct, result, i);
		else
			sm_revive_sent(sm, &result->rows[i++]);
	}
	LIST_EACH (s, &acct->sessions, struct session, link)
		s->is_unsure = !sm_revived(s->sm);
	forget(acct);
}

bool
revival_awaits(const struct shard *shard, struct slice bare)
{
	return shard->returning.count > 0 && map_find(&shard->returning, bare) != NULL;
}

void
revival_read(struct account *acct)
{
	const unsigned *tables = acct->shard->server->tables;

	if (!revival_awaits(acct->shard, acct->jid.full))
		return;
	account_read_table(acct, STORE_MAP, tables[CORE_SESSIONS], got_sessions);
	account_read_table(acct, STORE_MAP, tables[CORE_COUNTS], got_counts);
	account_read_table(acct, STORE_LOG, tables[CORE_OUTBOX], got_outbox);
}
