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
#include "server/credentials.h"
#include "server/login.h"
#include "server/route.h"
#include "server/server_internal.h"
#include "server/subscription.h"
#include "server/visit.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

enum { LIST_PAGE = 1000, KEYS_TEXT = 4096 };

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
}

static void
old_keys_forgotten(struct shard *shard, void *arg)
{
	(void)shard;
	answer_change(arg, 0);
}

/* Who has been told of a change may rely on it: the old password lets nobody in any more. */
static void
keys_saved(struct store_request *request)
{
	struct change *change = request->arg;

	if (request->error == 0 && change->deed == REGISTRAR_CHANGE)
		visit_home(
			change->shard, change->owner, forget_old_keys, old_keys_forgotten, change);
	else
		answer_change(change, request->error);
}

static void
save_keys(struct change *change)
{
	struct server *server = change->shard->server;
	struct store_txn *txn = store_txn_create(server->store, change->owner);
	unsigned table = server->tables[CORE_CREDENTIALS];
	struct buffer text;

	buffer_init(&text, KEYS_TEXT);
	(void)scram_credentials_write(&change->keys.keys, &text);
	if (change->deed == REGISTRAR_CHANGE) {
		store_txn_value_require(txn, table);
		store_txn_value_set(txn, table, buffer_slice(&text));
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

int
registrar_set_password(struct shard *shard, enum registrar_deed deed, const struct jid *jid,
	struct slice typed, registrar_done *done, void *arg)
{
	struct change *change = xcalloc(1, sizeof(*change));
	int r;

	change->shard = shard;
	change->deed = deed;
	change->done = done;
	change->arg = arg;
	arena_init(&change->arena, 0);
	change->owner = arena_copy(&change->arena, jid_bare(jid));
	r = prepare(change, typed);
	if (r < 0)
		change_free(change);
	return r;
}

/* ---- Removal ---- */

struct removal {
	struct task task;             /* between the shards */
	struct account_waiter waiter; /* until the account is in memory, and free */
	struct shard *origin, *home;
	struct arena arena;
	struct jid jid;
	int error;
	registrar_done *done;
	void *arg;
};

static void
tell_origin(struct task *task)
{
	struct removal *removal = container_of(task, struct removal, task);

	removal->done(removal->arg, removal->error);
	arena_finish(&removal->arena);
	free(removal);
}

/* Who is told of a success at once may answer the user over a session that is about to end. */
static void
answer(struct removal *removal, int error)
{
	removal->error = error;
	removal->task.run = tell_origin;
	if (error == 0 && removal->origin == removal->home)
		tell_origin(&removal->task);
	else
		loop_post(removal->origin->loop, &removal->task);
}

/* XEP-0077 3.2: "cancel all existing presence subscriptions", and requests that wait. */
static void
cancel_subscriptions(struct account *acct)
{
	struct map_node *node;
	size_t at = 0;

	while ((node = map_next(&acct->roster.contacts, &at)) != NULL) {
		const struct contact *c = container_of(node, struct contact, node);

		subscription_cancel(acct, &c->item.jid, c->subscription, c->item.ask.p != NULL);
	}
	at = 0;
	while ((node = map_next(&acct->roster.requests, &at)) != NULL) {
		struct jid jid;

		if (jid_parse(node->key, &acct->shard->scratch, &jid) == 0)
			subscription_cancel(acct, &jid, SUBSCRIPTION_FROM, false);
	}
}

static void
removed(struct account *acct, int error, void *arg)
{
	struct removal *removal = arg;

	if (error == 0) {
		acct->exists = false; /* whatever the answer sets going */
		credentials_changed(acct->shard, acct->jid.full);
	}
	answer(removal, error);
	if (error < 0)
		return;
	account_delete(acct);
	cancel_subscriptions(acct);
	roster_finish(&acct->roster);
	roster_init(&acct->roster);
}

static void
remove_ready(struct account *acct, int error, void *arg)
{
	struct removal *removal = arg;
	struct store_txn *txn;

	if (error < 0 || !acct->exists || acct->is_anonymous) {
		answer(removal, error < 0 ? error : -ENOENT);
		account_consider_leaving(acct);
		return;
	}
	txn = txn_begin(acct);
	store_txn_value_require(txn, acct->shard->server->tables[CORE_CREDENTIALS]);
	store_txn_owner_delete(txn);
	account_commit_paused(acct, txn, removed, removal);
}

static void
remove_at_home(struct task *task)
{
	struct removal *removal = container_of(task, struct removal, task);
	struct shard *home = removal->home;
	struct host *host = server_host(home->server, jid_domain(&removal->jid));

	removal->waiter.ready = remove_ready;
	removal->waiter.arg = removal;
	account_when_ready(account_load(home, host, &removal->jid), &removal->waiter);
}

void
registrar_remove(struct shard *shard, const struct jid *jid, registrar_done *done, void *arg)
{
	struct removal *removal = xcalloc(1, sizeof(*removal));

	arena_init(&removal->arena, 0);
	removal->jid = jid_to_bare(jid);
	removal->jid = jid_copy(&removal->jid, &removal->arena);
	removal->origin = shard;
	removal->home = server_home(shard->server, removal->jid.full);
	removal->done = done;
	removal->arg = arg;
	removal->task.run = remove_at_home;
	if (removal->home == shard)
		remove_at_home(&removal->task);
	else
		loop_post(removal->home->loop, &removal->task);
}

/* ---- The list ---- */

struct listing {
	struct shard *shard;
	registrar_page *got;
	void *arg;
};

static void fetch_page(struct listing *listing, struct slice after);

static void
got_page(struct store_request *request)
{
	struct listing *listing = request->arg;
	const struct store_result *page = store_result(store_batch_of(request), 0);

	if (listing->got(listing->arg, request->error, page) && request->error == 0 && page->more)
		fetch_page(listing, page->rows[page->count - 1].key);
	else
		free(listing);
}

static void
fetch_page(struct listing *listing, struct slice after)
{
	struct server *server = listing->shard->server;
	struct store_batch *batch = store_batch_create(server->store, NO_SLICE);

	(void)store_read_owners(batch, server->tables[CORE_CREDENTIALS], after, LIST_PAGE);
	store_fetch(batch, listing->shard->number, got_page, listing);
}

void
registrar_list(struct shard *shard, registrar_page *got, void *arg)
{
	struct listing *listing = xcalloc(1, sizeof(*listing));

	*listing = (struct listing){ shard, got, arg };
	fetch_page(listing, NO_SLICE);
}
