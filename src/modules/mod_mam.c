/*
 * XEP-0313: questions to the archive of an account, which mod_archive keeps. Only its owner may
 * ask.
 *
 * Ids, pages and the other side's address are ranges of the log's indexes, so nothing is found by
 * counting. docs/design/archive.md has the figures.
 */
#include "base/clock.h"
#include "server/archive.h"
#include "server/limits.h"

struct mam_config {
	uint32_t page_max;
	uint64_t page_bytes;
};

enum { METRIC_QUERIES };

extern const struct module mod_mam;

/* What a batch of reads asks for: the entries that must be there, then the page. */
struct question {
	struct mam_search search;
	const struct hash_key *key;
	struct slice must[MAM_MAX_IDS + 4];
	unsigned musts;
};

static void
add_must(struct question *question, struct slice id)
{
	if (id.p != NULL)
		question->must[question->musts++] = id;
}

/* False: it was refused. */
static bool
is_served(struct iq *iq)
{
	if (archive_is_on(iq->account))
		return true;
	iq_error(iq, SERVICE_UNAVAILABLE, "Nothing is archived here");
	return false;
}

static bool
read_question(struct iq *iq, struct question *question)
{
	const struct mam_config *conf = module_config(iq->host, &mod_mam);
	struct mam_search *search = &question->search;
	enum stanza_condition condition;
	const char *why;

	if (!is_served(iq))
		return false;
	*question = (struct question){ .key = &archive_state(iq->account)->key };
	if (!mam_search_read(iq_data(iq, &mam_query_payload), conf->page_max, iq->arena, search,
		    &condition, &why)) {
		iq_error(iq, condition, why);
		return false;
	}
	if (search->with.full.p != NULL && jid_resource(&search->with).len > 0) {
		iq_error(iq, FEATURE_NOT_IMPLEMENTED, "Ask for a bare address");
		return false;
	}
	add_must(question, search->page.after);
	add_must(question, search->page.before);
	add_must(question, search->after_id);
	add_must(question, search->before_id);
	for (size_t i = 0; i < search->ids.count; i++)
		add_must(question, search->ids.v[i]);
	return true;
}

static uint64_t
higher(const struct question *question, struct slice a, struct slice b)
{
	uint64_t x = mam_id_read(question->key, a), y = mam_id_read(question->key, b);

	return x > y ? x : y;
}

static uint64_t
lower(const struct question *question, struct slice a, struct slice b)
{
	uint64_t x = mam_id_read(question->key, a), y = mam_id_read(question->key, b);

	return x == 0 || (y != 0 && y < x) ? y : x;
}

static struct store_range
range_of(const struct question *question)
{
	const struct mam_search *search = &question->search;

	return (struct store_range){
		.after = higher(question, search->page.after, search->after_id),
		.before = lower(question, search->page.before, search->before_id),
		.since_ms = search->start_ms,
		.until_ms = search->end_ms,
		.with = search->with.full.p == NULL ? NO_SLICE : jid_bare(&search->with),
		.limit = search->page.max,
		.backward = search->page.backward,
	};
}

/* Rows of a page in the order of the archive, as many as fit. */
struct page {
	const struct store_row **v;
	size_t count;
	bool more;
};

static bool
has_all(const struct question *question, const struct store_batch *batch)
{
	for (unsigned i = 0; i < question->musts; i++) {
		if (store_result(batch, i)->count == 0)
			return false;
	}
	return true;
}

static void
turn(struct page *page)
{
	for (size_t i = 0, j = page->count; i + 1 < j; i++) {
		const struct store_row *row = page->v[i];

		page->v[i] = page->v[--j];
		page->v[j] = row;
	}
}

/* The rows of those ids, in the order of the archive and not of the question (4.2). */
static void
sort(struct page *page)
{
	for (size_t i = 1; i < page->count; i++) {
		const struct store_row *row = page->v[i];
		size_t at = i;

		for (; at > 0 && page->v[at - 1]->id > row->id; at--)
			page->v[at] = page->v[at - 1];
		page->v[at] = row;
	}
}

static void
take_ids(struct page *page, const struct question *question, const struct store_batch *batch)
{
	unsigned first = question->musts - (unsigned)question->search.ids.count;

	for (unsigned i = first; i < question->musts; i++)
		page->v[page->count++] = store_result(batch, i)->rows;
	sort(page);
}

static void
take_range(struct page *page, const struct store_result *result, size_t most_bytes)
{
	size_t bytes = 0;

	page->more = result->more;
	for (size_t i = 0; i < result->count; i++) {
		bytes += result->rows[i].value.len;
		if (i > 0 && bytes > most_bytes) {
			page->more = true;
			return;
		}
		page->v[page->count++] = &result->rows[i];
	}
}

static struct page
page_of(struct iq *iq, const struct question *question, const struct store_batch *batch)
{
	const struct mam_config *conf = module_config(iq->host, &mod_mam);
	const struct store_result *result = store_result(batch, question->musts);
	struct page page = { 0 };

	page.v = arena_array(
		iq->arena, result->count + question->musts + 1, const struct store_row *);
	if (question->search.ids.count > 0)
		take_ids(&page, question, batch);
	else
		take_range(&page, result, (size_t)conf->page_bytes);
	if (question->search.page.backward && question->search.ids.count == 0)
		turn(&page);
	return page;
}

static void
tell_row(struct iq *iq, const struct store_row *row)
{
	const struct mam_query *query = iq_data(iq, &mam_query_payload);
	struct stanza st = {
		.kind = STANZA_MESSAGE,
		.from = *account_jid(iq->account),
		.to = *session_jid(iq->session),
	};
	struct mam_result result = { .queryid = query->queryid };
	struct buffer forwarded, content;

	buffer_init(&forwarded, LIMIT_FROZEN_STANZA);
	buffer_init(&content, LIMIT_FROZEN_STANZA);
	result.id = mam_id_write(&archive_state(iq->account)->key, iq->arena, row->id);
	mam_forward(&forwarded, host_domain(iq->host), row->value, row->stamp_ms);
	result.xml = buffer_slice(&forwarded);
	codec_encode(&content, &mam_result_payload, &result);
	st.content = buffer_slice(&content);
	(void)session_deliver(iq->session, &st);
	buffer_finish(&content);
	buffer_finish(&forwarded);
}

static void
end_page(struct iq *iq, const struct question *question, const struct page *page, uint64_t total)
{
	struct rsm set = { 0 };
	struct mam_fin fin = { .complete = !page->more, .sets = { &set, 1 } };

	if (question->search.page.max == 0)
		set.count = arena_printf(iq->arena, "%llu", (unsigned long long)total);
	if (page->count > 0) {
		set.first = mam_id_write(question->key, iq->arena, page->v[0]->id);
		set.last = mam_id_write(question->key, iq->arena, page->v[page->count - 1]->id);
	}
	iq_result(iq, &mam_fin_payload, &fin);
}

static void
tell_page(struct iq *iq, const struct store_batch *batch)
{
	struct question question;
	struct page page;

	if (!read_question(iq, &question))
		return;
	if (!has_all(&question, batch)) {
		iq_error(iq, ITEM_NOT_FOUND, "The archive has no message of that id");
		return;
	}
	if (question.search.page.max == 0) {
		uint64_t total = store_result(batch, question.musts)->total;

		end_page(iq, &question, &(struct page){ .more = total > 0 }, total);
		return;
	}
	page = page_of(iq, &question, batch);
	for (size_t i = 0; iq->session != NULL && i < page.count; i++)
		tell_row(iq, page.v[question.search.flip_page ? page.count - 1 - i : i]);
	end_page(iq, &question, &page, 0);
}

static void
query(struct iq *iq)
{
	unsigned table = account_table(iq->account, &mod_archive, ARCHIVE_MESSAGES);
	struct store_batch *batch;
	struct store_range range;
	struct question question;

	if (!read_question(iq, &question))
		return;
	metric_add_iq(iq, &mod_mam, METRIC_QUERIES);
	batch = batch_begin(iq->account);
	for (unsigned i = 0; i < question.musts; i++) {
		uint64_t id = mam_id_read(question.key, question.must[i]);

		/* What is no id is as one that nothing has. */
		if (id == 0 || id >= INT64_MAX)
			id = INT64_MAX - 1;
		range = (struct store_range){ .after = id - 1, .before = id + 1, .limit = 1 };
		(void)store_read_log(batch, table, &range);
	}
	range = range_of(&question);
	if (range.limit == 0)
		(void)store_read_count(batch, table, &range);
	else
		(void)store_read_log(batch, table, &range);
	iq_fetch(iq, batch, tell_page);
}

static void
tell_form(struct iq *iq)
{
	struct mam_query form = mam_query_form(iq->arena);

	if (is_served(iq))
		iq_result(iq, &mam_query_payload, &form);
}

static struct mam_edge
edge_of(struct iq *iq, const struct store_row *row)
{
	char stamp[STAMP_CHARS + 1];

	stamp_write(row->stamp_ms, stamp);
	return (struct mam_edge){
		.id = mam_id_write(&archive_state(iq->account)->key, iq->arena, row->id),
		.timestamp = arena_copy(iq->arena, slice_of(stamp)),
	};
}

static void
tell_edges(struct iq *iq, const struct store_batch *batch)
{
	struct mam_metadata metadata = { 0 };
	struct mam_edge edges[2];

	if (store_result(batch, 0)->count > 0) {
		edges[0] = edge_of(iq, store_result(batch, 0)->rows);
		edges[1] = edge_of(iq, store_result(batch, 1)->rows);
		metadata.start = (struct mam_edge_list){ &edges[0], 1 };
		metadata.end = (struct mam_edge_list){ &edges[1], 1 };
	}
	iq_result(iq, &mam_metadata_payload, &metadata);
}

static void
query_edges(struct iq *iq)
{
	unsigned table = account_table(iq->account, &mod_archive, ARCHIVE_MESSAGES);
	struct store_batch *batch;

	if (!is_served(iq))
		return;
	batch = batch_begin(iq->account);
	(void)store_read_log(batch, table, &(struct store_range){ .limit = 1 });
	(void)store_read_log(batch, table, &(struct store_range){ .limit = 1, .backward = true });
	iq_fetch(iq, batch, tell_edges);
}

static void
refuse_others(struct iq *iq)
{
	iq_error(iq, FORBIDDEN, "An archive is its owner's alone");
}

static const struct xep xeps[] = {
	{ 59, "1.0", XEP_PARTIAL }, /* for archives only */
	{ 313, "1.1.3", XEP_PARTIAL },
	{ 0 },
};

static const struct option options[] = {
	OPTION_UINT(struct mam_config, page_max, "page_max", 100, 1, 1000,
		"How many messages a client gets at most for one question."),
	OPTION_SIZE(struct mam_config, page_bytes, "page_bytes", 262144, 1024, 1048576,
		"How many bytes of messages a client gets for one question; one message at least."),
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_QUERIES] = { "mam_queries_total", "Times that an archive was asked." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_GET, TO_SELF, &mam_query_payload, tell_form },
	{ IQ_SET, TO_SELF, &mam_query_payload, query },
	{ IQ_GET, TO_SELF, &mam_metadata_payload, query_edges },
	{ IQ_GET, TO_ACCOUNT, &mam_query_payload, refuse_others },
	{ IQ_SET, TO_ACCOUNT, &mam_query_payload, refuse_others },
	{ IQ_GET, TO_ACCOUNT, &mam_metadata_payload, refuse_others },
	{ 0 },
};

static void
tell_features(struct disco *answer, struct account *acct)
{
	if (!archive_is_on(acct))
		return;
	disco_feature(answer, NS_MAM);
	disco_feature(answer, NS_MAM "#extended");
}

const struct module mod_mam = {
	.name = "mam",
	.about = "Answers questions of users to their archives.",
	.xeps = xeps,
	.options = options,
	.config_size = sizeof(struct mam_config),
	.metrics = metrics,
	.routes = routes,
	.on.disco_account = tell_features,
	.needs = (const char *const[]){ "archive", NULL },
};
