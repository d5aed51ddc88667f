/* Messages from a host's domain to its users. */
#include "server/notice.h"

#include "server/account_internal.h"
#include "server/limits.h"
#include "server/session_internal.h"
#include "xml/writer.h"

struct slice
notice_write(const char *subject, struct slice text, struct arena *arena)
{
	struct buffer xml;
	struct slice content;

	buffer_init(&xml, LIMIT_STORED_STANZA);
	(void)buffer_text(&xml, "<subject>");
	xml_write_text(&xml, slice_of(subject));
	(void)buffer_text(&xml, "</subject><body>");
	xml_write_text(&xml, text);
	(void)buffer_text(&xml, "</body>");
	content = arena_copy(arena, buffer_slice(&xml));
	buffer_finish(&xml);
	return content;
}

struct slice
notice_join(const struct slice_list *lines, struct arena *arena)
{
	struct buffer text;
	struct slice copy;

	buffer_init(&text, SIZE_MAX);
	for (size_t i = 0; i < lines->count; i++) {
		if (i > 0)
			(void)buffer_text(&text, "\n");
		(void)buffer_append(&text, lines->v[i]);
	}
	copy = arena_copy(arena, buffer_slice(&text));
	buffer_finish(&text);
	return copy;
}

struct slice_list
notice_split(struct slice text, struct arena *arena)
{
	struct slice_list lines = { .count = 0 };
	size_t end = 0;

	lines.v = arena_array(arena, text.len + 1, struct slice);
	for (size_t at = 0; at <= text.len; at = end + 1) {
		end = at + slice_find(slice_from(text, at), '\n');
		lines.v[lines.count++] = arena_copy(arena, slice_make(text.p + at, end - at));
	}
	return lines;
}

bool
notice_send(struct session *s, enum stanza_type type, struct slice content)
{
	const struct account *acct = session_account(s);
	struct stanza st = {
		.kind = STANZA_MESSAGE,
		.type = type,
		.to = s->jid,
		.content = content,
	};

	st.from.full = jid_domain(&acct->jid);
	st.from.domain_len = acct->jid.domain_len;
	return session_deliver(s, &st);
}
