/* Frozen stanzas in a log. */
#include "server/stanza_log.h"

#include "server/account_internal.h"
#include "server/account_joint.h"
#include "server/letter.h"
#include "server/route.h"
#include "server/server_internal.h"

#include <errno.h>
#include <stdlib.h>

struct append {
	struct letter *letter;
	void (*refused)(struct account *acct);
};

static void
appended(struct account *acct, int error, void *arg)
{
	struct append *append = arg;
	struct stanza st;

	if (error < 0) {
		if (append->refused != NULL)
			append->refused(acct);
		if (letter_open(append->letter, acct->shard, &st))
			route_bounce(acct->shard, &st,
				error == -ENOSPC ? RESOURCE_CONSTRAINT : INTERNAL_SERVER_ERROR,
				"The message could not be stored", NULL);
	}
	letter_destroy(&append->letter);
	free(append);
}

uint64_t
stanza_log_add(struct account *acct, unsigned table, const struct stanza *st, struct slice with,
	void (*refused)(struct account *acct))
{
	struct append *append = xcalloc(1, sizeof(*append));
	uint64_t id;

	append->letter = letter_write(st, NULL, 0);
	append->refused = refused;
	id = store_txn_log_append(account_joint(acct), table,
		st->returned_ms != 0 ? st->returned_ms : loop_wall_ms(acct->shard->loop), with,
		append->letter->bytes);
	account_joint_then(acct, appended, append);
	return id;
}

void
stanza_log_append(struct account *acct, const struct module *module, unsigned store,
	const struct stanza *st, void (*refused)(struct account *acct))
{
	(void)stanza_log_add(
		acct, account_table(acct, module, store), st, jid_bare(&st->from), refused);
}

struct reading {
	bool (*taken)(struct account *acct, struct stanza *st, int64_t wall_ms);
	void (*ended)(struct account *acct, uint64_t last_id, size_t count);
};

static void
got_page(struct account *acct, int error, struct store_batch *batch, void *arg)
{
	struct reading reading = *(struct reading *)arg;
	const struct store_result *result = store_result(batch, 0);
	struct shard *shard = acct->shard;
	uint64_t last = 0;
	size_t count = 0;
	bool goes_on = true;

	(void)error; /* nothing can be read, so nothing is taken */
	free(arg);
	for (size_t i = 0; goes_on && i < result->count; i++) {
		const struct store_row *row = &result->rows[i];
		struct stanza st;

		if (stanza_thaw(shard->server->names, row->value, &shard->tokens, &shard->scratch,
			    &st) == 0)
			goes_on = reading.taken(acct, &st, row->stamp_ms);
		else
			log_error(shard->server->log,
				"a stored stanza cannot be read and is left out",
				F_TEXT("account", acct->jid.full), F_UINT("id", row->id));
		arena_reset(&shard->scratch);
		if (goes_on) {
			last = row->id;
			count++;
		}
	}
	reading.ended(acct, last, count);
}

void
stanza_log_read(struct account *acct, const struct module *module, unsigned store, unsigned most,
	bool (*taken)(struct account *acct, struct stanza *st, int64_t wall_ms),
	void (*ended)(struct account *acct, uint64_t last_id, size_t count))
{
	struct store_batch *batch = batch_begin(acct);
	struct store_range range = { .limit = most };
	struct reading *reading = xcalloc(1, sizeof(*reading));

	*reading = (struct reading){ taken, ended };
	(void)store_read_log(batch, account_table(acct, module, store), &range);
	account_fetch(acct, batch, got_page, reading);
}

void
stanza_log_delete(
	struct account *acct, const struct module *module, unsigned store, uint64_t last_id)
{
	struct store_txn *txn = txn_begin(acct);
	struct store_range range = { .before = last_id + 1 };

	store_txn_log_delete(txn, account_table(acct, module, store), &range);
	account_commit(acct, txn, NULL, NULL);
}
