/*
 * A change of keys needs no home: the store's conditions decide between two that come at once. The
 * home only hears of it, as it may have the old ones in memory.
 *
 * A removal goes to the account's home and holds the account there, so that nothing is stored for
 * it between the deletion and the end of its sessions.
 */
#include "server/registrar.h"

#include "proto/password.h"
#include "server/account_internal.h"
#include "server/admin.h"
#include "server/credentials.h"
#include "server/farewell.h"
#include "server/login.h"
#include "server/server_internal.h"
#include "server/visit.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum { KEYS_TEXT = 4096 };

const char *
registrar_why(int error)
{
	switch (error) {
	case -EEXIST:
		return "this account exists already";
	case -ENOENT:
		return "there is no such account";
	case -ENOSPC:
		return "the disk is full; nothing was changed";
	case -EINVAL:
		return "this is no password: it is empty, longer than 1023 bytes, or has control "
		       "characters";
	case -EAGAIN:
		return "the server is busy; try again";
	default:
		return "the store failed and nothing is certain; see the server's log";
	}
}

enum stanza_condition
registrar_condition(int error)
{
	switch (error) {
	case -EEXIST:
		return CONFLICT;
	case -ENOENT:
		return ITEM_NOT_FOUND;
	case -EINVAL:
		return NOT_ACCEPTABLE;
	case -ENOSPC:
	case -EAGAIN:
		return RESOURCE_CONSTRAINT;
	default:
		return INTERNAL_SERVER_ERROR;
	}
}

/* ---- Keys ---- */

struct change {
	struct key_request keys;
	struct shard *shard;
	enum registrar_deed deed;
	struct store_txn *txn; /* what is to come with the keys; NULL: nothing, or it was sent */
	struct arena arena;
	struct slice owner;
	registrar_done *done;
	void *arg;
};

static void
wipe(struct slice secret)
{
	OPENSSL_cleanse((void *)(uintptr_t)secret.p, secret.len);
}

static void
change_free(struct change *change)
{
	wipe(change->keys.password);
	OPENSSL_cleanse(&change->keys, sizeof(change->keys));
	store_txn_destroy(&change->txn);
	arena_finish(&change->arena);
	free(change);
}

static void
answer_change(struct change *change, int error)
{
	change->done(change->arg, error);
	change_free(change);
}

static void
forget_old_keys(struct shard *home, void *arg)
{
	const struct change *change = arg;

	credentials_changed(home, change->owner);
	account_forget_absent(home, change->owner);
}

static void
old_keys_forgotten(struct shard *shard, void *arg)
{
	(void)shard;
	answer_change(arg, 0);
}

/*
 * Who has been told of a change may rely on it: the old password lets nobody in any more, and who
 * is new is found by everyone.
 */
static void
keys_saved(struct store_request *request)
{
	struct change *change = request->arg;

	if (request->error == 0)
		visit_home(
			change->shard, change->owner, forget_old_keys, old_keys_forgotten, change);
	else
		answer_change(change, request->error);
}

/* One that is imported is not new. */
static void
tell_modules(struct change *change, struct store_txn *txn)
{
	struct server *server = change->shard->server;
	struct slice bare = change->owner;
	struct host *host = server_host(server, slice_from(bare, slice_find(bare, '@') + 1));

	if (change->deed == REGISTRAR_CREATE && host != NULL)
		hook_account_made(&server->pipeline, txn, change->shard, host);
	if (change->deed == REGISTRAR_CHANGE && host != NULL)
		hook_password_changing(&server->pipeline, txn, change->shard, host);
}

static void
save_keys(struct change *change)
{
	struct server *server = change->shard->server;
	struct store_txn *txn = change->txn;
	unsigned table = server->tables[CORE_CREDENTIALS];
	struct buffer text;

	change->txn = NULL;
	if (txn == NULL) {
		txn = store_txn_create(server->store, change->owner);
		tell_modules(change, txn);
	}
	buffer_init(&text, KEYS_TEXT);
	(void)scram_credentials_write(&change->keys.keys, &text);
	if (change->deed == REGISTRAR_CHANGE) {
		store_txn_value_require(txn, table);
		store_txn_value_set(txn, table, buffer_slice(&text));
		/* Who changes a password wants others out, too. */
		store_txn_map_clear(txn, server->tables[CORE_TOKENS]);
	} else {
		store_txn_value_create(txn, table, buffer_slice(&text));
	}
	buffer_finish(&text);
	store_commit(txn, change->shard->number, keys_saved, change);
}

static void
keys_made(struct key_request *request, int error)
{
	struct change *change = container_of(request, struct change, keys);

	if (error == 0) {
		save_keys(change);
		return;
	}
	change->done(change->arg, error);
	change_free(change);
}

static int
prepare(struct change *change, struct slice typed)
{
	struct slice prepared;
	int r = password_prepare(typed, &change->arena, &prepared);

	if (r < 0)
		return r;
	change->keys.password = arena_copy(&change->arena, prepared);
	change->keys.made = keys_made;
	return key_maker_ask(change->shard, &change->keys);
}

static struct change *
change_create(struct shard *shard, enum registrar_deed deed, const struct jid *jid,
	registrar_done *done, void *arg)
{
	struct change *change = xcalloc(1, sizeof(*change));

	change->shard = shard;
	change->deed = deed;
	change->done = done;
	change->arg = arg;
	arena_init(&change->arena, 0);
	change->owner = arena_copy(&change->arena, jid_bare(jid));
	return change;
}

int
registrar_set_password(struct shard *shard, enum registrar_deed deed, const struct jid *jid,
	struct slice typed, registrar_done *done, void *arg)
{
	struct change *change = change_create(shard, deed, jid, done, arg);
	int r = prepare(change, typed);

	if (r < 0)
		change_free(change);
	return r;
}

int
registrar_import(struct shard *shard, const struct jid *jid, struct slice typed,
	const struct scram_credentials *keys, struct store_txn *txn, registrar_done *done,
	void *arg)
{
	struct change *change = change_create(shard, REGISTRAR_CREATE, jid, done, arg);
	int r = 0;

	change->txn = txn;
	change->keys.keys = *keys;
	if (typed.p == NULL)
		save_keys(change);
	else
		r = prepare(change, typed);
	if (r < 0)
		change_free(change);
	return r;
}

/* ---- What happens at the account's home ---- */

struct measure_kind;

struct measure {
	struct task task;             /* between the shards */
	struct account_waiter waiter; /* until the account is in memory, and free */
	struct shard *origin, *home;
	struct arena arena;
	struct jid jid;
	const struct measure_kind *kind;
	int error;
	registrar_done *done;
	void *arg;
};

static void
tell_origin(struct task *task)
{
	struct measure *measure = container_of(task, struct measure, task);

	measure->done(measure->arg, measure->error);
	arena_finish(&measure->arena);
	free(measure);
}

/* Who is told of a success at once may answer the user over a session that is about to end. */
static void
answer(struct measure *measure, int error)
{
	measure->error = error;
	measure->task.run = tell_origin;
	if (error == 0 && measure->origin == measure->home)
		tell_origin(&measure->task);
	else
		loop_post(measure->origin->loop, &measure->task);
}

/* What is taken: how it is stored, and what follows when it is. */
struct measure_kind {
	void (*store)(struct account *acct, struct store_txn *txn);
	void (*done)(struct account *acct, struct measure *measure);
};

static void
deletion_done(void *arg)
{
	answer(arg, 0);
}

static void
removed(struct account *acct, struct measure *measure)
{
	struct buffer farewell;

	farewell_collect(acct, &farewell);
	acct->exists = false; /* whatever the answer sets going */
	credentials_changed(acct->shard, acct->jid.full);
	admin_forget(acct->shard, &acct->jid, deletion_done, measure);
	account_end_all(acct, "This account was deleted");
	farewell_begin(acct->shard, &acct->jid, buffer_slice(&farewell));
	buffer_finish(&farewell);
	roster_finish(&acct->roster);
	roster_init(&acct->roster);
}

static void
delete_all(struct account *acct, struct store_txn *txn)
{
	struct buffer farewell;

	farewell_collect(acct, &farewell);
	store_txn_owner_delete(txn);
	if (farewell.len > 0)
		store_txn_value_set(
			txn, acct->shard->server->tables[CORE_FAREWELL], buffer_slice(&farewell));
	buffer_finish(&farewell);
}

static const struct measure_kind removal = { delete_all, removed };

static void
mark_disabled(struct account *acct, struct store_txn *txn)
{
	store_txn_value_set(txn, acct->shard->server->tables[CORE_DISABLED], SLICE("disabled"));
}

static void
disabled(struct account *acct, struct measure *measure)
{
	acct->is_disabled = true;
	answer(measure, 0);
	account_end_all(acct, "An administrator disabled this account");
}

static const struct measure_kind disabling = { mark_disabled, disabled };

static void
mark_enabled(struct account *acct, struct store_txn *txn)
{
	store_txn_value_delete(txn, acct->shard->server->tables[CORE_DISABLED]);
}

static void
enabled(struct account *acct, struct measure *measure)
{
	acct->is_disabled = false;
	answer(measure, 0);
}

static const struct measure_kind enabling = { mark_enabled, enabled };

static void
stored(struct account *acct, int error, void *arg)
{
	struct measure *measure = arg;

	if (error < 0)
		answer(measure, error);
	else
		measure->kind->done(acct, measure);
}

static void
take_measure(struct account *acct, int error, void *arg)
{
	struct measure *measure = arg;
	struct store_txn *txn;

	if (error < 0 || !acct->exists || acct->is_anonymous) {
		answer(measure, error < 0 ? error : -ENOENT);
		account_consider_leaving(acct);
		return;
	}
	txn = txn_begin(acct);
	store_txn_value_require(txn, acct->shard->server->tables[CORE_CREDENTIALS]);
	measure->kind->store(acct, txn);
	account_commit_paused(acct, txn, stored, measure);
}

static void
arrive(struct task *task)
{
	struct measure *measure = container_of(task, struct measure, task);
	struct shard *home = measure->home;
	struct host *host = server_host(home->server, jid_domain(&measure->jid));

	if (host == NULL) {
		answer(measure, -ENOENT); /* a reload took it away meanwhile */
		return;
	}
	measure->waiter.ready = take_measure;
	measure->waiter.arg = measure;
	account_when_ready(account_load(home, host, &measure->jid), &measure->waiter);
}

static void
begin_measure(struct shard *shard, const struct measure_kind *kind, const struct jid *jid,
	registrar_done *done, void *arg)
{
	struct measure *measure = xcalloc(1, sizeof(*measure));

	arena_init(&measure->arena, 0);
	measure->jid = jid_to_bare(jid);
	measure->jid = jid_copy(&measure->jid, &measure->arena);
	measure->origin = shard;
	measure->home = server_home(shard->server, measure->jid.full);
	measure->kind = kind;
	measure->done = done;
	measure->arg = arg;
	measure->task.run = arrive;
	if (measure->home == shard)
		arrive(&measure->task);
	else
		loop_post(measure->home->loop, &measure->task);
}

void
registrar_remove(struct shard *shard, const struct jid *jid, registrar_done *done, void *arg)
{
	begin_measure(shard, &removal, jid, done, arg);
}

void
registrar_disable(struct shard *shard, const struct jid *jid, registrar_done *done, void *arg)
{
	begin_measure(shard, &disabling, jid, done, arg);
}

void
registrar_enable(struct shard *shard, const struct jid *jid, registrar_done *done, void *arg)
{
	begin_measure(shard, &enabling, jid, done, arg);
}
