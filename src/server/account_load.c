/* An account comes into memory: all that its core and its modules want of the store, in one
 * request. */
#include "server/account_internal.h"

#include "server/revival.h"
#include "server/server_internal.h"

#include <assert.h>
#include <stdlib.h>

enum { READS_MOST = 64, AFTER_CRASH_MS = 20 * 60 * 1000 };

/* What is asked for while an account comes into memory. */
struct load {
	struct store_batch *batch;
	struct {
		void (*got)(struct account *acct, const struct store_result *result);
		void (*got_count)(struct account *acct, uint64_t count);
	} reads[READS_MOST];
	unsigned count;
};

static struct account *
account_create(struct shard *shard, struct host *host, const struct jid *jid)
{
	struct account *acct = slab_alloc(&shard->account_slab);
	struct slice bare = jid_bare(jid);

	acct->shard = shard;
	acct->host = host;
	acct->jid = jid_to_bare(jid);
	acct->jid.full = slice_make(xstrndup(bare.p, bare.len), bare.len);
	acct->node.key = acct->jid.full;
	list_init(&acct->sessions);
	list_init(&acct->letters);
	list_init(&acct->logins);
	list_init(&acct->waiters);
	roster_init(&acct->roster);
	map_insert(&shard->accounts, &acct->node);
	return acct;
}

static void
loaded(struct store_request *request)
{
	struct account *acct = request->arg;
	struct load *load = acct->load;
	const struct store_batch *batch = store_batch_of(request);

	acct->load = NULL;
	acct->pending--;
	if (request->error < 0) {
		free(load);
		account_load_failed(acct, request->error);
		return;
	}
	acct->exists = acct->is_anonymous || store_result(batch, 0)->count > 0;
	for (unsigned i = 0; i < load->count; i++) {
		const struct store_result *result = store_result(batch, i + 1);

		if (load->reads[i].got != NULL)
			load->reads[i].got(acct, result);
		else
			load->reads[i].got_count(acct, result->total);
	}
	free(load);
	account_resume(acct);
}

static void
got_disabled(struct account *acct, const struct store_result *result)
{
	acct->is_disabled = result->count > 0;
}

struct account *
account_load(struct shard *shard, struct host *host, const struct jid *jid)
{
	struct account *acct = account_find(shard, jid_bare(jid));

	if (acct != NULL)
		return acct;
	shard_count(shard, METRIC_ACCOUNT_LOADS_TOTAL);
	acct = account_create(shard, host, jid);
	acct->load = xcalloc(1, sizeof(*acct->load));
	acct->load->batch = store_batch_create(shard->server->store, acct->jid.full);
	(void)store_read_value(acct->load->batch, shard->server->tables[CORE_CREDENTIALS]);
	account_read_table(acct, STORE_VALUE, shard->server->tables[CORE_DISABLED], got_disabled);
	hook_account_loading(&shard->server->pipeline, acct);
	revival_read(acct);
	acct->pending++;
	store_fetch(acct->load->batch, shard->number, loaded, acct);
	return acct;
}

struct account *
account_create_anonymous(struct shard *shard, struct host *host, const struct jid *jid)
{
	struct account *acct = account_create(shard, host, jid);

	acct->is_anonymous = acct->exists = true;
	acct->state = ACCOUNT_RESIDENT;
	return acct;
}

static unsigned
next_read(struct load *load)
{
	assert(load != NULL && load->count < READS_MOST);
	return load->count++;
}

static void
read_whole(struct store_batch *batch, enum store_kind kind, unsigned table)
{
	static const struct store_range all;

	switch (kind) {
	case STORE_VALUE:
		(void)store_read_value(batch, table);
		break;
	case STORE_SET:
		(void)store_read_set(batch, table);
		break;
	case STORE_MAP:
		(void)store_read_map(batch, table);
		break;
	default:
		(void)store_read_log(batch, table, &all);
	}
}

void
account_read(struct account *acct, const struct module *module, unsigned store,
	void (*got)(struct account *acct, const struct store_result *result))
{
	read_whole(
		acct->load->batch, module->stores[store].kind, account_table(acct, module, store));
	acct->load->reads[next_read(acct->load)].got = got;
}

void
account_read_newest(struct account *acct, const struct module *module, unsigned store,
	uint32_t most, void (*got)(struct account *acct, const struct store_result *result))
{
	const struct store_range newest = { .limit = most, .backward = true };

	(void)store_read_log(acct->load->batch, account_table(acct, module, store), &newest);
	acct->load->reads[next_read(acct->load)].got = got;
}

bool
account_follows_crash(const struct account *acct)
{
	const struct shard *shard = acct->shard;

	return shard->server->was_killed &&
	       loop_now_ms(shard->loop) - shard->started_ms < AFTER_CRASH_MS;
}

void
account_read_count(struct account *acct, const struct module *module, unsigned store,
	void (*got)(struct account *acct, uint64_t count))
{
	(void)store_read_count(acct->load->batch, account_table(acct, module, store), NULL);
	acct->load->reads[next_read(acct->load)].got_count = got;
}

void
account_read_table(struct account *acct, enum store_kind kind, unsigned table,
	void (*got)(struct account *acct, const struct store_result *result))
{
	read_whole(acct->load->batch, kind, table);
	acct->load->reads[next_read(acct->load)].got = got;
}

bool
account_thaw(struct account *acct, struct slice xml, struct stanza *st_out)
{
	struct shard *shard = acct->shard;

	arena_reset(&shard->scratch);
	return stanza_thaw(shard->server->names, xml, &shard->tokens, &shard->scratch, st_out) == 0;
}
