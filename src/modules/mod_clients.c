/*
 * XEP-0494: Client Access Management. A user sees which clients have access to the account, and
 * takes it away. A client that says which installation it is (XEP-0388) is remembered from its
 * first sign-in on, for as long as the operator wants; of one that does not there is only the
 * session, while that lasts.
 *
 * What is remembered is in memory with the account. A new client is stored at once, when one was
 * last seen only when the account leaves memory. A new password ends the access of all.
 *
 * To revoke is to delete the client's tokens and to end its session; if it has the password still,
 * that is told.
 */
#include "base/random.h"
#include "proto/cam.h"
#include "server/admin.h"
#include "server/module.h"
#include "server/tokens.h"

#include <stdlib.h>

/* The id of a session of which no more is known; the resource follows. */
#define OF_SESSION "session/"
#define DAY_MS (INT64_C(24) * 3600 * 1000)

struct clients_config {
	uint32_t keep_days, max_clients;
};

struct client {
	struct client *next;
	struct arena arena; /* of the texts */
	struct slice agent;
	struct cam_row row;
	bool is_newer; /* than what is stored */
};

struct clients_account {
	struct client *first;
	unsigned count;
};

enum { STORE_CLIENTS };
enum { METRIC_REVOKED };

extern const struct module mod_clients;

static struct clients_account *
state_of(struct account *acct)
{
	return account_state(acct, &mod_clients);
}

static const struct clients_config *
config_of(struct account *acct)
{
	return module_config(account_host(acct), &mod_clients);
}

/* ---- Clients ---- */

static struct client *
find(struct account *acct, struct slice agent)
{
	struct client *client = state_of(acct)->first;

	while (client != NULL && !slice_is(client->agent, agent))
		client = client->next;
	return client;
}

static struct client *
find_by_id(struct account *acct, struct slice id)
{
	struct client *client = state_of(acct)->first;

	while (client != NULL && !slice_is(client->row.id, id))
		client = client->next;
	return client;
}

static void
remove_client(struct account *acct, struct client *client)
{
	struct client **at = &state_of(acct)->first;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	state_of(acct)->count--;
	arena_finish(&client->arena);
	free(client);
}

static struct client *
add_client(struct account *acct, struct slice agent, const struct cam_row *row)
{
	struct client *client = xcalloc(1, sizeof(*client));

	arena_init(&client->arena, 0);
	client->row = *row;
	client->row.id = arena_copy(&client->arena, row->id);
	client->row.software = arena_copy(&client->arena, row->software);
	client->row.device = arena_copy(&client->arena, row->device);
	client->agent = arena_copy(&client->arena, agent);
	client->next = state_of(acct)->first;
	state_of(acct)->first = client;
	state_of(acct)->count++;
	return client;
}

static struct session *
session_of(struct account *acct, struct slice agent)
{
	struct session *s = account_sessions(acct);

	while (s != NULL && !slice_is(session_agent(s), agent))
		s = session_next(s);
	return s;
}

static bool
is_too_old(struct account *acct, const struct client *client)
{
	int64_t keep_ms = config_of(acct)->keep_days * DAY_MS;

	return account_wall_ms(acct) - client->row.seen_ms >= keep_ms &&
	       session_of(acct, client->agent) == NULL;
}

/* ---- What is kept ---- */

static void
put(struct account *acct, struct store_txn *txn, struct client *client)
{
	client->is_newer = false;
	store_txn_map_put(txn, account_table(acct, &mod_clients, STORE_CLIENTS), client->agent,
		cam_row_write(&client->row, account_scratch(acct)));
}

/* Who is not remembered has no access but by the password. */
static void
erase(struct account *acct, struct store_txn *txn, struct client *client)
{
	store_txn_map_delete(txn, account_tokens_table(acct), client->agent);
	store_txn_map_delete(txn, account_table(acct, &mod_clients, STORE_CLIENTS), client->agent);
	remove_client(acct, client);
}

static void
got_clients(struct account *acct, const struct store_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		struct cam_row row;

		if (cam_row_read(result->rows[i].value, &row))
			(void)add_client(acct, result->rows[i].key, &row);
	}
}

static void
load(struct account *acct)
{
	account_read(acct, &mod_clients, STORE_CLIENTS, got_clients);
}

static void
forget_all(struct account *acct)
{
	while (state_of(acct)->first != NULL)
		remove_client(acct, state_of(acct)->first);
}

static void
save(struct account *acct)
{
	struct client *next, *client = state_of(acct)->first;
	struct store_txn *txn = NULL;

	for (; client != NULL; client = next) {
		bool is_over = is_too_old(acct, client);

		next = client->next;
		if (!is_over && !client->is_newer)
			continue;
		if (txn == NULL)
			txn = txn_begin(acct);
		if (is_over)
			erase(acct, txn, client);
		else
			put(acct, txn, client);
	}
	if (txn != NULL)
		account_commit(acct, txn, NULL, NULL);
}

static void
clear_stored(struct store_txn *txn, struct shard *shard, struct host *host)
{
	(void)shard;
	store_txn_map_clear(txn, module_table(host, &mod_clients, STORE_CLIENTS));
}

/* ---- Coming and going ---- */

/* The one that was away longest makes room. */
static void
make_room(struct account *acct, struct store_txn *txn)
{
	struct client *oldest = NULL;

	for (struct client *c = state_of(acct)->first; c != NULL; c = c->next) {
		if (oldest == NULL || c->row.seen_ms < oldest->row.seen_ms)
			oldest = c;
	}
	if (oldest != NULL && state_of(acct)->count >= config_of(acct)->max_clients)
		erase(acct, txn, oldest);
}

static void
welcome(struct account *acct, const struct sign_in *how)
{
	int64_t now = account_wall_ms(acct);
	struct store_txn *txn = txn_begin(acct);
	char id[TOKEN_CHARS + 1];

	random_token(id);
	make_room(acct, txn);
	put(acct, txn,
		add_client(acct, how->agent,
			&(struct cam_row){ slice_of(id), how->software, how->device, now, now,
				!how->by_token }));
	account_commit(acct, txn, NULL, NULL);
}

/* What it says now, and what it said before. */
static struct cam_row
row_after(const struct cam_row *row, const struct sign_in *how, int64_t now_ms)
{
	struct cam_row after = *row;

	after.seen_ms = now_ms;
	after.by_password |= !how->by_token;
	if (how->software.len > 0)
		after.software = how->software;
	if (how->device.len > 0)
		after.device = how->device;
	return after;
}

static void
change(struct account *acct, struct client *client, const struct cam_row *after)
{
	struct store_txn *txn = txn_begin(acct);

	put(acct, txn, add_client(acct, client->agent, after));
	remove_client(acct, client);
	account_commit(acct, txn, NULL, NULL);
}

static void
note_sign_in(struct account *acct, const struct sign_in *how)
{
	struct client *client = find(acct, how->agent);
	struct cam_row after;

	if (account_is_anonymous(acct))
		return;
	if (client == NULL) {
		welcome(acct, how);
		return;
	}
	after = row_after(&client->row, how, account_wall_ms(acct));
	client->row.seen_ms = after.seen_ms;
	client->is_newer = true;
	if (after.by_password != client->row.by_password ||
		!slice_is(after.software, client->row.software) ||
		!slice_is(after.device, client->row.device))
		change(acct, client, &after);
}

static void
note_end(struct session *s)
{
	struct account *acct = session_account(s);
	struct client *client = find(acct, session_agent(s));

	if (client == NULL)
		return;
	client->row.seen_ms = account_wall_ms(acct);
	client->is_newer = true;
}

/* ---- The list ---- */

static bool
has_token(const struct store_result *tokens, struct slice agent, int64_t now_ms)
{
	struct client_tokens found;

	for (size_t i = 0; i < tokens->count; i++) {
		if (!slice_is(tokens->rows[i].key, agent))
			continue;
		tokens_read(tokens->rows[i].value, &found);
		return tokens_until(&found) > now_ms / 1000;
	}
	return false;
}

static bool
is_known(struct account *acct, const struct session *s)
{
	return session_agent(s).p != NULL && find(acct, session_agent(s)) != NULL;
}

static struct cam_client
describe_session(struct iq *iq, const struct session *s, int64_t now_ms)
{
	struct cam_row row = {
		.id = arena_printf(
			iq->arena, OF_SESSION "%.*s", SLICE_ARG(jid_resource(session_jid(s)))),
		.first_ms = session_since_ms(s),
		.by_password = true,
	};

	return cam_describe(&row, now_ms, true, false, iq->arena);
}

static void
got_tokens(struct iq *iq, const struct store_batch *batch)
{
	const struct store_result *tokens = store_result(batch, 0);
	struct cam_clients answer = { 0 };
	size_t most = state_of(iq->account)->count;
	int64_t now = account_wall_ms(iq->account);

	for (const struct session *s = account_sessions(iq->account); s != NULL;
		s = session_next(s))
		most++;
	answer.clients.v = arena_array(iq->arena, most, struct cam_client);
	for (const struct client *c = state_of(iq->account)->first; c != NULL; c = c->next) {
		if (!is_too_old(iq->account, c))
			answer.clients.v[answer.clients.count++] = cam_describe(&c->row, now,
				session_of(iq->account, c->agent) != NULL,
				has_token(tokens, c->agent, now), iq->arena);
	}
	for (const struct session *s = account_sessions(iq->account); s != NULL;
		s = session_next(s)) {
		if (!is_known(iq->account, s))
			answer.clients.v[answer.clients.count++] = describe_session(iq, s, now);
	}
	iq_result(iq, &cam_clients_payload, &answer);
}

static void
list_clients(struct iq *iq)
{
	struct store_batch *batch = batch_begin(iq->account);

	(void)store_read_map(batch, account_tokens_table(iq->account));
	iq_fetch(iq, batch, got_tokens);
}

/* ---- Revoking ---- */

/* Whether the session is of the client of that id. */
static bool
is_of(const struct session *s, struct slice id, const struct client *client)
{
	if (client != NULL)
		return slice_is(session_agent(s), client->agent);
	return slice_starts(id, SLICE(OF_SESSION)) &&
	       slice_is(slice_from(id, sizeof(OF_SESSION) - 1), jid_resource(session_jid(s)));
}

static struct session *
first_of(struct account *acct, struct slice id, const struct client *client)
{
	struct session *s = account_sessions(acct);

	while (s != NULL && !is_of(s, id, client))
		s = session_next(s);
	return s;
}

static void
ended(void *arg, uint64_t count)
{
	(void)arg;
	(void)count;
}

/*
 * The session is one at most: who comes again takes the place of the former one (XEP-0386). It may
 * be the one that asked, so the answer comes first.
 */
static void
revoked(struct iq *iq)
{
	const struct cam_revoke *asked = iq_data(iq, &cam_revoke_payload);
	struct shard *shard = iq_shard(iq);
	struct account *acct = iq->account;
	struct client *client = find_by_id(acct, asked->id);
	const struct session *s = first_of(acct, asked->id, client);
	struct jid jid = s == NULL ? NO_JID : jid_copy(session_jid(s), account_scratch(acct));
	bool has_password = client == NULL || client->row.by_password;

	metric_add(acct, &mod_clients, METRIC_REVOKED);
	if (client != NULL && !has_password)
		remove_client(acct, client);
	if (has_password)
		iq_refuse(iq, SERVICE_UNAVAILABLE,
			"Its tokens and its session are gone; but it knows the password, so change "
			"that",
			&cam_reset_payload);
	else
		iq_result(iq, NULL, NULL);
	if (jid.full.p != NULL)
		admin_kick(shard, &jid, "You may not use this account any more", ended, NULL);
}

static void
revoke(struct iq *iq)
{
	const struct cam_revoke *asked = iq_data(iq, &cam_revoke_payload);
	struct client *client = find_by_id(iq->account, asked->id);
	struct session *s = first_of(iq->account, asked->id, client);
	struct store_txn *txn;
	struct slice agent;

	if (client == NULL && (s == NULL || is_known(iq->account, s))) {
		iq_error(iq, ITEM_NOT_FOUND, "There is no such client");
		return;
	}
	agent = client == NULL ? session_agent(s) : client->agent;
	txn = txn_begin(iq->account);
	if (agent.p != NULL)
		store_txn_map_delete(txn, account_tokens_table(iq->account), agent);
	if (client != NULL && !client->row.by_password)
		store_txn_map_delete(
			txn, account_table(iq->account, &mod_clients, STORE_CLIENTS), agent);
	iq_commit(iq, txn, revoked);
}

/* Nothing is exported: access is to this server. */
static const struct transfer_entry transfers[] = {
	{ 0 },
};

static const struct xep xeps[] = {
	{ 494, "0.1.0", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_UINT(struct clients_config, keep_days, "keep_days", 90, 1, 3650,
		"For how many days a client that does not come is remembered, and its tokens are "
		"good."),
	OPTION_UINT(struct clients_config, max_clients, "max_clients", 50, 1, 1000,
		"How many clients of one account are remembered."),
	{ 0 },
};

static const struct store_entry stores[] = {
	[STORE_CLIENTS] = { "clients", STORE_MAP, .version = 1 },
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_REVOKED] = { "clients_revoked_total",
		"Clients whose access was taken away by their users." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_GET, TO_SELF, &cam_list_payload, list_clients },
	{ IQ_SET, TO_SELF, &cam_revoke_payload, revoke },
	{ 0 },
};

const struct module mod_clients = {
	.name = "clients",
	.about = "Lets users see which clients have access to their accounts, and take it away.",
	.xeps = xeps,
	.account_features = (const char *const[]){ NS_CAM, NULL },
	.options = options,
	.config_size = sizeof(struct clients_config),
	.account_size = sizeof(struct clients_account),
	.stores = stores,
	.transfers = transfers,
	.metrics = metrics,
	.routes = routes,
	.on.password_changing = clear_stored,
	.on.password_changed = forget_all,
	.on.account_loading = load,
	.on.account_leaving = save,
	.on.account_gone = forget_all,
	.on.signed_in = note_sign_in,
	.on.session_gone = note_end,
};
