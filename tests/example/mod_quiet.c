/*
 * An example: users ask for quiet, with a word of why, and until they end it messages of others
 * come back with that word. It is made up; docs/modules.md explains it line by line.
 */
#include "server/module.h"

#define NS_QUIET "urn:example:quiet"

/* <quiet xmlns='urn:example:quiet'><why>At the opera</why></quiet>; empty: no quiet. */
struct quiet {
	struct slice why;
};

static const struct field fields[] = {
	CHILD_TEXT(struct quiet, why, "why"),
	FIELDS_END(struct quiet),
};
static const struct payload payload = { "quiet", NS_QUIET, fields };

struct quiet_config {
	uint64_t max_bytes;
};

struct quiet_account {
	struct arena arena; /* where the word is */
	struct slice why;   /* p NULL: no quiet */
};

enum { STORE_WHY };
enum { METRIC_REFUSED };

extern const struct module mod_quiet;

static struct quiet_account *
state_of(struct account *acct)
{
	return account_state(acct, &mod_quiet);
}

static void
remember(struct account *acct, struct slice why)
{
	struct quiet_account *state = state_of(acct);

	arena_finish(&state->arena);
	arena_init(&state->arena, 0);
	state->why = why.p == NULL ? NO_SLICE : arena_copy(&state->arena, why);
}

static void
got_why(struct account *acct, const struct store_result *result)
{
	if (result->count > 0)
		remember(acct, result->rows[0].value);
}

static void
read_why(struct account *acct)
{
	account_read(acct, &mod_quiet, STORE_WHY, got_why);
}

static void
forget(struct account *acct)
{
	arena_finish(&state_of(acct)->arena);
}

static void
tell(struct iq *iq)
{
	struct quiet answer = { state_of(iq->account)->why };

	iq_result(iq, &payload, &answer);
}

static void
saved(struct iq *iq)
{
	const struct quiet *asked = iq_data(iq, &payload);

	remember(iq->account, asked->why);
	iq_result(iq, NULL, NULL);
}

static void
change(struct iq *iq)
{
	const struct quiet_config *conf = module_config(iq->host, &mod_quiet);
	const struct quiet *asked = iq_data(iq, &payload);
	unsigned table = account_table(iq->account, &mod_quiet, STORE_WHY);
	struct store_txn *txn;

	if (asked->why.len > conf->max_bytes) {
		iq_error(iq, NOT_ACCEPTABLE, "The word is too long");
		return;
	}
	txn = txn_begin(iq->account);
	if (asked->why.p == NULL)
		store_txn_value_delete(txn, table);
	else
		store_txn_value_set(txn, table, asked->why);
	iq_commit(iq, txn, saved);
}

static struct verdict
refuse_message(struct stanza *st, struct account *to)
{
	struct verdict verdict = bounce(RECIPIENT_UNAVAILABLE, NULL);
	struct slice why = state_of(to)->why;

	if (why.p == NULL || st->kind != STANZA_MESSAGE || st->type == TYPE_ERROR ||
		jid_same_bare(&st->from, account_jid(to)))
		return pass();
	metric_add(to, &mod_quiet, METRIC_REFUSED);
	verdict.text = arena_printf(account_scratch(to), "%.*s", SLICE_ARG(why)).p;
	return verdict;
}

static void
write_why(struct transfer *transfer, const struct store_result *stores)
{
	struct quiet kept = { NO_SLICE };

	if (stores[STORE_WHY].count == 0)
		return;
	kept.why = stores[STORE_WHY].rows[0].value;
	transfer_put(transfer, &payload, &kept);
}

static void
read_kept(struct transfer *transfer, const void *data)
{
	const struct quiet_config *conf = module_config(transfer_host(transfer), &mod_quiet);
	const struct quiet *kept = data;

	if (kept->why.p == NULL || kept->why.len > conf->max_bytes)
		transfer_mistake(transfer, 0, "the word is missing or too long");
	else
		store_txn_value_set(transfer_txn(transfer),
			transfer_table(transfer, &mod_quiet, STORE_WHY), kept->why);
}

static const struct transfer_entry transfers[] = {
	{ &payload, write_why, read_kept },
	{ 0 },
};

static const struct option options[] = {
	OPTION_SIZE(struct quiet_config, max_bytes, "max_bytes", 256, 1, 4096,
		"How long the word may be that callers are told."),
	{ 0 },
};

static const struct store_entry stores[] = {
	[STORE_WHY] = { "why", STORE_VALUE, .version = 1 },
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_REFUSED] = { "quiet_refused_total", "Messages refused for the sake of quiet." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_GET, TO_SELF, &payload, tell },
	{ IQ_SET, TO_SELF, &payload, change },
	{ 0 },
};

const struct module mod_quiet = {
	.name = "quiet",
	.about = "Lets users ask for quiet.",
	.account_features = (const char *const[]){ NS_QUIET, NULL },
	.options = options,
	.config_size = sizeof(struct quiet_config),
	.account_size = sizeof(struct quiet_account),
	.stores = stores,
	.transfers = transfers,
	.metrics = metrics,
	.routes = routes,
	.on.account_loading = read_why,
	.on.account_gone = forget,
	.on.in_policy = refuse_message,
};
