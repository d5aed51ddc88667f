/*
 * XEP-0313: the archive of an account. What it sends and receives is appended to a log of its own,
 * and the sender's acknowledgement waits for the row as for any other; delivery does not.
 *
 * An id must be known when the message is delivered, before its row is on the disk. The store says
 * it when a row is appended, and never gives it again, not even after a crash. It is unpredictable
 * (3.1) by a permutation with a key of the account, so any id is found without an index for it.
 */
#include "proto/mam.h"
#include "server/account_joint.h"
#include "server/archive.h"
#include "server/limits.h"
#include "server/stanza_log.h"

#include "base/clock.h"

#include <stdlib.h>

enum { METRIC_STORED, METRIC_AGAIN };

#define DAY_MS INT64_C(86400000)

static void
got_key(struct account *acct, const struct store_result *result)
{
	struct archive_account *state = archive_state(acct);

	state->has_key = result->count > 0 && result->rows[0].value.len == sizeof(state->key);
	if (state->has_key)
		memcpy(&state->key, result->rows[0].value.p, sizeof(state->key));
	else
		state->key = hash_key_random();
}

/* ---- What is sent again after a crash ---- */

/*
 * The sender's row, the recipient's and the count of what is handled are three transactions, and a
 * crash may come between. The client sends again what was not acknowledged, in the same session and
 * with the same id: what is in an archive by that already is not put there twice.
 */
enum { KNOWN_MOST = 512 };

static uint64_t
hash_of(struct account *acct, const struct stanza *st)
{
	struct archive_account *state = archive_state(acct);
	uint64_t parts[] = {
		siphash(&state->key, st->from.full),
		siphash(&state->key, st->to.full),
		siphash(&state->key, st->id),
	};

	return siphash(&state->key, slice_make((const char *)parts, sizeof(parts)));
}

static void
got_newest(struct account *acct, const struct store_result *result)
{
	struct archive_account *state = archive_state(acct);

	if (result->count == 0)
		return;
	state->known = xcalloc(result->count, sizeof(*state->known));
	for (size_t i = 0; i < result->count; i++) {
		struct stanza st;

		if (account_thaw(acct, result->rows[i].value, &st) && st.id.len > 0)
			state->known[state->known_count++] = hash_of(acct, &st);
	}
}

static bool
is_known(struct account *acct, const struct stanza *st)
{
	const struct archive_account *state = archive_state(acct);
	uint64_t hash;

	if (!st->is_again || state->known_count == 0 || st->id.len == 0)
		return false;
	hash = hash_of(acct, st);
	for (size_t i = 0; i < state->known_count; i++) {
		if (state->known[i] == hash)
			return true;
	}
	return false;
}

static struct verdict
drop_known(struct stanza *st, struct account *to)
{
	if (st->kind != STANZA_MESSAGE || !is_known(to, st))
		return pass();
	metric_add(to, &mod_archive, METRIC_AGAIN);
	return drop();
}

static void
read_key(struct account *acct)
{
	account_read(acct, &mod_archive, ARCHIVE_KEY, got_key);
	if (account_follows_crash(acct))
		account_read_newest(acct, &mod_archive, ARCHIVE_MESSAGES, KNOWN_MOST, got_newest);
}

static void
forget_known(struct account *acct)
{
	free(archive_state(acct)->known);
}

/* ---- What is kept ---- */

static bool
has(const struct stanza *st, xml_name ns, xml_name name)
{
	return xml_child(st->root, ns, name) != NULL;
}

/* Without a body: what changes or completes a conversation. */
static bool
is_part_of_conversation(const struct stanza *st)
{
	static const xml_name whole[] = { NS_ID_EME, NS_ID_OMEMO_OLD, NS_ID_OMEMO, NS_ID_OPENPGP,
		NS_ID_REACTIONS, NS_ID_RETRACT, NS_ID_RETRACT_OLD, NS_ID_CORRECT,
		NS_ID_CONFERENCE };

	for (size_t i = 0; i < COUNT_OF(whole); i++) {
		if (stanza_child_of(st, whole[i]) != NULL)
			return true;
	}
	return has(st, NS_ID_RECEIPTS, NAME_RECEIVED) || has(st, NS_ID_MARKERS, NAME_RECEIVED) ||
	       has(st, NS_ID_MARKERS, NAME_DISPLAYED) || has(st, NS_ID_MARKERS, NAME_ACKNOWLEDGED);
}

/* 5.1.1, and the hints of XEP-0334. */
static bool
is_worth_keeping(const struct stanza *st)
{
	if (st->kind != STANZA_MESSAGE || st->root == NULL ||
		(st->type != TYPE_CHAT && st->type != TYPE_NORMAL) ||
		has(st, NS_ID_HINTS, NAME_NO_STORE) ||
		has(st, NS_ID_HINTS, NAME_NO_PERMANENT_STORE))
		return false;
	return stanza_has_body(st) || has(st, NS_ID_HINTS, NAME_STORE) ||
	       is_part_of_conversation(st);
}

/* The row that had the key with it may be the one that failed. */
static void
refused(struct account *acct)
{
	archive_state(acct)->has_key = false;
}

/* Once a day, with what is appended anyway: there is never much of it. */
static void
take_out_old(struct account *acct, struct store_txn *txn)
{
	const struct archive_config *conf = module_config(account_host(acct), &mod_archive);
	struct archive_account *state = archive_state(acct);
	int64_t now_ms = account_wall_ms(acct);

	if (conf->keep_days == 0 || (state->trimmed_ms != 0 && now_ms - state->trimmed_ms < DAY_MS))
		return;
	state->trimmed_ms = now_ms;
	store_txn_log_delete(txn, account_table(acct, &mod_archive, ARCHIVE_MESSAGES),
		&(struct store_range){ .until_ms = now_ms - conf->keep_days * DAY_MS });
}

/* Returns the id by which the archive has it. */
static struct slice
append(struct account *acct, const struct stanza *st, const struct jid *with)
{
	struct archive_account *state = archive_state(acct);
	struct store_txn *txn = account_joint(acct);
	uint64_t id;

	if (!state->has_key)
		store_txn_value_set(txn, account_table(acct, &mod_archive, ARCHIVE_KEY),
			slice_make((const char *)&state->key, sizeof(state->key)));
	state->has_key = true;
	take_out_old(acct, txn);
	id = stanza_log_add(acct, account_table(acct, &mod_archive, ARCHIVE_MESSAGES), st,
		jid_bare(with), refused);
	metric_add(acct, &mod_archive, METRIC_STORED);
	return mam_id_write(&state->key, account_scratch(acct), id);
}

/* A message to oneself is kept once, when it comes in. */
static void
keep_sent(struct stanza *st, struct session *from)
{
	struct account *acct = session_account(from);
	struct stanza sent = *st;

	if (!archive_is_on(acct) || !is_worth_keeping(st) || st->to.full.p == NULL ||
		is_known(acct, st) || !archive_wants(acct, &st->to) ||
		jid_same_bare(&st->to, account_jid(acct)))
		return;
	st->sent_id = append(acct, &sent, &st->to);
}

static void
keep_received(struct stanza *st, struct account *to)
{
	struct slice id;

	if (!archive_is_on(to) || !is_worth_keeping(st) || !archive_wants(to, &st->from))
		return;
	id = append(to, st, &st->from);
	st->content = arena_printf(account_scratch(to),
		"%.*s<stanza-id xmlns='urn:xmpp:sid:0' by='%.*s' id='%.*s'/>",
		SLICE_ARG(st->content), SLICE_ARG(jid_bare(account_jid(to))), SLICE_ARG(id));
}

/* ---- XEP-0227, 4.6 ---- */

/* A file has room for the newest ones: the first of them. */
static size_t
first_to_write(const struct store_result *found)
{
	enum { BESIDE_ROW = 256 };
	size_t bytes = 0, first = found->count;

	while (first > 0) {
		bytes += found->rows[first - 1].value.len + BESIDE_ROW + LIMIT_DOMAIN;
		if (bytes > LIMIT_TRANSFER / 2)
			break;
		first--;
	}
	return first;
}

static void
write_archive(struct transfer *transfer, const struct store_result *stores)
{
	const struct store_result *found = &stores[ARCHIVE_MESSAGES];
	struct mam_export kept = { 0 };
	struct buffer xml;

	if (found->count == 0)
		return;
	buffer_init(&xml, LIMIT_TRANSFER);
	for (size_t i = first_to_write(found); i < found->count; i++) {
		(void)buffer_printf(
			&xml, "<result xmlns='" NS_MAM "' id='%llu'>", (unsigned long long)i + 1);
		mam_forward(&xml, host_domain(transfer_host(transfer)), found->rows[i].value,
			found->rows[i].stamp_ms);
		(void)buffer_text(&xml, "</result>");
	}
	kept.xml = buffer_slice(&xml);
	transfer_put(transfer, &mam_export_payload, &kept);
	buffer_finish(&xml);
}

static void
read_kept(struct transfer *transfer, size_t number, const struct mam_forwarded *given)
{
	const struct foreign *message = given->children.count == 0
						? NULL
						: &given->children.v[given->children.count - 1];
	int64_t wall_ms, stamp_ms;
	const struct jid *with;
	struct stanza st;

	if (message == NULL || !slice_is_text(message->name, "message")) {
		transfer_mistake(transfer, number, "no message is forwarded in it");
		return;
	}
	if (!transfer_read_stanza(transfer, number, message->xml, &st, &wall_ms))
		return;
	if (st.from.full.p == NULL || st.to.full.p == NULL) {
		transfer_mistake(transfer, number, "it is of nobody, or for nobody");
		return;
	}
	if (given->delays.count > 0 && stamp_parse(given->delays.v[0].stamp, &stamp_ms) == 0)
		wall_ms = stamp_ms;
	with = jid_same_bare(&st.from, transfer_jid(transfer)) ? &st.to : &st.from;
	(void)store_txn_log_append(transfer_txn(transfer),
		transfer_table(transfer, &mod_archive, ARCHIVE_MESSAGES), wall_ms, jid_bare(with),
		transfer_freeze(transfer, &st));
}

static void
read_archive(struct transfer *transfer, const void *data)
{
	const struct mam_kept_list *results = &((const struct mam_export *)data)->results;
	struct hash_key key = hash_key_random();

	store_txn_value_set(transfer_txn(transfer),
		transfer_table(transfer, &mod_archive, ARCHIVE_KEY),
		slice_make((const char *)&key, sizeof(key)));
	for (size_t i = 0; i < results->count; i++) {
		if (results->v[i].forwarded.count > 0)
			read_kept(transfer, i + 1, &results->v[i].forwarded.v[0]);
	}
}

static const struct transfer_entry transfers[] = {
	{ &mam_export_payload, write_archive, read_archive },
	{ 0 },
};

static const struct xep xeps[] = {
	{ 359, "0.7.0", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_BOOL(struct archive_config, on, "on", false,
		"Whether messages are kept in the archives of users; each then is two rows on the "
		"disk."),
	OPTION_UINT(struct archive_config, keep_days, "keep_days", 0, 0, 36500,
		"For how many days they are kept; 0: for ever. Older ones are taken out when the "
		"next message is kept."),
	{ 0 },
};

static const struct store_entry stores[] = {
	[ARCHIVE_KEY] = { "key", STORE_VALUE, .version = 1 },
	[ARCHIVE_MESSAGES] = { "messages", STORE_LOG, .version = 1 },
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_STORED] = { "archive_stored_total", "Messages put into archives." },
	[METRIC_AGAIN] = { "archive_again_total",
		"Messages that came again after a crash and were in the archive already." },
	{ 0 },
};

static const char *const features[] = { "urn:xmpp:sid:0", NULL };

const struct module mod_archive = {
	.name = "archive",
	.about = "Keeps what users write and receive, for all of their devices.",
	.xeps = xeps,
	.account_features = features,
	.options = options,
	.config_size = sizeof(struct archive_config),
	.account_size = sizeof(struct archive_account),
	.stores = stores,
	.transfers = transfers,
	.metrics = metrics,
	.on.account_loading = read_key,
	.on.account_gone = forget_known,
	.on.in_policy = drop_known,
	.on.out_routed = keep_sent,
	.on.in_archived = keep_received,
};
