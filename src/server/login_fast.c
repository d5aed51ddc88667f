/*
 * Signing in with a token (XEP-0484) that was given out at an earlier sign-in: one message each
 * way, and a look at one row. The row belongs to one installation of a client. What changes in it
 * is on disk before <success/>, since a token that was used, or invalidated, must not be good for
 * what it was before.
 *
 * A client may count the uses of its token. A use that is counted is stored, and an equal or lower
 * one is refused from then on, which is what makes it safe in early data of TLS (io/tls.h). There
 * nothing else is taken.
 */
#include "server/account_internal.h"
#include "server/login_internal.h"
#include "server/login_sasl2.h"
#include "server/server_internal.h"

#include "base/clock.h"
#include "base/random.h"
#include "io/tls.h"
#include "xml/writer.h"

#include <errno.h>
#include <stdlib.h>

#define NS_FAST "urn:xmpp:fast:0"

enum { CLIENTS_MOST = 50, ROW_MOST = 4096, WORDS_MOST = 256, BINDING_MOST = 64 };

/* ---- What is asked for ---- */

static bool
is_true(struct slice text)
{
	return slice_is_text(text, "true") || slice_is_text(text, "1");
}

static struct slice
read_words(const struct xml_token *agent, const char *name, struct arena *arena)
{
	const struct xml_token *child = xml_first_child(agent);
	struct slice words = NO_SLICE;

	for (; child != NULL && words.p == NULL; child = xml_next_sibling(child)) {
		if (slice_is_text(child->local, name))
			words = arena_copy(arena, xml_text(child, arena));
	}
	return words.len > WORDS_MOST ? NO_SLICE : words;
}

void
login_ask_fast(struct login *login, const struct xml_token *element)
{
	const struct xml_token *agent = xml_child(element, NS_ID_SASL2, NAME_USER_AGENT);
	const struct xml_token *fast = xml_child(element, NS_ID_FAST, NAME_FAST);
	const struct xml_token *request = xml_child(element, NS_ID_FAST, NAME_REQUEST_TOKEN);
	struct sasl2 *asked = login->sasl2;

	if (agent != NULL) {
		asked->software = read_words(agent, "software", &login->arena);
		asked->device = read_words(agent, "device", &login->arena);
	}
	asked->uses_token = fast != NULL;
	asked->invalidates = fast != NULL && is_true(xml_attribute(fast, NAME_INVALIDATE));
	if (fast != NULL && xml_attribute(fast, NAME_COUNT).p != NULL) {
		asked->has_count = true;
		/* 0 and what is no number are more than nothing, so they fit nowhere. */
		(void)slice_to_uint(xml_attribute(fast, NAME_COUNT), UINT64_MAX, &asked->count);
	}
	asked->wants_token = request == NULL ? HT_KINDS
					     : ht_find(xml_attribute(request, NAME_MECHANISM));
}

/* Headers change nothing; what else may come is looked at more closely (login_start_sasl). */
bool
login_may_be_early(const struct login *login, const struct stream_event *event)
{
	return !conn_is_early(login->conn) || event->kind == STREAM_OPENED ||
	       event->kind == STREAM_AUTH || event->kind == STREAM_FAILED;
}

/* XEP-0484, 3.4, which is the exception to XEP-0388, 4. */
bool
login_is_counted(const struct login *login, struct slice mechanism)
{
	return login->sasl2 != NULL && login->sasl2->uses_token && login->sasl2->has_count &&
	       ht_find(mechanism) != HT_KINDS;
}

/* ---- Using one ---- */

static struct slice
get_binding(struct login *login, enum ht_kind kind)
{
	char data[BINDING_MOST];
	size_t len = 0;

	if (kind == HT_EXPR)
		len = conn_tls_exporter(login->conn, data);
	else if (kind == HT_ENDP)
		len = conn_tls_end_point(login->conn, data);
	return arena_copy(&login->arena, slice_make(data, len));
}

static bool
fits(const struct sasl2 *asked, const struct token *token, struct slice binding)
{
	return token->secret.p != NULL && token->kind == asked->kind &&
	       ht_fits(token->secret, binding, asked->proof);
}

static int64_t
now_s(const struct login *login)
{
	return loop_wall_ms(login->shard->loop) / 1000;
}

static void
use(struct login *login, const struct token *token, struct slice binding)
{
	login->sasl2->used = token;
	login->user = login->claimed;
	login->step = (struct sasl_server_step){
		.verdict = SASL_SUCCESS,
		.user = login->step.user,
		.data = ht_answer(token->secret, binding, &login->arena),
	};
	login_wait(login);
	login_ask_account(login);
}

static void
check(struct login *login)
{
	struct sasl2 *asked = login->sasl2;
	struct slice binding = get_binding(login, asked->kind);
	const struct token *token = &asked->tokens.fresh;

	if (!fits(asked, token, binding))
		token = &asked->tokens.current;
	if ((binding.len == 0 && asked->kind != HT_NONE) || !fits(asked, token, binding))
		login_refuse(login, SASL_NOT_AUTHORIZED, NULL);
	else if (asked->has_count && asked->count <= token->count)
		login_refuse(
			login, SASL_NOT_AUTHORIZED, "This use of the token was counted before");
	else if (token->until_s <= now_s(login))
		login_refuse(login, SASL_CREDENTIALS_EXPIRED, "This token is too old");
	else
		use(login, token, binding);
}

static void
read_row(struct login *login, struct slice row)
{
	struct sasl2 *asked = login->sasl2;

	asked->row = arena_copy(&login->arena, row);
	tokens_read(asked->row, &asked->tokens);
}

static void
got_row(struct store_request *request)
{
	struct login *login = login_end_work(request->arg);
	const struct store_result *result;

	if (login == NULL)
		return;
	if (request->error < 0) {
		login_refuse(login, SASL_TEMPORARY_AUTH_FAILURE, "Tokens cannot be looked up now");
		return;
	}
	result = store_result(store_batch_of(request), 0);
	if (result->count > 0)
		read_row(login, result->rows[0].value);
	check(login);
}

static void
look_up(struct login *login)
{
	struct shard *shard = login->shard;
	struct store_batch *batch = store_batch_create(shard->server->store, login->claimed.full);

	(void)store_read_key(batch, shard->server->tables[CORE_TOKENS], login->sasl2->agent);
	store_fetch(batch, shard->number, got_row, login_begin_work(login));
}

static void
go_home(struct login *login)
{
	struct shard *home = server_home(login->shard->server, login->claimed.full);

	if (home == login->shard)
		look_up(login);
	else
		login_move(login, home, look_up);
}

void
login_start_fast(struct login *login, enum ht_kind kind)
{
	struct sasl2 *asked = login->sasl2;
	struct slice user;

	asked->kind = kind;
	if (!asked->uses_token || asked->agent.p == NULL ||
		ht_parse(login->message, &user, &asked->proof) < 0) {
		login_refuse(login, SASL_MALFORMED_REQUEST,
			"A token is used with <fast/> and the id of a <user-agent/>");
		return;
	}
	login->step.user = user;
	if (jid_make(user, host_domain(login->host), NO_SLICE, &login->arena, &login->claimed) < 0)
		login_refuse(login, SASL_NOT_AUTHORIZED, NULL);
	else
		login_admit(login, go_home);
}

/* ---- Changing what is stored ---- */

static void
settled(struct account *acct, int error, void *arg)
{
	struct login *login = login_end_work(arg);

	if (login == NULL)
		return;
	if (error == -ESTALE)
		login_refuse_user(login, SASL_TEMPORARY_AUTH_FAILURE,
			"This token was used or changed by somebody else meanwhile");
	else if (error < 0)
		login_refuse_user(
			login, SASL_TEMPORARY_AUTH_FAILURE, "Tokens cannot be stored now");
	else
		login_finish2(login, acct);
}

static void
make_token(struct login *login)
{
	struct sasl2 *asked = login->sasl2;
	char halves[2][TOKEN_CHARS + 1];

	random_token(halves[0]);
	random_token(halves[1]);
	asked->secret = arena_printf(&login->arena, "%s%s", halves[0], halves[1]);
	asked->until_s = now_s(login) + login->shard->server->core->auth->token_lifetime_ms / 1000;
	asked->tokens.fresh = (struct token){
		.secret = asked->secret, .kind = asked->wants_token, .until_s = asked->until_s
	};
	if (asked->software.len > 0)
		asked->tokens.software = asked->software;
	if (asked->device.len > 0)
		asked->tokens.device = asked->device;
}

/* XEP-0484, 6.1: what was used is the current one from now on, and older ones end. */
static void
change(struct login *login)
{
	struct sasl2 *asked = login->sasl2;
	bool is_fresh = asked->used == &asked->tokens.fresh;

	if (asked->has_count && asked->used != NULL)
		(is_fresh ? &asked->tokens.fresh : &asked->tokens.current)->count = asked->count;
	if (is_fresh) {
		asked->tokens.current = asked->tokens.fresh;
		asked->tokens.fresh = (struct token){ 0 };
	}
	if (asked->invalidates)
		asked->tokens.current = asked->tokens.fresh = (struct token){ 0 };
	if (asked->wants_token != HT_KINDS)
		make_token(login);
}

static void
commit(struct login *login, struct account *acct, struct store_txn *txn, struct login_work *work)
{
	unsigned table = login->shard->server->tables[CORE_TOKENS];
	struct sasl2 *asked = login->sasl2;
	struct buffer row;

	/* Nobody used, revoked or cleared it meanwhile. */
	store_txn_expect(txn, table, asked->agent, asked->row);
	change(login);
	buffer_init(&row, ROW_MOST);
	tokens_write(&asked->tokens, &row);
	if (tokens_until(&asked->tokens) == 0)
		store_txn_map_delete(txn, table, asked->agent);
	else
		store_txn_map_put(txn, table, asked->agent, buffer_slice(&row));
	buffer_finish(&row);
	account_commit(acct, txn, settled, work);
}

/* Makes room for this client: those whose tokens are over go, and one more if there are too many.
 */
static void
prune(struct login *login, const struct store_result *rows, struct store_txn *txn)
{
	unsigned table = login->shard->server->tables[CORE_TOKENS];
	int64_t now = now_s(login), soonest = INT64_MAX;
	struct slice first = NO_SLICE;
	size_t left = 0;

	for (size_t i = 0; i < rows->count; i++) {
		struct slice agent = rows->rows[i].key;
		struct client_tokens tokens;
		int64_t until;

		if (slice_is(agent, login->sasl2->agent))
			continue;
		tokens_read(rows->rows[i].value, &tokens);
		until = tokens_until(&tokens);
		if (until <= now) {
			store_txn_map_delete(txn, table, agent);
			continue;
		}
		left++;
		if (until < soonest) {
			soonest = until;
			first = agent;
		}
	}
	if (left >= CLIENTS_MOST)
		store_txn_map_delete(txn, table, first);
}

/* What this client has already, if it did not come with that. */
static void
take_row(struct login *login, const struct store_result *rows)
{
	for (size_t i = 0; login->sasl2->used == NULL && i < rows->count; i++) {
		if (slice_is(rows->rows[i].key, login->sasl2->agent))
			read_row(login, rows->rows[i].value);
	}
}

static void
got_all(struct account *acct, int error, struct store_batch *batch, void *arg)
{
	struct login_work *work = arg;
	struct login *login = login_of_work(work);
	struct store_txn *txn;

	if (login == NULL || error < 0) {
		settled(acct, error, work);
		return;
	}
	txn = txn_begin(acct);
	take_row(login, store_result(batch, 0));
	prune(login, store_result(batch, 0), txn);
	commit(login, acct, txn, work);
}

/* A new one is given out in the second half of a token's life. */
static bool
is_due(const struct login *login)
{
	const struct sasl2 *asked = login->sasl2;
	int64_t half_s = login->shard->server->core->auth->token_lifetime_ms / 2000;

	return asked->used != NULL && !asked->invalidates &&
	       asked->used->until_s - now_s(login) < half_s;
}

bool
login_settle_tokens(struct login *login, struct account *acct)
{
	struct sasl2 *asked = login->sasl2;
	struct store_batch *batch;

	if (asked->agent.p == NULL || login->is_anonymous ||
		login->shard->server->core->auth->token_lifetime_ms == 0)
		asked->wants_token = HT_KINDS;
	else if (asked->wants_token == HT_KINDS && is_due(login))
		asked->wants_token = asked->kind;
	if (asked->wants_token != HT_KINDS) {
		batch = batch_begin(acct);
		(void)store_read_map(batch, login->shard->server->tables[CORE_TOKENS]);
		account_fetch(acct, batch, got_all, login_begin_work(login));
		return true;
	}
	if (asked->used == NULL ||
		(asked->used != &asked->tokens.fresh && !asked->invalidates && !asked->has_count))
		return false;
	commit(login, acct, txn_begin(acct), login_begin_work(login));
	return true;
}

void
login_write_token(const struct login *login, struct buffer *out)
{
	const struct sasl2 *asked = login->sasl2;
	char stamp[STAMP_CHARS + 1];

	if (asked->secret.p == NULL)
		return;
	stamp_write(asked->until_s * 1000, stamp);
	(void)buffer_printf(out, "<token xmlns='" NS_FAST "' expiry='%s' token='%.*s'/>", stamp,
		SLICE_ARG(asked->secret));
}
