/* Tables, the form, and ids. */
#include "proto/mam.h"

#include "base/clock.h"
#include "proto/delay.h"

#define NS_FORWARD "urn:xmpp:forward:0"

static const struct field query_fields[] = {
	ATTR_TEXT(struct mam_query, queryid, "queryid"),
	CHILD_FORMS(struct mam_query, forms),
	CHILD_RSM(struct mam_query, sets),
	CHILD_FLAG(struct mam_query, flip_page, "flip-page"),
	FIELDS_END(struct mam_query),
};
const struct payload mam_query_payload = { "query", NS_MAM, query_fields };

static const struct field result_fields[] = {
	ATTR_TEXT(struct mam_result, queryid, "queryid"),
	ATTR_TEXT(struct mam_result, id, "id"),
	INNER_XML(struct mam_result, xml),
	FIELDS_END(struct mam_result),
};
const struct payload mam_result_payload = { "result", NS_MAM, result_fields };

static const struct field fin_fields[] = {
	ATTR_BOOL(struct mam_fin, complete, "complete"),
	CHILD_RSM(struct mam_fin, sets),
	FIELDS_END(struct mam_fin),
};
const struct payload mam_fin_payload = { "fin", NS_MAM, fin_fields };

static const struct field edge_fields[] = {
	ATTR_TEXT(struct mam_edge, id, "id"),
	ATTR_TEXT(struct mam_edge, timestamp, "timestamp"),
	FIELDS_END(struct mam_edge),
};
static const struct field metadata_fields[] = {
	CHILD_LIST(struct mam_metadata, start, "start", edge_fields),
	CHILD_LIST(struct mam_metadata, end, "end", edge_fields),
	FIELDS_END(struct mam_metadata),
};
const struct payload mam_metadata_payload = { "metadata", NS_MAM, metadata_fields };

static const struct field stamp_fields[] = {
	ATTR_TEXT(struct mam_stamp, stamp, "stamp"),
	FIELDS_END(struct mam_stamp),
};
static const struct field forwarded_fields[] = {
	{ .kind = FIELD_CHILD_LIST,
		.offset = FIELD_OFFSET(struct mam_forwarded, delays, struct mam_stamp_list),
		.name = "delay",
		.ns = "urn:xmpp:delay",
		.sub = stamp_fields,
		.sub_size = sizeof(struct mam_stamp) },
	CHILDREN(struct mam_forwarded, children),
	FIELDS_END(struct mam_forwarded),
};
static const struct field kept_fields[] = {
	ATTR_TEXT(struct mam_kept, id, "id"),
	{ .kind = FIELD_CHILD_LIST,
		.offset = FIELD_OFFSET(struct mam_kept, forwarded, struct mam_forwarded_list),
		.name = "forwarded",
		.ns = NS_FORWARD,
		.sub = forwarded_fields,
		.sub_size = sizeof(struct mam_forwarded) },
	FIELDS_END(struct mam_kept),
};
static const struct field export_fields[] = {
	{ .kind = FIELD_CHILD_LIST,
		.offset = FIELD_OFFSET(struct mam_export, results, struct mam_kept_list),
		.name = "result",
		.ns = NS_MAM,
		.sub = kept_fields,
		.sub_size = sizeof(struct mam_kept) },
	INNER_XML(struct mam_export, xml),
	FIELDS_END(struct mam_export),
};
const struct payload mam_export_payload = { "archive", "urn:xmpp:pie:0#mam", export_fields };

/* ---- Ids ---- */

static uint32_t
round_of(const struct hash_key *key, unsigned number, uint32_t half)
{
	uint32_t text[2] = { number, half };

	return (uint32_t)siphash(key, slice_make((const char *)text, sizeof(text)));
}

enum { ROUNDS = 4 };

/* A Feistel network. */
struct slice
mam_id_write(const struct hash_key *key, struct arena *arena, uint64_t number)
{
	uint32_t left = (uint32_t)(number >> 32), right = (uint32_t)number;

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint32_t next = left ^ round_of(key, i, right);

		left = right;
		right = next;
	}
	return arena_printf(arena, "%08x%08x", left, right);
}

static bool
read_half(const char *text, uint32_t *half_out)
{
	uint32_t half = 0;

	for (unsigned i = 0; i < MAM_ID_CHARS / 2; i++) {
		char c = text[i];

		if (c >= '0' && c <= '9')
			half = half << 4 | (uint32_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			half = half << 4 | (uint32_t)(c - 'a' + 10);
		else
			return false;
	}
	*half_out = half;
	return true;
}

uint64_t
mam_id_read(const struct hash_key *key, struct slice id)
{
	uint32_t left, right;

	if (id.len != MAM_ID_CHARS || !read_half(id.p, &left) ||
		!read_half(id.p + MAM_ID_CHARS / 2, &right))
		return 0;
	for (unsigned i = ROUNDS; i-- > 0;) {
		uint32_t before = right ^ round_of(key, i, left);

		right = left;
		left = before;
	}
	return (uint64_t)left << 32 | right;
}

/* ---- Questions ---- */

struct filled {
	struct jid with;
	struct slice start, end, before_id, after_id;
	struct slice_list ids;
};

static const struct form_entry entries[] = {
	ENTRY_JID(struct filled, with, "with", NULL, false),
	ENTRY_TEXT(struct filled, start, "start", NULL, false, 64),
	ENTRY_TEXT(struct filled, end, "end", NULL, false, 64),
	ENTRY_TEXT(struct filled, before_id, "before-id", NULL, false, 64),
	ENTRY_TEXT(struct filled, after_id, "after-id", NULL, false, 64),
	ENTRY_LINES(struct filled, ids, "ids", NULL, false, MAM_MAX_IDS),
	ENTRIES_END(struct filled),
};
static const struct form_spec spec = { NULL, NULL, NS_MAM, entries };

/* Ids are any text, and not a choice among those that the form would have to list (XEP-0122). */
struct mam_query
mam_query_form(struct arena *arena)
{
	struct mam_query query = { .forms.v = arena_new(arena, struct form), .forms.count = 1 };

	*query.forms.v = form_ask(&spec, NULL, arena);
	return query;
}

static bool
is_known(struct slice var)
{
	if (slice_is_text(var, "FORM_TYPE"))
		return true;
	for (const struct form_entry *entry = entries; entry->kind != FORM_END; entry++) {
		if (slice_is_text(var, entry->var))
			return true;
	}
	return false;
}

static bool
knows_all(const struct form *form)
{
	for (size_t i = 0; i < form->fields.count; i++) {
		if (!is_known(form->fields.v[i].var))
			return false;
	}
	return true;
}

static bool
read_stamp(struct slice text, int64_t *wall_ms_out)
{
	return text.len == 0 || stamp_parse(text, wall_ms_out) == 0;
}

static bool
read_form(const struct form *form, struct arena *arena, struct mam_search *search,
	enum stanza_condition *condition_out, const char **why_out)
{
	struct filled filled = { 0 };

	if (!knows_all(form)) {
		*condition_out = FEATURE_NOT_IMPLEMENTED;
		*why_out = "The form has a field that this archive does not know";
		return false;
	}
	if (form_read(&spec, form, arena, &filled, why_out) < 0)
		return false;
	*why_out = "That is no time as XEP-0082 writes it";
	if (!read_stamp(filled.start, &search->start_ms) ||
		!read_stamp(filled.end, &search->end_ms))
		return false;
	search->with = filled.with;
	search->before_id = filled.before_id.len == 0 ? NO_SLICE : filled.before_id;
	search->after_id = filled.after_id.len == 0 ? NO_SLICE : filled.after_id;
	search->ids = filled.ids;
	return true;
}

bool
mam_search_read(const struct mam_query *query, uint32_t most, struct arena *arena,
	struct mam_search *search_out, enum stanza_condition *condition_out, const char **why_out)
{
	*search_out = (struct mam_search){ .flip_page = query->flip_page };
	*condition_out = BAD_REQUEST;
	*why_out = "The size of a page is no number";
	if (!rsm_read(&query->sets, most, &search_out->page))
		return false;
	return query->forms.count == 0 ||
	       read_form(&query->forms.v[0], arena, search_out, condition_out, why_out);
}

void
mam_forward(struct buffer *out, struct slice domain, struct slice frozen, int64_t wall_ms)
{
	const struct slice tag = SLICE("<message");

	(void)buffer_text(out, "<forwarded xmlns='" NS_FORWARD "'>");
	delay_write(out, domain, wall_ms);
	if (slice_starts(frozen, tag)) {
		(void)buffer_text(out, "<message xmlns='jabber:client'");
		(void)buffer_append(out, slice_from(frozen, tag.len));
	}
	(void)buffer_text(out, "</forwarded>");
}
