/*
 * XEP-0441: Message Archive Management (MAM) Preferences. A user says whose messages are kept: all,
 * none, or those of contacts, and who is always or never among them.
 */
#include "proto/mam_prefs.h"
#include "server/archive.h"
#include "server/roster.h"

enum { STORE_PREFS };
enum { METRIC_LEFT_OUT };

/* The lists as they were read last, in memory of their own. */
struct prefs_account {
	enum mam_default otherwise;
	struct arena arena;
	bool has_arena;
	struct jid_list always, never;
};

struct prefs_config {
	uint32_t max_addresses;
};

extern const struct module mod_mam_prefs;

static struct prefs_account *
state_of(struct account *acct)
{
	return account_state(acct, &mod_mam_prefs);
}

/* ---- Reading what a client wants ---- */

/* Why it cannot be read, or NULL. Addresses are in the arena. */
static const char *
read_jids(const struct mam_prefs_jids *lists, size_t count, struct arena *arena,
	struct jid_list *list_out)
{
	const struct slice_list *texts = &lists->jids;
	const char *why = NULL;

	*list_out = (struct jid_list){ 0 };
	if (count == 0)
		return NULL;
	list_out->v = arena_array(arena, texts->count + 1, struct jid);
	for (size_t i = 0; why == NULL && i < texts->count; i++) {
		if (jid_parse_why(arena_copy(arena, texts->v[i]), arena,
			    &list_out->v[list_out->count], &why) == 0)
			list_out->count++;
	}
	return why;
}

/* NULL: it was read into what is new in the state; the arena is its own. */
static const char *
read_prefs(const struct mam_prefs *prefs, struct prefs_account *fresh)
{
	const char *why;

	*fresh = (struct prefs_account){ .has_arena = true };
	arena_init(&fresh->arena, 0);
	if (mam_default_read(prefs->otherwise, &fresh->otherwise) < 0)
		return "The default is always, never or roster";
	why = read_jids(prefs->always.v, prefs->always.count, &fresh->arena, &fresh->always);
	if (why == NULL)
		why = read_jids(prefs->never.v, prefs->never.count, &fresh->arena, &fresh->never);
	return why;
}

static void
forget(struct prefs_account *state)
{
	if (state->has_arena)
		arena_finish(&state->arena);
	*state = (struct prefs_account){ 0 };
}

static void
forget_prefs(struct account *acct)
{
	forget(state_of(acct));
}

/* ---- Stored: a line each, "default roster", "always romeo@example.org" ---- */

static const char *const default_names[] = {
	[MAM_ALWAYS] = "always", [MAM_NEVER] = "never", [MAM_ROSTER] = "roster"
};

static void
write_lines(struct buffer *out, const char *name, const struct jid_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		(void)buffer_printf(out, "%s %.*s\n", name, SLICE_ARG(list->v[i].full));
}

static void
store_prefs(struct store_txn *txn, unsigned table, const struct prefs_account *prefs)
{
	struct buffer text;

	buffer_init(&text, STORE_MAX_BLOB);
	(void)buffer_printf(&text, "default %s\n", default_names[prefs->otherwise]);
	write_lines(&text, "always", &prefs->always);
	write_lines(&text, "never", &prefs->never);
	store_txn_value_set(txn, table, buffer_slice(&text));
	buffer_finish(&text);
}

static size_t
count_lines(struct slice text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += text.p[i] == '\n';
	return count;
}

static void
read_line(struct slice line, struct prefs_account *out)
{
	size_t end = slice_find(line, ' ');
	struct slice name = slice_make(line.p, end);
	struct slice rest = slice_from(line, end < line.len ? end + 1 : end);
	struct jid_list *list = slice_is_text(name, "always") ? &out->always : &out->never;

	if (slice_is_text(name, "default"))
		(void)mam_default_read(rest, &out->otherwise);
	else if (jid_parse(arena_copy(&out->arena, rest), &out->arena, &list->v[list->count]) == 0)
		list->count++;
}

static void
read_lines(struct slice text, struct prefs_account *state)
{
	size_t lines = count_lines(text);

	state->has_arena = true;
	arena_init(&state->arena, 0);
	state->always.v = arena_array(&state->arena, lines + 1, struct jid);
	state->never.v = arena_array(&state->arena, lines + 1, struct jid);
	while (text.len > 0) {
		size_t end = slice_find(text, '\n');

		read_line(slice_make(text.p, end), state);
		text = slice_from(text, end < text.len ? end + 1 : end);
	}
}

static void
got_prefs(struct account *acct, const struct store_result *result)
{
	if (result->count > 0)
		read_lines(result->rows[0].value, state_of(acct));
}

static void
read_stored(struct account *acct)
{
	account_read(acct, &mod_mam_prefs, STORE_PREFS, got_prefs);
}

/* ---- Asking and changing ---- */

static struct mam_prefs_jids
texts_of(const struct jid_list *list, struct arena *arena)
{
	struct mam_prefs_jids texts = { { arena_array(arena, list->count + 1, struct slice),
		list->count } };

	for (size_t i = 0; i < list->count; i++)
		texts.jids.v[i] = list->v[i].full;
	return texts;
}

static void
tell(struct iq *iq)
{
	const struct prefs_account *state = state_of(iq->account);
	struct mam_prefs_jids always = texts_of(&state->always, iq->arena);
	struct mam_prefs_jids never = texts_of(&state->never, iq->arena);
	struct mam_prefs answer = {
		.otherwise = slice_of(default_names[state->otherwise]),
		.always = { &always, 1 },
		.never = { &never, 1 },
	};

	iq_result(iq, &mam_prefs_payload, &answer);
}

static bool
is_served(struct iq *iq)
{
	if (archive_is_on(iq->account))
		return true;
	iq_error(iq, SERVICE_UNAVAILABLE, "Nothing is archived here");
	return false;
}

static void
get_prefs(struct iq *iq)
{
	if (is_served(iq))
		tell(iq);
}

/* What is stored now is what was asked for, which could be read before. */
static void
saved(struct iq *iq)
{
	struct prefs_account fresh;

	if (read_prefs(iq_data(iq, &mam_prefs_payload), &fresh) == NULL) {
		forget_prefs(iq->account);
		*state_of(iq->account) = fresh;
	} else {
		forget(&fresh);
	}
	tell(iq);
}

static void
set_prefs(struct iq *iq)
{
	const struct prefs_config *conf = module_config(iq->host, &mod_mam_prefs);
	struct prefs_account fresh;
	struct store_txn *txn;
	const char *why;

	if (!is_served(iq))
		return;
	why = read_prefs(iq_data(iq, &mam_prefs_payload), &fresh);
	if (why != NULL) {
		iq_error(iq, BAD_REQUEST, why);
	} else if (fresh.always.count + fresh.never.count > conf->max_addresses) {
		iq_error(iq, POLICY_VIOLATION, "These are more addresses than are allowed here");
	} else {
		txn = txn_begin(iq->account);
		store_prefs(txn, account_table(iq->account, &mod_mam_prefs, STORE_PREFS), &fresh);
		iq_commit(iq, txn, saved);
	}
	forget(&fresh);
}

/* ---- What they mean ---- */

/* 2.2: an address without a resource means all of its resources. */
static bool
has(const struct jid_list *list, const struct jid *jid)
{
	for (size_t i = 0; i < list->count; i++) {
		if (jid_is(&list->v[i], jid) ||
			(!jid_is_full(&list->v[i]) && slice_is(list->v[i].full, jid_bare(jid))))
			return true;
	}
	return false;
}

/* Of an address in both lists nothing is kept: who says "never" means it. */
static bool
is_wanted(struct account *acct, const struct jid *with)
{
	const struct prefs_account *state = state_of(acct);

	if (has(&state->never, with))
		return false;
	if (state->otherwise == MAM_ALWAYS || has(&state->always, with))
		return true;
	return state->otherwise == MAM_ROSTER && account_is_contact(acct, with);
}

static struct verdict
screen(struct account *acct, const struct jid *with)
{
	if (is_wanted(acct, with))
		return pass();
	metric_add(acct, &mod_mam_prefs, METRIC_LEFT_OUT);
	return drop();
}

/* ---- Beside the archive in an export (XEP-0227) ---- */

static void
write_prefs(struct transfer *transfer, const struct store_result *stores)
{
	struct prefs_account kept = { 0 };
	struct mam_prefs_jids always, never;
	struct mam_prefs prefs;

	if (stores[STORE_PREFS].count == 0)
		return;
	read_lines(stores[STORE_PREFS].rows[0].value, &kept);
	always = texts_of(&kept.always, transfer_arena(transfer));
	never = texts_of(&kept.never, transfer_arena(transfer));
	prefs = (struct mam_prefs){ slice_of(default_names[kept.otherwise]), { &always, 1 },
		{ &never, 1 } };
	transfer_put(transfer, &mam_prefs_payload, &prefs);
	forget(&kept);
}

static void
take_prefs(struct transfer *transfer, const void *data)
{
	struct prefs_account fresh;
	const char *why = read_prefs(data, &fresh);

	if (why == NULL)
		store_prefs(transfer_txn(transfer),
			transfer_table(transfer, &mod_mam_prefs, STORE_PREFS), &fresh);
	else
		transfer_mistake(transfer, 0, why);
	forget(&fresh);
}

static const struct transfer_entry transfers[] = {
	{ &mam_prefs_payload, write_prefs, take_prefs },
	{ 0 },
};

static const struct xep xeps[] = {
	{ 441, "0.2.0", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_UINT(struct prefs_config, max_addresses, "max_addresses", 1000, 1, 100000,
		"How many addresses a user's lists of who is always and who is never archived may "
		"have."),
	{ 0 },
};

static const struct store_entry stores[] = {
	[STORE_PREFS] = { "prefs", STORE_VALUE, .version = 1 },
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_LEFT_OUT] = { "mam_prefs_left_out_total",
		"Messages that were not put into an archive since its owner does not want them." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_GET, TO_SELF, &mam_prefs_payload, get_prefs },
	{ IQ_SET, TO_SELF, &mam_prefs_payload, set_prefs },
	{ 0 },
};

const struct module mod_mam_prefs = {
	.name = "mam_prefs",
	.about = "Users choose whose messages their archives keep.",
	.xeps = xeps,
	.options = options,
	.config_size = sizeof(struct prefs_config),
	.account_size = sizeof(struct prefs_account),
	.stores = stores,
	.transfers = transfers,
	.metrics = metrics,
	.routes = routes,
	.on.account_loading = read_stored,
	.on.account_gone = forget_prefs,
	.on.archive_policy = screen,
};
