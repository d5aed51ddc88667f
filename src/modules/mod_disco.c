/*
 * XEP-0030: Service Discovery, of hosts and of accounts. What there is to tell comes from the
 * modules' tables and from the disco hooks.
 */
#include "server/module.h"

struct question {
	struct slice node;
};

static const struct field question_fields[] = {
	ATTR_TEXT(struct question, node, "node"),
	FIELDS_END(struct question),
};
static const struct payload info = { "query", NS_DISCO_INFO, question_fields };
static const struct payload items = { "query", NS_DISCO_ITEMS, question_fields };

enum { METRIC_INFO, METRIC_ITEMS };

extern const struct module mod_disco;

/* A node that a module has. */
static void
answer_node(struct iq *iq, struct disco *answer, const struct payload *payload, const void *data)
{
	enum stanza_condition refusal;
	bool is_refused;

	disco_collect_node(answer, iq->host, &iq->st.from);
	if (!disco_is_taken(answer, &is_refused, &refusal))
		iq_error(iq, ITEM_NOT_FOUND, "This host has no such node");
	else if (is_refused)
		iq_error(iq, refusal, NULL);
	else
		iq_result(iq, payload, data);
}

static void
host_info(struct iq *iq)
{
	const struct question *asked = iq_data(iq, &info);
	struct disco *answer = disco_create(iq->arena, asked->node);

	metric_add_iq(iq, &mod_disco, METRIC_INFO);
	if (asked->node.len > 0) {
		answer_node(iq, answer, &disco_info_payload, disco_info(answer));
		return;
	}
	disco_collect_host(answer, iq->host);
	iq_result(iq, &disco_info_payload, disco_info(answer));
}

static void
host_items(struct iq *iq)
{
	const struct question *asked = iq_data(iq, &items);
	struct disco *answer = disco_create(iq->arena, asked->node);

	metric_add_iq(iq, &mod_disco, METRIC_ITEMS);
	if (asked->node.len > 0) {
		answer_node(iq, answer, &disco_items_payload, disco_items(answer));
		return;
	}
	iq_result(iq, &disco_items_payload, disco_items(answer));
}

/*
 * XEP-0030 8: an account tells about itself only to those who may see its presence, and it has no
 * nodes. NULL: the question is answered with an error.
 */
static struct disco *
open_account(struct iq *iq, const struct payload *payload)
{
	const struct question *asked = iq_data(iq, payload);

	if (!account_is_seen_by(iq->account, &iq->st.from)) {
		iq_error(iq, SERVICE_UNAVAILABLE, NULL);
		return NULL;
	}
	if (asked->node.len > 0) {
		iq_error(iq, ITEM_NOT_FOUND, "This account has no such node");
		return NULL;
	}
	return disco_create(iq->arena, asked->node);
}

static void
account_info(struct iq *iq)
{
	struct disco *answer;

	metric_add_iq(iq, &mod_disco, METRIC_INFO);
	answer = open_account(iq, &info);
	if (answer == NULL)
		return;
	disco_identity(answer, "account", "registered", NULL);
	disco_collect_account(answer, iq->account);
	iq_result(iq, &disco_info_payload, disco_info(answer));
}

static void
account_items(struct iq *iq)
{
	struct disco *answer;

	metric_add_iq(iq, &mod_disco, METRIC_ITEMS);
	answer = open_account(iq, &items);
	if (answer == NULL)
		return;
	/* XEP-0030 4.2: the account's available resources. */
	for (struct session *s = account_sessions(iq->account); s != NULL; s = session_next(s)) {
		if (session_is_available(s))
			disco_item(answer, session_jid(s)->full, NO_SLICE);
	}
	iq_result(iq, &disco_items_payload, disco_items(answer));
}

static const struct xep xeps[] = {
	{ 30, "2.5.0", XEP_COMPLETE },
	{ 128, "1.0.1", XEP_COMPLETE },
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_INFO] = { "disco_info_requests_total",
		"Questions what a host or an account can do." },
	[METRIC_ITEMS] = { "disco_items_requests_total",
		"Questions what a host or an account has." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_GET, TO_HOST, &info, host_info },
	{ IQ_GET, TO_HOST, &items, host_items },
	{ IQ_GET, TO_ACCOUNT, &info, account_info },
	{ IQ_GET, TO_ACCOUNT, &items, account_items },
	{ 0 },
};

const struct module mod_disco = {
	.name = "disco",
	.about = "Tells what hosts and accounts can do.",
	.xeps = xeps,
	.features = (const char *const[]){ NS_DISCO_INFO, NS_DISCO_ITEMS, NULL },
	.account_features = (const char *const[]){ NS_DISCO_INFO, NS_DISCO_ITEMS, NULL },
	.metrics = metrics,
	.routes = routes,
};
