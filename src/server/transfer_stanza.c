/* Stanzas that an account keeps, as they lie in the store and as they stand in a file. */
#include "base/clock.h"
#include "server/server_internal.h"
#include "server/transfer_internal.h"
#include "xml/writer.h"

#define NS_DELAY "urn:xmpp:delay"

enum { DELAY_XML = 128 };

static struct slice
stand_alone(struct arena *arena, const struct stanza *st)
{
	struct buffer xml;
	struct slice text;

	buffer_init(&xml, LIMIT_FROZEN_STANZA + DELAY_XML + LIMIT_DOMAIN);
	stanza_write_alone(&xml, st);
	text = arena_copy(arena, buffer_slice(&xml));
	buffer_finish(&xml);
	return text;
}

struct slice
transfer_stanza_xml(struct transfer *transfer, struct slice frozen, int64_t wall_ms)
{
	struct shard *shard = transfer->shard;
	char stamp[STAMP_CHARS + 1];
	struct stanza st;

	if (stanza_thaw(shard->server->names, frozen, &shard->tokens, &shard->scratch, &st) < 0)
		return NO_SLICE;
	if (wall_ms != 0) {
		stamp_write(wall_ms, stamp);
		st.content = arena_printf(&shard->scratch,
			"%.*s<delay xmlns='" NS_DELAY "' from='%.*s' stamp='%s'/>",
			SLICE_ARG(st.content), SLICE_ARG(host_domain(transfer->host)), stamp);
	}
	return stand_alone(&shard->scratch, &st);
}

static struct slice
attribute(const struct xml_token *element, const char *name)
{
	for (unsigned i = 1; i <= element->attributes; i++) {
		if (element[i].uri.len == 0 && slice_is_text(element[i].local, name))
			return element[i].value;
	}
	return NO_SLICE;
}

/* The last child, if it is a delay stamp of that host; else NULL. */
static const struct xml_token *
own_stamp(const struct transfer *transfer, const struct xml_token *stanza, int64_t *wall_ms_out)
{
	const struct xml_token *last = NULL, *c = xml_first_child(stanza);

	for (; c != NULL; c = xml_next_sibling(c))
		last = c;
	if (last == NULL || !slice_is_text(last->local, "delay") ||
		!slice_is_text(last->uri, NS_DELAY) ||
		!slice_is(attribute(last, "from"), host_domain(transfer->host)) ||
		stamp_parse(attribute(last, "stamp"), wall_ms_out) < 0)
		return NULL;
	return last;
}

/* What is in the stanza but for that child. */
static struct slice
content_without(const struct xml_token *stanza, const struct xml_token *gone, struct arena *arena)
{
	const struct xml_token *t = stanza + 1 + stanza->attributes;
	struct slice content;
	struct buffer xml;

	buffer_init(&xml, LIMIT_FROZEN_STANZA);
	for (; t->kind != XML_END; t += t->span) {
		if (t->kind == XML_TEXT)
			xml_write_text(&xml, t->value);
		else if (t != gone)
			xml_write_element(&xml, t, SLICE("jabber:client"));
	}
	content = arena_copy(arena, buffer_slice(&xml));
	buffer_finish(&xml);
	return content;
}

bool
transfer_read_stanza(struct transfer *transfer, size_t number, struct slice xml,
	struct stanza *st_out, int64_t *wall_ms_out)
{
	struct shard *shard = transfer->shard;
	struct arena *arena = &shard->scratch;
	enum stanza_condition condition;
	const char *why = "this is no stanza of jabber:client";
	const struct xml_token *stamp;

	if (xml_read(shard->server->names, &xml_limits_server, 0, xml, &shard->tokens, arena,
		    &why) < 0 ||
		!stanza_is(shard->tokens.v) ||
		stanza_parse(shard->tokens.v, arena, st_out, &condition, &why) < 0) {
		transfer_mistake(transfer, number, why);
		return false;
	}
	*wall_ms_out = transfer_wall_ms(transfer);
	stamp = own_stamp(transfer, shard->tokens.v, wall_ms_out);
	if (stamp != NULL)
		st_out->content = content_without(shard->tokens.v, stamp, arena);
	return true;
}

struct slice
transfer_freeze(struct transfer *transfer, const struct stanza *st)
{
	struct slice frozen;
	struct buffer xml;

	buffer_init(&xml, LIMIT_FROZEN_STANZA);
	stanza_write(&xml, st);
	frozen = arena_copy(transfer_arena(transfer), buffer_slice(&xml));
	buffer_finish(&xml);
	return frozen;
}
