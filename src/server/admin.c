/* Errands of administrators: each is one object that goes to the shards, gathers, and answers. */
#include "server/admin.h"

#include "server/account_internal.h"
#include "server/server_internal.h"
#include "server/session_internal.h"
#include "server/visit.h"
#include "xml/writer.h"

#include <errno.h>
#include <stdlib.h>

struct errand {
	struct arena arena;
	struct jid jid;
	struct slice domain, text;
	const char *why;
	admin_got_store *got_store;
	struct admin_session *sessions;
	struct admin_sessions found;
	size_t room;
	uint32_t most;
	uint64_t count;
	admin_got_sessions *got_sessions;
	admin_counted *counted;
	admin_got_roster *got_roster;
	struct server *server;
	void *arg;
};

static struct errand *
errand_create(void *arg)
{
	struct errand *errand = xcalloc(1, sizeof(*errand));

	arena_init(&errand->arena, 0);
	errand->arg = arg;
	return errand;
}

static void
errand_free(struct errand *errand)
{
	arena_finish(&errand->arena);
	free(errand->sessions);
	free(errand);
}

/* ---- Sessions ---- */

static void
add_session(struct errand *errand, const struct session *s)
{
	char peer[PEER_TEXT];

	if (errand->found.count == errand->room) {
		errand->room = errand->room * 2 + 16;
		errand->sessions = xrealloc(
			errand->sessions, size_mul(errand->room, sizeof(*errand->sessions)));
	}
	peer_write(conn_peer(s->conn), peer);
	errand->sessions[errand->found.count++] = (struct admin_session){
		.jid = jid_copy(&s->jid, &errand->arena),
		.peer = arena_copy(&errand->arena, slice_of(peer)),
	};
}

static void
add_account(struct errand *errand, struct account *acct)
{
	const struct session *s;

	if (acct->session_count == 0)
		return;
	if (errand->domain.p != NULL && !slice_is(errand->domain, jid_domain(&acct->jid)))
		return;
	errand->found.users++;
	if (errand->found.users > errand->most)
		return;
	LIST_EACH (s, &acct->sessions, const struct session, link)
		add_session(errand, s);
}

static void
see_all(struct shard *shard, void *arg)
{
	struct map_node *node;
	size_t at = 0;

	while ((node = map_next(&shard->accounts, &at)) != NULL)
		add_account(arg, container_of(node, struct account, node));
}

static void
see_account(struct shard *shard, void *arg)
{
	struct errand *errand = arg;
	struct account *acct = account_find(shard, errand->jid.full);

	if (acct != NULL)
		add_account(errand, acct);
}

static void
tell_sessions(struct shard *shard, void *arg)
{
	struct errand *errand = arg;

	(void)shard;
	errand->found.v = errand->sessions;
	errand->got_sessions(errand->arg, &errand->found);
	errand_free(errand);
}

void
admin_list_sessions(struct shard *shard, struct slice domain, uint32_t most,
	admin_got_sessions *done, void *arg)
{
	struct errand *errand = errand_create(arg);

	errand->domain = arena_copy(&errand->arena, domain);
	errand->most = most;
	errand->got_sessions = done;
	visit_all(shard, see_all, tell_sessions, errand);
}

void
admin_find_sessions(
	struct shard *shard, const struct jid *bare, admin_got_sessions *done, void *arg)
{
	struct errand *errand = errand_create(arg);

	errand->jid = jid_copy(bare, &errand->arena);
	errand->most = 1;
	errand->got_sessions = done;
	visit_home(shard, errand->jid.full, see_account, tell_sessions, errand);
}

/* ---- Counted deeds ---- */

static void
tell_count(struct shard *shard, void *arg)
{
	struct errand *errand = arg;

	(void)shard;
	errand->counted(errand->arg, errand->count);
	errand_free(errand);
}

static void
kick_here(struct shard *shard, void *arg)
{
	struct errand *errand = arg;
	struct account *acct = account_find(shard, jid_bare(&errand->jid));
	struct session *s;

	if (acct == NULL)
		return;
	LIST_EACH (s, &acct->sessions, struct session, link) {
		if (jid_is_full(&errand->jid) && !jid_is(&errand->jid, &s->jid))
			continue;
		session_end(s, STREAM_POLICY_VIOLATION, errand->why);
		errand->count++;
	}
}

void
admin_kick(
	struct shard *shard, const struct jid *jid, const char *why, admin_counted *done, void *arg)
{
	struct errand *errand = errand_create(arg);

	errand->why = why;
	errand->jid = jid_copy(jid, &errand->arena);
	errand->counted = done;
	visit_home(shard, jid_bare(&errand->jid), kick_here, tell_count, errand);
}

static void
announce_to(struct errand *errand, struct account *acct)
{
	struct session *s;

	if (errand->domain.p != NULL && !slice_is(errand->domain, jid_domain(&acct->jid)))
		return;
	LIST_EACH (s, &acct->sessions, struct session, link) {
		struct stanza st = {
			.kind = STANZA_MESSAGE,
			.type = TYPE_HEADLINE,
			.to = s->jid,
			.content = errand->text,
		};

		st.from.full = jid_domain(&acct->jid);
		st.from.domain_len = acct->jid.domain_len;
		if (session_deliver(s, &st))
			errand->count++;
	}
}

static void
announce_here(struct shard *shard, void *arg)
{
	struct map_node *node;
	size_t at = 0;

	while ((node = map_next(&shard->accounts, &at)) != NULL)
		announce_to(arg, container_of(node, struct account, node));
}

void
admin_announce(
	struct shard *shard, struct slice domain, struct slice text, admin_counted *done, void *arg)
{
	struct errand *errand = errand_create(arg);
	struct buffer xml;

	buffer_init(&xml, LIMIT_STORED_STANZA);
	(void)buffer_text(&xml, "<subject>Announcement</subject><body>");
	xml_write_text(&xml, text);
	(void)buffer_text(&xml, "</body>");
	errand->text = arena_copy(&errand->arena, buffer_slice(&xml));
	buffer_finish(&xml);
	errand->domain = arena_copy(&errand->arena, domain);
	errand->counted = done;
	visit_all(shard, announce_here, tell_count, errand);
}

/* ---- Rosters ---- */

static void
decode_items(struct errand *errand, const struct store_result *rows, struct roster_item_list *list)
{
	struct server *server = errand->server;
	struct xml_tokens tokens;
	const char *why;
	void *item;

	xml_tokens_init(&tokens);
	list->v = arena_array(&errand->arena, rows->count + 1, struct roster_item);
	for (size_t i = 0; i < rows->count; i++) {
		if (xml_read(server->names, &xml_limits_own, 0, rows->rows[i].value, &tokens,
			    &errand->arena, &why) == 0 &&
			codec_decode(server->roster_item, tokens.v, &errand->arena, &item, &why) ==
				0)
			list->v[list->count++] = *(const struct roster_item *)item;
	}
	xml_tokens_finish(&tokens);
}

static void
tell_roster(struct store_request *request)
{
	struct errand *errand = request->arg;
	const struct store_batch *batch = store_batch_of(request);
	struct roster_item_list items = { 0 };
	int error = request->error;

	if (error == 0 && store_result(batch, 0)->count == 0)
		error = -ENOENT;
	if (error == 0)
		decode_items(errand, store_result(batch, 1), &items);
	errand->got_roster(errand->arg, error, &items);
	errand_free(errand);
}

void
admin_read_roster(struct shard *shard, const struct jid *bare, admin_got_roster *done, void *arg)
{
	struct errand *errand = errand_create(arg);
	struct server *server = shard->server;
	struct store_batch *batch = store_batch_create(server->store, jid_bare(bare));

	errand->server = server;
	errand->got_roster = done;
	(void)store_read_value(batch, server->tables[CORE_CREDENTIALS]);
	(void)store_read_map(batch, server->tables[CORE_ROSTER]);
	store_fetch(batch, shard->number, tell_roster, errand);
}

/* ---- Modules' values ---- */

static void
tell_value(struct store_request *request)
{
	struct errand *errand = request->arg;
	const struct store_batch *batch = store_batch_of(request);
	int error = request->error;

	if (error == 0 && store_result(batch, 0)->count == 0)
		error = -ENOENT;
	errand->got_store(errand->arg, error, error < 0 ? NULL : store_result(batch, 1));
	errand_free(errand);
}

void
admin_read_value(struct shard *shard, const struct jid *bare, const struct module *module,
	unsigned store, admin_got_store *done, void *arg)
{
	struct errand *errand = errand_create(arg);
	struct server *server = shard->server;
	struct store_batch *batch = store_batch_create(server->store, jid_bare(bare));

	errand->got_store = done;
	(void)store_read_value(batch, server->tables[CORE_CREDENTIALS]);
	(void)store_read_value(batch, server_module(server, module)->first_table + store);
	store_fetch(batch, shard->number, tell_value, errand);
}

/* ---- The end ---- */

static void
stop(struct timer *timer)
{
	const struct server *server = container_of(timer, struct shard, stop)->server;

	server->wants_stop(server->wants_arg);
}

bool
admin_stop(struct shard *shard, uint32_t delay_ms)
{
	if (shard->server->wants_stop == NULL)
		return false;
	shard->stop.fire = stop;
	timer_start(shard->loop, &shard->stop, delay_ms);
	return true;
}
