/* Keys from the store, and passwords checked on a worker or against those checked lately. */
#include "server/credentials.h"

#include "base/map.h"
#include "base/random.h"
#include "server/account_internal.h"
#include "server/server_internal.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

enum { CACHE_MOST = 10000, MAC_BYTES = 32, QUEUED_CHECKS = 1000 };

struct credentials_query {
	struct job job; /* of a check */
	struct shard *shard;
	struct arena arena;
	struct jid jid;
	struct slice password;
	struct scram_credentials keys;
	credentials_got *got;
	credentials_checked *checked;
	int error;
	void *arg; /* NULL: cancelled */
	bool exists, fits;
};

struct cached {
	struct map_node node; /* by bare JID */
	unsigned char mac[MAC_BYTES];
};

struct password_cache {
	struct map entries; // cached.node
	unsigned char key[MAC_BYTES];
};

struct password_cache *
password_cache_create(void)
{
	struct password_cache *cache = xcalloc(1, sizeof(*cache));

	map_init(&cache->entries);
	random_bytes(cache->key, sizeof(cache->key));
	return cache;
}

static void
clear(struct password_cache *cache)
{
	struct map_node *node;
	size_t at = 0;

	while ((node = map_next(&cache->entries, &at)) != NULL)
		free(container_of(node, struct cached, node));
	map_finish(&cache->entries);
	map_init(&cache->entries);
}

void
password_cache_destroy(struct password_cache **cache)
{
	if (*cache == NULL)
		return;
	clear(*cache);
	OPENSSL_cleanse((*cache)->key, sizeof((*cache)->key));
	free(*cache);
	*cache = NULL;
}

/* The keys are part of it: with a new password the old entry fits nothing any more. */
static void
make_mac(const struct password_cache *cache, const struct credentials_query *query,
	unsigned char mac[MAC_BYTES])
{
	const struct scram_keys *keys = &query->keys.keys[SCRAM_SHA_256];
	struct buffer text;
	unsigned len = MAC_BYTES;

	buffer_init(&text, 64 * 1024);
	(void)buffer_append(&text, slice_make((const char *)keys->stored_key, MAC_BYTES));
	(void)buffer_append(&text, query->jid.full);
	(void)buffer_append(&text, slice_make("", 1));
	(void)buffer_append(&text, query->password);
	(void)HMAC(EVP_sha256(), cache->key, MAC_BYTES, (const unsigned char *)text.data, text.len,
		mac, &len);
	OPENSSL_cleanse(text.data, text.len);
	buffer_finish(&text);
}

static bool
is_cached(const struct password_cache *cache, const struct credentials_query *query)
{
	struct map_node *node = map_find(&cache->entries, query->jid.full);
	unsigned char mac[MAC_BYTES];

	if (node == NULL)
		return false;
	make_mac(cache, query, mac);
	return CRYPTO_memcmp(mac, container_of(node, struct cached, node)->mac, MAC_BYTES) == 0;
}

static void
remember(struct password_cache *cache, const struct credentials_query *query)
{
	struct map_node *node = map_find(&cache->entries, query->jid.full);
	struct cached *entry;

	if (node == NULL) {
		if (cache->entries.count >= CACHE_MOST)
			clear(cache);
		entry = xcalloc(1, sizeof(*entry) + query->jid.full.len);
		memcpy(entry + 1, query->jid.full.p, query->jid.full.len);
		entry->node.key = slice_make((char *)(entry + 1), query->jid.full.len);
		map_insert(&cache->entries, &entry->node);
	} else {
		entry = container_of(node, struct cached, node);
	}
	make_mac(cache, query, entry->mac);
}

static void
query_free(struct credentials_query *query)
{
	if (query->password.len > 0)
		OPENSSL_cleanse((void *)(uintptr_t)query->password.p, query->password.len);
	OPENSSL_cleanse(&query->keys, sizeof(query->keys));
	arena_finish(&query->arena);
	free(query);
}

static void
check_on_worker(struct job *job)
{
	struct credentials_query *query = container_of(job, struct credentials_query, job);

	query->fits = scram_password_fits(&query->keys, query->password);
}

static void
answer_check(struct credentials_query *query)
{
	if (query->arg != NULL)
		query->checked(query->arg, query->error, query->exists, query->fits);
	query_free(query);
}

static void
check_done(struct job *job)
{
	struct credentials_query *query = container_of(job, struct credentials_query, job);

	if (query->exists && query->fits)
		remember(query->shard->passwords, query);
	answer_check(query);
}

static void
start_check(struct credentials_query *query)
{
	struct shard *shard = query->shard;

	if (query->exists && is_cached(shard->passwords, query)) {
		query->fits = true;
		answer_check(query);
		return;
	}
	query->job.loop = shard->loop;
	query->job.run = check_on_worker;
	query->job.done = check_done;
	if (worker_submit(shard->server->workers, &query->job) < 0) {
		query->fits = false;
		query->error = -EAGAIN;
		log_warning(shard->server->log,
			"too many passwords wait to be checked; a sign-in was refused",
			F_UINT("most", QUEUED_CHECKS));
		answer_check(query);
	}
}

static void
read_keys(struct credentials_query *query, const struct store_request *request,
	const struct store_batch *batch)
{
	struct server *server = query->shard->server;
	const struct store_result *result = store_result(batch, 0);

	struct scram_credentials keys;

	query->exists = request->error == 0 && result->count == 1 &&
			scram_credentials_parse(result->rows[0].value, &keys) == 0;
	query->error = request->error;
	if (query->error == 0 && result->count == 1 && !query->exists)
		query->error = -EIO;
	if (query->error < 0)
		log_at(server->log,
			request->error < 0 ? server_level_of(request->error) : LOG_ERROR,
			"an account's keys cannot be read", F_TEXT("account", query->jid.full));
	if (query->exists)
		query->keys = keys;
	OPENSSL_cleanse(&keys, sizeof(keys));
}

static void
got_keys(struct store_request *request)
{
	struct credentials_query *query = request->arg;

	read_keys(query, request, store_batch_of(request));
	if (query->checked != NULL && query->error < 0) {
		answer_check(query);
	} else if (query->checked != NULL) {
		start_check(query);
	} else if (query->arg == NULL) {
		query_free(query);
	} else {
		query->got(query->arg, query->error, query->exists ? &query->keys : NULL);
		query_free(query);
	}
}

static void
fetch_keys(struct credentials_query *query)
{
	struct shard *shard = query->shard;
	struct store_batch *batch = store_batch_create(shard->server->store, query->jid.full);

	(void)store_read_value(batch, shard->server->tables[CORE_CREDENTIALS]);
	store_fetch(batch, shard->number, got_keys, query);
}

static struct credentials_query *
query_create(struct shard *shard, const struct jid *jid, void *arg)
{
	struct credentials_query *query = xcalloc(1, sizeof(*query));

	query->shard = shard;
	query->arg = arg;
	arena_init(&query->arena, 256);
	query->jid = jid_copy(jid, &query->arena);
	/* A name that no account can have is looked up, too: it takes as long as any. */
	if (query->jid.full.p == NULL)
		query->jid.full = SLICE("@");
	return query;
}

struct credentials_query *
credentials_ask(struct shard *shard, const struct jid *jid, credentials_got *got, void *arg)
{
	struct credentials_query *query = query_create(shard, jid, arg);

	query->got = got;
	fetch_keys(query);
	return query;
}

struct credentials_query *
credentials_check(struct shard *shard, const struct jid *jid, struct slice password,
	const struct scram_credentials *unknown, credentials_checked *checked, void *arg)
{
	struct credentials_query *query = query_create(shard, jid, arg);

	query->password = arena_copy(&query->arena, password);
	query->keys = *unknown;
	query->checked = checked;
	fetch_keys(query);
	return query;
}

const struct scram_keys *
credentials_kept(struct shard *shard, const struct jid *jid, enum scram_hash hash)
{
	const struct account *acct = account_find(shard, jid->full);

	if (acct == NULL || !acct->exists || acct->keys == NULL || acct->keys->hash != hash)
		return NULL;
	return acct->keys;
}

void
credentials_keep(struct account *acct, const struct scram_keys *keys)
{
	if (acct->keys == NULL)
		acct->keys = xcalloc(1, sizeof(*acct->keys));
	*acct->keys = *keys;
}

void
credentials_drop(struct account *acct)
{
	if (acct->keys == NULL)
		return;
	OPENSSL_cleanse(acct->keys, sizeof(*acct->keys));
	free(acct->keys);
	acct->keys = NULL;
}

void
credentials_changed(struct shard *home, struct slice bare)
{
	struct account *acct = account_find(home, bare);

	home->password_changes++;
	if (acct == NULL)
		return;
	credentials_drop(acct);
	hook_password_changed(&home->server->pipeline, acct);
}

void
credentials_cancel(struct credentials_query **query)
{
	if (*query != NULL)
		(*query)->arg = NULL;
	*query = NULL;
}

void
password_cache_add_memory(const struct password_cache *cache, struct map_memory *sum)
{
	map_add_memory(&cache->entries, sum);
}
