/*
 * Keys for a better hash (XEP-0480). An account that was brought from elsewhere may have keys for
 * SHA-1 only, and none can be made without the password, which nobody here has. A client that has
 * signed in by SCRAM has it, and makes them when it is asked, one hash after the other, before
 * <success/>.
 *
 * Only who has just proved to know the password may give new keys: by a token or a certificate one
 * would get a password where there was none. And they are stored only if the account's keys are
 * still those by which the sign-in went, as its password may change meanwhile.
 *
 * After each task the account is asked for anew, as it may have gone while the client computed;
 * what is still to do then shows in the keys that are stored.
 */
#include "server/account_internal.h"
#include "server/credentials.h"
#include "server/login_internal.h"
#include "server/login_sasl2.h"
#include "server/server_internal.h"

#include "base/random.h"
#include "proto/base64.h"

#include <errno.h>
#include <openssl/crypto.h>

#define PREFIX "UPGR-"

enum { KEYS_TEXT = 4096 };

/* Weaker ones are not worth a task. */
static const enum scram_hash hashes[] = { SCRAM_SHA_512, SCRAM_SHA_256 };

/* ---- What is asked for ---- */

void
login_write_upgrades(struct buffer *out)
{
	for (size_t i = 0; i < COUNT_OF(hashes); i++)
		(void)buffer_printf(out,
			"<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>" PREFIX "%s</upgrade>",
			scram_hash_name(hashes[i]));
}

void
login_ask_upgrades(struct login *login, const struct xml_token *element)
{
	const struct xml_token *child = xml_first_child(element);

	for (; child != NULL; child = xml_next_sibling(child)) {
		struct slice task;

		if (child->ns != NS_ID_UPGRADE || child->name != NAME_UPGRADE)
			continue;
		task = xml_text(child, &login->arena);
		if (!slice_starts(task, SLICE(PREFIX)))
			continue;
		task = slice_from(task, strlen(PREFIX));
		for (size_t i = 0; i < COUNT_OF(hashes); i++) {
			if (slice_is_text(task, scram_hash_name(hashes[i])))
				login->sasl2->upgrades |= 1u << hashes[i];
		}
	}
}

/* ---- Whether there is something to do ---- */

/* The keys by which the sign-in went are stored. */
static bool
are_current(const struct login *login, const struct scram_credentials *stored)
{
	const struct scram_keys *used = &login->keys, *now = &stored->keys[used->hash];
	size_t bytes = scram_hash_bytes((enum scram_hash)used->hash);

	return now->iterations == used->iterations &&
	       CRYPTO_memcmp(now->stored_key, used->stored_key, bytes) == 0;
}

static enum scram_hash
choose(const struct login *login, const struct scram_credentials *stored)
{
	uint32_t wanted = login->shard->server->core->auth->iterations;

	for (size_t i = 0; i < COUNT_OF(hashes); i++) {
		if ((login->sasl2->upgrades & (1u << hashes[i])) != 0 &&
			stored->keys[hashes[i]].iterations < wanted)
			return hashes[i];
	}
	return SCRAM_HASHES;
}

static void
begin_task(struct login *login, enum scram_hash hash)
{
	struct sasl2 *asked = login->sasl2;

	asked->upgrade = hash;
	asked->task = TASK_OFFERED;
	stream_write_continue(conn_output(login->conn),
		sasl_data_encode(login->step.data, &login->arena),
		arena_printf(&login->arena, PREFIX "%s", scram_hash_name(hash)).p);
	/* The server's proof is told once. */
	login->step.data = NO_SLICE;
	login_continue(login);
}

static void
got_keys(struct account *acct, int error, struct store_batch *batch, void *arg)
{
	struct login *login = login_end_work(arg);
	const struct store_result *result;
	struct scram_credentials stored = { 0 };
	enum scram_hash hash;

	if (login == NULL)
		return;
	result = error < 0 ? NULL : store_result(batch, 0);
	if (result == NULL || result->count != 1 ||
		scram_credentials_parse(result->rows[0].value, &stored) < 0 ||
		!are_current(login, &stored)) {
		login_refuse_user(login, SASL_TEMPORARY_AUTH_FAILURE,
			"The password was changed, or cannot be looked up now");
		return;
	}
	login->sasl2->credentials = arena_copy(&login->arena, result->rows[0].value);
	hash = choose(login, &stored);
	if (hash != SCRAM_HASHES) {
		begin_task(login, hash);
		return;
	}
	login->sasl2->upgrades = 0;
	login_succeed2(login, acct);
}

bool
login_start_upgrade(struct login *login, struct account *acct)
{
	struct store_batch *batch;

	if (login->sasl2->upgrades == 0 || (SASL_BIT(login->mechanism) & SASL_SCRAM_BITS) == 0 ||
		login->keys.iterations == 0)
		return false;
	batch = batch_begin(acct);
	(void)store_read_value(batch, login->shard->server->tables[CORE_CREDENTIALS]);
	account_fetch(acct, batch, got_keys, login_begin_work(login));
	return true;
}

/* ---- Doing it ---- */

void
login_refuse_task(struct login *login, enum sasl_condition condition, const char *why)
{
	login->sasl2->task = TASK_NONE;
	login_refuse_user(login, condition, why);
}

static void
give_salt(struct login *login, struct slice task)
{
	struct sasl2 *asked = login->sasl2;
	struct slice name = slice_of(scram_hash_name(asked->upgrade));

	if (asked->task != TASK_OFFERED || !slice_starts(task, SLICE(PREFIX)) ||
		!slice_is(slice_from(task, strlen(PREFIX)), name)) {
		login_refuse_task(login, SASL_MALFORMED_REQUEST, "This task is not offered now");
		return;
	}
	random_bytes(asked->salt, sizeof(asked->salt));
	asked->task = TASK_BEGUN;
	(void)buffer_printf(conn_output(login->conn),
		"<task-data xmlns='urn:xmpp:sasl:2'><salt xmlns='urn:xmpp:scram-upgrade:0' "
		"iterations='%u'>%.*s</salt></task-data>",
		login->shard->server->core->auth->iterations,
		SLICE_ARG(base64_encode(slice_make((const char *)asked->salt, sizeof(asked->salt)),
			&login->arena)));
}

static void
saved(struct store_request *request)
{
	struct login *login = login_end_work(request->arg);

	if (login == NULL)
		return;
	if (request->error == -ESTALE) {
		login_refuse_user(
			login, SASL_TEMPORARY_AUTH_FAILURE, "The password was changed meanwhile");
		return;
	}
	if (request->error == 0)
		credentials_changed(login->shard, login->user.full);
	else
		login->sasl2->upgrades = 0; /* one can live without */
	login_wait(login);
	login_ask_account(login);
}

static void
save(struct login *login, const struct scram_credentials *all)
{
	struct server *server = login->shard->server;
	unsigned table = server->tables[CORE_CREDENTIALS];
	struct store_txn *txn = store_txn_create(server->store, login->user.full);
	struct buffer text;

	buffer_init(&text, KEYS_TEXT);
	(void)scram_credentials_write(all, &text);
	store_txn_expect(txn, table, NO_SLICE, login->sasl2->credentials);
	store_txn_value_set(txn, table, buffer_slice(&text));
	buffer_finish(&text);
	store_commit(txn, login->shard->number, saved, login_begin_work(login));
}

static void
take_hash(struct login *login, const struct xml_token *element)
{
	struct sasl2 *asked = login->sasl2;
	const struct xml_token *hash = xml_child(element, NS_ID_SCRAM_UPGRADE, NAME_HASH);
	size_t bytes = scram_hash_bytes(asked->upgrade), len;
	struct scram_credentials all = { 0 };
	unsigned char salted[SCRAM_HASH_MAX];

	if (asked->task != TASK_BEGUN || hash == NULL ||
		base64_decode_to(xml_text(hash, &login->arena), salted, bytes, &len) < 0 ||
		len != bytes) {
		login_refuse_task(login, SASL_MALFORMED_REQUEST,
			"A salted password of the hash's length is what was asked for");
		return;
	}
	asked->task = TASK_NONE;
	(void)scram_credentials_parse(asked->credentials, &all);
	scram_keys_of_salted(salted, asked->upgrade,
		slice_make((const char *)asked->salt, sizeof(asked->salt)),
		login->shard->server->core->auth->iterations, &all.keys[asked->upgrade]);
	save(login, &all);
	OPENSSL_cleanse(&all, sizeof(all));
	OPENSSL_cleanse(salted, sizeof(salted));
}

bool
login_is_in_task(const struct login *login)
{
	return login->sasl2 != NULL && login->sasl2->task != TASK_NONE;
}

void
login_take_task(struct login *login, const struct stream_event *event)
{
	if (login->sasl2 == NULL) /* so that the answer is of the same profile */
		login->sasl2 = arena_new(&login->arena, struct sasl2);
	if (!login_is_in_task(login))
		login_refuse(login, SASL_MALFORMED_REQUEST, "No task is offered now");
	else if (event->kind == STREAM_TASK_BEGUN)
		give_salt(login, event->mechanism);
	else
		take_hash(login, event->element);
}
