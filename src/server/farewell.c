/*
 * To tell it twice does no harm: who has no such subscription takes no notice. So after a crash all
 * of it is told again.
 *
 * That a contact has it on disk is known by a visit to its home, one after the other: the stanzas
 * are in its mailbox before the visit, and the account is ready only when it has stored what they
 * changed.
 */
#include "server/farewell.h"

#include "server/account_internal.h"
#include "server/route.h"
#include "server/server_internal.h"

#include <stdlib.h>

enum { TEXT_MOST = 4 * LIMIT_ROSTER, OWNERS_PAGE = 100 };
enum { SAY_UNSUBSCRIBE = 1, SAY_UNSUBSCRIBED = 2 };

struct farewell {
	struct task task;             /* between the shards */
	struct account_waiter waiter; /* at a contact's home */
	struct shard *origin;
	struct arena arena;
	struct jid who;
	struct slice rest;  /* of those who were not visited */
	struct jid contact; /* who is being visited */
	bool is_unsure;     /* somebody could not be read: it is told again at the next start */
};

/* ---- What is stored: a line for each contact, a digit and its address ---- */

static void
add(struct buffer *text, unsigned what, struct slice bare)
{
	if (what != 0)
		(void)buffer_printf(text, "%u%.*s\n", what, SLICE_ARG(bare));
}

static unsigned
due_to(const struct contact *c)
{
	bool sees = (c->subscription & SUBSCRIPTION_TO) != 0 || c->item.ask.p != NULL;
	bool is_seen = (c->subscription & SUBSCRIPTION_FROM) != 0;

	return (sees ? SAY_UNSUBSCRIBE : 0u) | (is_seen ? SAY_UNSUBSCRIBED : 0u);
}

void
farewell_collect(struct account *acct, struct buffer *text)
{
	struct map_node *node;
	size_t at = 0;

	buffer_init(text, TEXT_MOST);
	while ((node = map_next(&acct->roster.contacts, &at)) != NULL)
		add(text, due_to(container_of(node, struct contact, node)), node->key);
	at = 0;
	while ((node = map_next(&acct->roster.requests, &at)) != NULL)
		add(text, SAY_UNSUBSCRIBED, node->key);
}

/* The next contact whose address can be read; false: there is none. */
static bool
take_line(struct slice *text, struct arena *arena, unsigned *what_out, struct jid *contact_out)
{
	while (text->len > 0) {
		size_t end = slice_find(*text, '\n');
		struct slice line = slice_make(text->p, end);

		*text = slice_from(*text, end < text->len ? end + 1 : end);
		if (line.len > 1 && jid_parse(slice_from(line, 1), arena, contact_out) == 0) {
			*what_out = (unsigned)(line.p[0] - '0');
			return true;
		}
	}
	return false;
}

/* ---- Telling ---- */

static void
say(struct farewell *farewell, const struct jid *to, enum stanza_type type)
{
	struct stanza st = {
		.kind = STANZA_PRESENCE, .type = type, .from = farewell->who, .to = *to
	};

	route(farewell->origin, &st);
}

static void
say_all(struct farewell *farewell)
{
	struct slice text = farewell->rest;
	struct jid contact;
	unsigned what;

	while (take_line(&text, &farewell->arena, &what, &contact)) {
		if ((what & SAY_UNSUBSCRIBE) != 0)
			say(farewell, &contact, TYPE_UNSUBSCRIBE);
		if ((what & SAY_UNSUBSCRIBED) != 0)
			say(farewell, &contact, TYPE_UNSUBSCRIBED);
	}
}

static void
farewell_free(struct farewell *farewell)
{
	arena_finish(&farewell->arena);
	free(farewell);
}

static void
forgotten(struct store_request *request)
{
	farewell_free(request->arg);
}

static void
forget(struct farewell *farewell)
{
	struct server *server = farewell->origin->server;
	struct store_txn *txn = store_txn_create(server->store, farewell->who.full);

	store_txn_value_delete(txn, server->tables[CORE_FAREWELL]);
	store_commit(txn, farewell->origin->number, forgotten, farewell);
}

static void visit_next(struct task *task);

static void
go_on(struct farewell *farewell)
{
	farewell->task.run = visit_next;
	loop_post(farewell->origin->loop, &farewell->task);
}

static void
contact_ready(struct account *acct, int error, void *arg)
{
	struct farewell *farewell = arg;

	(void)acct;
	farewell->is_unsure |= error < 0;
	go_on(farewell);
}

/* An account that is not in memory got nothing that it has not stored. */
static void
arrive(struct task *task)
{
	struct farewell *farewell = container_of(task, struct farewell, task);
	struct server *server = farewell->origin->server;
	struct shard *home = server_home(server, farewell->contact.full);
	struct account *acct = account_find(home, farewell->contact.full);

	farewell->waiter.ready = contact_ready;
	farewell->waiter.arg = farewell;
	if (acct == NULL)
		go_on(farewell);
	else
		account_when_ready(acct, &farewell->waiter);
}

static bool
is_account_of_ours(const struct server *server, const struct jid *jid)
{
	return jid_local(jid).len > 0 && server_host(server, jid_domain(jid)) != NULL;
}

static void
visit_next(struct task *task)
{
	struct farewell *farewell = container_of(task, struct farewell, task);
	struct server *server = farewell->origin->server;
	unsigned what;

	while (take_line(&farewell->rest, &farewell->arena, &what, &farewell->contact)) {
		if (!is_account_of_ours(server, &farewell->contact))
			continue;
		task->run = arrive;
		loop_post(server_home(server, farewell->contact.full)->loop, task);
		return;
	}
	if (farewell->is_unsure)
		farewell_free(farewell);
	else
		forget(farewell);
}

void
farewell_begin(struct shard *shard, const struct jid *who, struct slice text)
{
	struct farewell *farewell;

	if (text.len == 0)
		return;
	farewell = xcalloc(1, sizeof(*farewell));
	arena_init(&farewell->arena, 0);
	farewell->origin = shard;
	farewell->who = jid_copy(who, &farewell->arena);
	farewell->rest = arena_copy(&farewell->arena, text);
	say_all(farewell);
	go_on(farewell);
}

/* ---- After a crash ---- */

static void
got_text(struct store_request *request)
{
	struct shard *shard = request->arg;
	const struct store_batch *batch = store_batch_of(request);
	const struct store_result *found = store_result(batch, 0);
	struct jid who;

	if (request->error == 0 && found->count > 0 &&
		jid_parse(store_batch_owner(batch), &shard->scratch, &who) == 0)
		farewell_begin(shard, &who, found->rows[0].value);
	arena_reset(&shard->scratch);
}

static void
fetch_text(struct shard *shard, struct slice owner)
{
	struct store_batch *batch = store_batch_create(shard->server->store, owner);

	(void)store_read_value(batch, shard->server->tables[CORE_FAREWELL]);
	store_fetch(batch, shard->number, got_text, shard);
}

static void fetch_owners(struct shard *shard, struct slice after);

static void
got_owners(struct store_request *request)
{
	struct shard *shard = request->arg;
	const struct store_result *found = store_result(store_batch_of(request), 0);

	for (size_t i = 0; request->error == 0 && i < found->count; i++)
		fetch_text(shard, found->rows[i].key);
	if (request->error == 0 && found->more)
		fetch_owners(shard, found->rows[found->count - 1].key);
}

static void
fetch_owners(struct shard *shard, struct slice after)
{
	struct store_batch *batch = store_batch_create(shard->server->store, NO_SLICE);

	(void)store_read_owners(batch, shard->server->tables[CORE_FAREWELL], after, OWNERS_PAGE);
	store_fetch(batch, shard->number, got_owners, shard);
}

void
farewell_resume(struct server *server)
{
	fetch_owners(server->shards[0], NO_SLICE);
}
