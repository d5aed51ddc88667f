/*
 * XEP-0054: vcard-temp. A vCard is kept as its owner wrote it, and read from the disk when someone
 * asks: it is the largest thing that an account has, and the least wanted. It is the world's to
 * read. Photos are announced by clients alone (XEP-0153); no presence is touched here.
 */
#include "server/limits.h"
#include "server/module.h"

#define NS_VCARD "vcard-temp"

enum { STORE_CARD };
enum { METRIC_READ, METRIC_SAVED, METRIC_REFUSED };

struct vcard {
	struct slice version; /* 8: some clients write one */
	struct foreign_list properties;
};

static const struct field fields[] = {
	ATTR_TEXT(struct vcard, version, "version"),
	CHILDREN(struct vcard, properties),
	FIELDS_END(struct vcard),
};
static const struct payload payload = { "vCard", NS_VCARD, fields };

struct vcard_config {
	uint64_t max_bytes;
};

extern const struct module mod_vcard;

/* 3.1, 3.3: of another it must not be known whether there is no vCard or no account. */
static void
got_card(struct iq *iq, const struct store_batch *batch)
{
	const struct store_result *found = store_result(batch, 0);
	bool is_own = jid_same_bare(&iq->st.from, account_jid(iq->account));

	if (found->count > 0)
		iq_result_xml(iq, found->rows[0].value);
	else if (is_own)
		iq_error(iq, ITEM_NOT_FOUND, "There is no vCard yet");
	else
		iq_error(iq, SERVICE_UNAVAILABLE, NULL);
}

static void
get_card(struct iq *iq)
{
	struct store_batch *batch = batch_begin(iq->account);

	metric_add_iq(iq, &mod_vcard, METRIC_READ);
	(void)store_read_value(batch, account_table(iq->account, &mod_vcard, STORE_CARD));
	iq_fetch(iq, batch, got_card);
}

static void
card_saved(struct iq *iq)
{
	metric_add_iq(iq, &mod_vcard, METRIC_SAVED);
	iq_result(iq, NULL, NULL);
}

static void
save(struct iq *iq, const struct vcard *card, struct slice xml)
{
	unsigned table = account_table(iq->account, &mod_vcard, STORE_CARD);
	struct store_txn *txn = txn_begin(iq->account);

	if (card->properties.count == 0)
		store_txn_value_delete(txn, table);
	else
		store_txn_value_set(txn, table, xml);
	iq_commit(iq, txn, card_saved);
}

/* 3.2: the whole vCard, each time. */
static void
set_card(struct iq *iq)
{
	const struct vcard_config *conf = module_config(iq->host, &mod_vcard);
	const struct vcard *card = iq_data(iq, &payload);
	struct buffer xml;

	buffer_init(&xml, LIMIT_STORED_STANZA);
	codec_encode(&xml, &payload, card);
	if (xml.overflowed || xml.len > conf->max_bytes) {
		metric_add_iq(iq, &mod_vcard, METRIC_REFUSED);
		iq_error(iq, NOT_ACCEPTABLE, "The vCard is too large; a smaller photo may help");
	} else {
		save(iq, card, buffer_slice(&xml));
	}
	buffer_finish(&xml);
}

/* 3.2 */
static void
refuse_others(struct iq *iq)
{
	iq_error(iq, FORBIDDEN, "A vCard is its owner's alone to change");
}

/* XEP-0227, 4.6: as it was written. */
static void
write_card(struct transfer *transfer, const struct store_result *stores)
{
	if (stores[STORE_CARD].count > 0)
		transfer_put_xml(transfer, stores[STORE_CARD].rows[0].value);
}

static void
read_card(struct transfer *transfer, const void *data)
{
	const struct vcard_config *conf = module_config(transfer_host(transfer), &mod_vcard);
	struct buffer xml;

	buffer_init(&xml, LIMIT_STORED_STANZA);
	codec_encode(&xml, &payload, data);
	if (xml.overflowed || xml.len > conf->max_bytes)
		transfer_mistake(transfer, 0, "it is larger than vcard.max_bytes");
	else
		store_txn_value_set(transfer_txn(transfer),
			transfer_table(transfer, &mod_vcard, STORE_CARD), buffer_slice(&xml));
	buffer_finish(&xml);
}

static const struct transfer_entry transfers[] = {
	{ &payload, write_card, read_card },
	{ 0 },
};

static const struct xep xeps[] = {
	{ 54, "1.3.0", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_SIZE(struct vcard_config, max_bytes, "max_bytes", 128 * 1024, 1024, 256 * 1024,
		"How large a vCard may be, its photo included."),
	{ 0 },
};

static const struct store_entry stores[] = {
	[STORE_CARD] = { "card", STORE_VALUE, .version = 1 },
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_READ] = { "vcard_requests_total", "Times that a vCard was asked for." },
	[METRIC_SAVED] = { "vcard_saved_total", "vCards that were stored or removed." },
	[METRIC_REFUSED] = { "vcard_refused_total", "vCards that were too large." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_GET, TO_ACCOUNT, &payload, get_card },
	{ IQ_SET, TO_SELF, &payload, set_card },
	{ IQ_SET, TO_ACCOUNT, &payload, refuse_others },
	{ 0 },
};

const struct module mod_vcard = {
	.name = "vcard",
	.about = "Keeps what users tell the world about themselves.",
	.xeps = xeps,
	.features = (const char *const[]){ NS_VCARD, NULL },
	.account_features = (const char *const[]){ NS_VCARD, NULL },
	.options = options,
	.config_size = sizeof(struct vcard_config),
	.stores = stores,
	.transfers = transfers,
	.metrics = metrics,
	.routes = routes,
};
