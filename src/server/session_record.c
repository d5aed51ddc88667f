/* An element with the session's own values, who got directed presence, its presence, and wishes. */
#include "server/session_record.h"

#include "base/random.h"
#include "server/account_internal.h"
#include "server/account_joint.h"
#include "server/server_internal.h"
#include "server/session_away.h"
#include "server/session_internal.h"
#include "server/sm.h"

#include <stdlib.h>

struct record {
	struct slice resource, lang, agent;
	struct slice bound_ms; /* as people see the time */
	uint32_t patience_ms;
	bool wants_roster, wants_versions;
	struct jid_list directed;
	struct slice others; /* <presence/>, and what modules say (session_kept) */
	struct foreign_list children;
};

static const struct field fields[] = {
	ATTR_TEXT(struct record, resource, "resource"),
	ATTR_TEXT(struct record, lang, "lang"),
	ATTR_TEXT(struct record, agent, "agent"),
	ATTR_TEXT(struct record, bound_ms, "bound"),
	ATTR_UINT(struct record, patience_ms, "patience"),
	ATTR_BOOL(struct record, wants_roster, "roster"),
	ATTR_BOOL(struct record, wants_versions, "versions"),
	CHILD_JIDS(struct record, directed, "directed", "jid"),
	INNER_XML(struct record, others),
	CHILDREN(struct record, children),
	FIELDS_END(struct record),
};

const struct payload session_record_payload = { "session", "urn:kith:session", fields };

/* ---- Writing ---- */

static void
write_record(struct session *s, struct buffer *out)
{
	struct shard *shard = s->account->shard;
	char bound[24];
	struct buffer others;
	struct record record = {
		.resource = jid_resource(&s->jid),
		.lang = s->lang,
		.agent = s->agent == NULL ? NO_SLICE : slice_of(s->agent),
		.patience_ms = sm_patience_ms(s->sm),
		.wants_roster = s->wants_roster,
		.wants_versions = s->wants_versions,
		.directed = { s->directed, s->directed_count },
	};

	(void)snprintf(bound, sizeof(bound), "%lld", (long long)s->bound_wall_ms);
	record.bound_ms = slice_of(bound);
	buffer_init(&others, LIMIT_STORED_STANZA);
	if (s->is_available) {
		struct stanza presence = session_presence(s);

		stanza_write_alone(&others, &presence);
	}
	hook_session_kept(&shard->server->pipeline, &others, s);
	record.others = buffer_slice(&others);
	codec_encode(out, &session_record_payload, &record);
	buffer_finish(&others);
}

void
session_record(struct session *s)
{
	struct account *acct = s->account;
	struct server *server = acct->shard->server;
	struct buffer record;
	uint64_t hash;

	if (!sm_is_resumable(s->sm))
		return;
	buffer_init(&record, STORE_MAX_BLOB);
	write_record(s, &record);
	hash = siphash(&server->slot_key, buffer_slice(&record));
	if (hash != s->record_hash)
		store_txn_map_put(account_joint(acct), server->tables[CORE_SESSIONS], sm_id(s->sm),
			buffer_slice(&record));
	s->record_hash = hash;
	buffer_finish(&record);
}

/* ---- Reading ---- */

/* What a module said of the session, as if its client wished it (XEP-0386). */
static void
grant(struct session *s, const struct foreign *child)
{
	struct server *server = s->account->shard->server;
	struct inline_wish wish = { .ns = names_find(server->names, child->ns),
		.name = child->name };
	struct buffer answer;

	buffer_init(&answer, LIMIT_STORED_STANZA);
	hook_inline_wish(&server->pipeline, &answer, s, &wish);
	buffer_finish(&answer);
}

static void
read_presence(struct session *s, struct slice xml)
{
	struct shard *shard = s->account->shard;
	struct xml_tokens tokens;
	struct stanza st;

	xml_tokens_init(&tokens);
	if (stanza_thaw(shard->server->names, xml, &tokens, &shard->scratch, &st) == 0) {
		s->is_available = true;
		s->priority = stanza_priority(&st);
		session_keep_presence(s, &st);
	}
	xml_tokens_finish(&tokens);
}

static void
read_times(struct session *s, const struct record *record)
{
	uint64_t bound_ms;
	int64_t age_ms;

	if (slice_to_uint(record->bound_ms, INT64_MAX, &bound_ms) < 0)
		return;
	age_ms = s->bound_wall_ms - (int64_t)bound_ms;
	s->bound_wall_ms = (int64_t)bound_ms;
	if (age_ms > 0 && (uint64_t)age_ms < s->bound_ms)
		s->bound_ms -= (uint64_t)age_ms;
}

static struct session *
make(struct account *acct, struct slice id, const struct record *record)
{
	struct session *s;

	if (record->resource.len == 0 || account_session(acct, record->resource) != NULL)
		return NULL;
	s = session_create_away(acct, record->resource);
	s->sm = sm_revive(s, id, record->patience_ms);
	session_speak(s, record->lang);
	if (record->agent.p != NULL)
		s->agent = xstrndup(record->agent.p, record->agent.len);
	s->wants_roster = record->wants_roster;
	s->wants_versions = record->wants_versions;
	read_times(s, record);
	for (size_t i = 0; i < record->directed.count; i++)
		session_remember_directed(s, &record->directed.v[i]);
	for (size_t i = 0; i < record->children.count; i++) {
		const struct foreign *child = &record->children.v[i];

		if (slice_is_text(child->name, "presence"))
			read_presence(s, child->xml);
		else
			grant(s, child);
	}
	s->is_revived = true;
	session_go_away(s);
	return s;
}

struct session *
session_revive(struct account *acct, struct slice id, struct slice record)
{
	struct shard *shard = acct->shard;
	struct server *server = shard->server;
	struct session *s = NULL;
	const char *why = "it has no resource of its own";
	void *data;

	if (id.len > 0 && id.len <= TOKEN_CHARS &&
		xml_read(server->names, &xml_limits_own, 0, record, &shard->tokens, &shard->scratch,
			&why) == 0 &&
		codec_decode(
			server->session_record, shard->tokens.v, &shard->scratch, &data, &why) == 0)
		s = make(acct, id, data);
	if (s == NULL)
		log_error(server->log, "a stored session cannot be read and is over",
			F_TEXT("account", acct->jid.full), F_STR("why", why));
	return s;
}
