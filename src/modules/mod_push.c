/*
 * XEP-0357: Push Notifications. A client names a push service and a node; when something comes that
 * nobody reads (hook unread), the account publishes there how much waits, and the service wakes the
 * device. What is named stays with the account, whatever becomes of the session, until the client
 * takes it back or the service refuses it. Of the message itself nothing is told, unless the
 * operator wants it (8).
 *
 * To each node one notification is under way at a time; what comes meanwhile makes one more. A
 * service that fails for now is asked again after a pause that doubles; when it has failed too
 * often in a row, or refuses, it is forgotten (7).
 */
#include "proto/push.h"
#include "server/limits.h"
#include "server/module.h"
#include "server/question.h"

#include <stdlib.h>

enum { PATIENCE_MS = 60000, DOUBLINGS = 6 };

struct push_config {
	uint32_t max_services, failures, retry_ms;
	bool sender;
	uint64_t body_size;
};

/* One node that is notified; its texts follow. */
struct target {
	struct target *next;
	struct slice key, options; /* as they are stored */
	struct slice node;         /* p NULL: none was named */
	struct jid jid;
	bool is_busy;  /* asked, or waits until it is asked again */
	bool is_stale; /* more has come since it was asked */
	bool is_gone;  /* forgotten while it was busy; freed when that is over */
	unsigned failures;
};

struct push_account {
	struct target *targets;
	unsigned count;      /* of them */
	uint64_t unread;     /* messages */
	char *sender, *body; /* of the last one, if they are to be told; or NULL */
	bool is_newer;       /* unread, than what is stored */
};

enum { STORE_TARGETS };
enum { METRIC_SENT, METRIC_COLLAPSED, METRIC_FAILED, METRIC_FORGOTTEN };

extern const struct module mod_push;

static struct push_account *
state_of(struct account *acct)
{
	return account_state(acct, &mod_push);
}

static const struct push_config *
config_of(struct account *acct)
{
	return module_config(account_host(acct), &mod_push);
}

/* ---- Targets ---- */

static struct target *
find(struct account *acct, struct slice key)
{
	struct target *target = state_of(acct)->targets;

	while (target != NULL && (target->is_gone || !slice_is(target->key, key)))
		target = target->next;
	return target;
}

static void
add_target(struct account *acct, struct slice key, struct slice options)
{
	struct target *target;
	struct slice node;
	struct jid jid;
	char *texts;

	if (!push_key_read(key, account_scratch(acct), &jid, &node))
		return;
	target = xcalloc(1, sizeof(*target) + key.len + options.len);
	texts = (char *)(target + 1);
	memcpy(texts, key.p, key.len);
	if (options.len > 0)
		memcpy(texts + key.len, options.p, options.len);
	target->key = slice_make(texts, key.len);
	target->options = slice_make(texts + key.len, options.len);
	target->jid = jid;
	target->jid.full = slice_make(texts, jid.full.len);
	if (node.p != NULL)
		target->node = slice_make(texts + key.len - node.len, node.len);
	target->next = state_of(acct)->targets;
	state_of(acct)->targets = target;
	state_of(acct)->count++;
}

static void
drop_target(struct account *acct, struct target *target)
{
	struct target **at = &state_of(acct)->targets;

	while (*at != target)
		at = &(*at)->next;
	*at = target->next;
	free(target);
}

static void
remove_target(struct account *acct, struct target *target)
{
	state_of(acct)->count--;
	target->is_gone = true;
	if (!target->is_busy)
		drop_target(acct, target);
}

/* ---- Notifications ---- */

static void answered(struct account *acct, const struct stanza *answer, void *arg);

static void
notify(struct account *acct, struct target *target)
{
	const struct push_account *state = state_of(acct);
	struct push_summary summary = {
		.message_count = state->unread,
		.last_sender = slice_of(state->sender),
		.last_body = slice_of(state->body),
	};
	struct stanza st = { .kind = STANZA_IQ, .type = TYPE_SET, .to = target->jid };
	struct buffer content;

	target->is_busy = true;
	target->is_stale = false;
	buffer_init(&content, LIMIT_STORED_STANZA);
	push_write(&content, target->node, &summary, target->options, account_scratch(acct));
	st.content = buffer_slice(&content);
	account_ask(acct, &st, PATIENCE_MS, answered, target);
	buffer_finish(&content);
	metric_add(acct, &mod_push, METRIC_SENT);
}

static void
forget_target(struct account *acct, struct target *target)
{
	struct store_txn *txn = txn_begin(acct);

	store_txn_map_delete(txn, account_table(acct, &mod_push, STORE_TARGETS), target->key);
	account_commit(acct, txn, NULL, NULL);
	metric_add(acct, &mod_push, METRIC_FORGOTTEN);
	remove_target(acct, target);
}

static void
try_again(struct account *acct, const struct stanza *answer, void *arg)
{
	struct target *target = arg;

	(void)answer;
	target->is_busy = false;
	if (target->is_gone)
		drop_target(acct, target);
	else if (state_of(acct)->unread > 0 && account_exists(acct))
		notify(acct, target);
}

static void
wait_for_better(struct account *acct, struct target *target)
{
	const struct push_config *conf = config_of(acct);
	unsigned doublings = target->failures < DOUBLINGS ? target->failures : DOUBLINGS;

	metric_add(acct, &mod_push, METRIC_FAILED);
	target->failures++;
	if (target->failures >= conf->failures) {
		forget_target(acct, target);
	} else if (state_of(acct)->unread > 0) {
		target->is_busy = true;
		account_after(acct, conf->retry_ms << doublings, try_again, target);
	}
}

static void
answered(struct account *acct, const struct stanza *answer, void *arg)
{
	struct target *target = arg;

	target->is_busy = false;
	if (target->is_gone) {
		drop_target(acct, target);
	} else if (!account_exists(acct)) {
		return;
	} else if (answer == NULL ||
		   (answer->type == TYPE_ERROR && push_error_is_passing(answer))) {
		wait_for_better(acct, target);
	} else if (answer->type == TYPE_ERROR) {
		metric_add(acct, &mod_push, METRIC_FAILED);
		forget_target(acct, target);
	} else {
		target->failures = 0;
		if (target->is_stale && state_of(acct)->unread > 0)
			notify(acct, target);
	}
}

/* ---- What is unread ---- */

static void
forget_last(struct push_account *state)
{
	free(state->sender);
	free(state->body);
	state->sender = state->body = NULL;
}

static void
remember_last(struct account *acct, const struct stanza *st)
{
	const struct push_config *conf = config_of(acct);
	struct push_account *state = state_of(acct);
	struct slice words;

	forget_last(state);
	if (conf->sender)
		state->sender = xstrndup(st->from.full.p, st->from.full.len);
	words = push_words(st, conf->body_size, account_scratch(acct));
	if (words.len > 0)
		state->body = xstrndup(words.p, words.len);
}

static void
tell(struct stanza *st, struct account *to)
{
	struct push_account *state = state_of(to);

	if (state->targets == NULL || !push_is_worth(st))
		return;
	state->unread++;
	state->is_newer = true;
	remember_last(to, st);
	for (struct target *target = state->targets; target != NULL; target = target->next) {
		if (!target->is_busy) {
			notify(to, target);
		} else if (!target->is_gone) {
			target->is_stale = true;
			metric_add(to, &mod_push, METRIC_COLLAPSED);
		}
	}
}

/* Somebody is there. */
static void
see(struct session *s)
{
	struct push_account *state = state_of(session_account(s));

	if (state->unread == 0 || !session_is_active(s) || !session_is_available(s) ||
		session_priority(s) < 0)
		return;
	state->unread = 0;
	state->is_newer = true;
	forget_last(state);
}

/* ---- What is kept ---- */

/* Of the count, among the targets so that there is one read: no address begins like that. */
#define UNREAD_KEY SLICE("\nunread")

static void
got_rows(struct account *acct, const struct store_result *result)
{
	for (size_t i = 0; i < result->count; i++) {
		const struct store_row *row = &result->rows[i];

		if (slice_is(row->key, UNREAD_KEY))
			(void)slice_to_uint(row->value, UINT32_MAX, &state_of(acct)->unread);
		else
			add_target(acct, row->key, row->value);
	}
}

static void
load(struct account *acct)
{
	account_read(acct, &mod_push, STORE_TARGETS, got_rows);
}

static void
save_unread(struct account *acct)
{
	struct push_account *state = state_of(acct);
	struct store_txn *txn;

	if (!state->is_newer)
		return;
	state->is_newer = false;
	txn = txn_begin(acct);
	store_txn_map_put(txn, account_table(acct, &mod_push, STORE_TARGETS), UNREAD_KEY,
		arena_printf(account_scratch(acct), "%llu", (unsigned long long)state->unread));
	account_commit(acct, txn, NULL, NULL);
}

static void
forget(struct account *acct)
{
	struct push_account *state = state_of(acct);
	struct target *target;

	while ((target = state->targets) != NULL) {
		state->targets = target->next;
		free(target);
	}
	forget_last(state);
}

/* ---- Enabling (5) ---- */

static void
enabled(struct iq *iq)
{
	const struct push_service *asked = iq_data(iq, &push_enable_payload);
	struct slice key = push_key(&asked->jid, asked->node, iq->arena);
	struct target *old = find(iq->account, key);
	struct slice options;

	(void)push_mistake(asked, iq->arena, &options);
	if (old != NULL)
		remove_target(iq->account, old);
	add_target(iq->account, key, options);
	iq_result(iq, NULL, NULL);
}

static void
enable(struct iq *iq)
{
	const struct push_service *asked = iq_data(iq, &push_enable_payload);
	struct slice key, options;
	const char *mistake = push_mistake(asked, iq->arena, &options);
	struct store_txn *txn;

	if (mistake != NULL) {
		iq_error(iq, BAD_REQUEST, mistake);
		return;
	}
	key = push_key(&asked->jid, asked->node, iq->arena);
	if (find(iq->account, key) == NULL &&
		state_of(iq->account)->count >= config_of(iq->account)->max_services) {
		iq_error(iq, RESOURCE_CONSTRAINT, "Too many push services are enabled already");
		return;
	}
	txn = txn_begin(iq->account);
	store_txn_map_put(txn, account_table(iq->account, &mod_push, STORE_TARGETS), key, options);
	iq_commit(iq, txn, enabled);
}

/* Without a node: all of that service. */
static bool
is_meant(const struct target *target, const struct push_service *asked)
{
	return !target->is_gone && jid_is(&target->jid, &asked->jid) &&
	       (asked->node.p == NULL || slice_is(target->node, asked->node));
}

static void
disabled(struct iq *iq)
{
	const struct push_service *asked = iq_data(iq, &push_disable_payload);
	struct target *next, *target = state_of(iq->account)->targets;

	for (; target != NULL; target = next) {
		next = target->next;
		if (is_meant(target, asked))
			remove_target(iq->account, target);
	}
	iq_result(iq, NULL, NULL);
}

static void
disable(struct iq *iq)
{
	const struct push_service *asked = iq_data(iq, &push_disable_payload);
	unsigned table = account_table(iq->account, &mod_push, STORE_TARGETS);
	const struct target *target = state_of(iq->account)->targets;
	struct store_txn *txn;

	if (asked->jid.full.p == NULL) {
		iq_error(iq, BAD_REQUEST, "There is no address of a push service");
		return;
	}
	txn = txn_begin(iq->account);
	for (; target != NULL; target = target->next) {
		if (is_meant(target, asked))
			store_txn_map_delete(txn, table, target->key);
	}
	iq_commit(iq, txn, disabled);
}

/* ---- Export and import ---- */

static void
write_targets(struct transfer *transfer, const struct store_result *stores)
{
	const struct store_result *found = &stores[STORE_TARGETS];

	for (size_t i = 0; i < found->count; i++) {
		struct push_service service = { .xml = found->rows[i].value };

		if (push_key_read(found->rows[i].key, transfer_arena(transfer), &service.jid,
			    &service.node))
			transfer_put(transfer, &push_export_payload, &service);
	}
}

static void
read_target(struct transfer *transfer, const void *data)
{
	const struct push_service *service = data;
	struct arena *arena = transfer_arena(transfer);
	struct slice options;
	const char *mistake = push_mistake(service, arena, &options);

	if (mistake != NULL)
		transfer_mistake(transfer, 0, mistake);
	else
		store_txn_map_put(transfer_txn(transfer),
			transfer_table(transfer, &mod_push, STORE_TARGETS),
			push_key(&service->jid, service->node, arena), options);
}

static const struct transfer_entry transfers[] = {
	{ &push_export_payload, write_targets, read_target },
	{ 0 },
};

static const struct xep xeps[] = {
	{ 357, "0.4.1", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_UINT(struct push_config, max_services, "max_services", 10, 1, 1000,
		"How many nodes of push services one account may have."),
	OPTION_UINT(struct push_config, failures, "failures", 10, 1, 1000,
		"How often in a row a service may fail before it is forgotten."),
	OPTION_DURATION(struct push_config, retry_ms, "retry", 60000, 1000, 3600000,
		"After how long a service that failed is asked again; twice that the next time."),
	OPTION_BOOL(struct push_config, sender, "sender", false,
		"Whether push services are told who sent the last message."),
	OPTION_SIZE(struct push_config, body_size, "body_size", 0, 0, 4096,
		"How many bytes of the last message's words they are told; 0: none."),
	{ 0 },
};

static const struct store_entry stores[] = {
	[STORE_TARGETS] = { "services", STORE_MAP, .version = 1 },
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_SENT] = { "push_sent_total", "Notifications sent to push services." },
	[METRIC_COLLAPSED] = { "push_collapsed_total",
		"Messages that were told with others, since a notification was under way." },
	[METRIC_FAILED] = { "push_failed_total", "Notifications that failed." },
	[METRIC_FORGOTTEN] = { "push_forgotten_total",
		"Push services that were forgotten because they refused or failed too often." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_SET, TO_SELF, &push_enable_payload, enable },
	{ IQ_SET, TO_SELF, &push_disable_payload, disable },
	{ 0 },
};

const struct module mod_push = {
	.name = "push",
	.about = "Notifies push services of what nobody reads.",
	.xeps = xeps,
	.account_features = (const char *const[]){ NS_PUSH, NULL },
	.options = options,
	.config_size = sizeof(struct push_config),
	.account_size = sizeof(struct push_account),
	.stores = stores,
	.transfers = transfers,
	.metrics = metrics,
	.routes = routes,
	.on.account_loading = load,
	.on.account_leaving = save_unread,
	.on.account_gone = forget,
	.on.unread = tell,
	.on.session_available = see,
	.on.session_active = see,
	.on.session_returned = see,
};
