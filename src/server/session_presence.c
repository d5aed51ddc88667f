/*
 * What a session keeps of presence: its own last one, and to whom it sent directed presence (RFC
 * 6121, 4.6), so that these hear of its end.
 */
#include "server/session_internal.h"

#include <stdlib.h>

enum { DIRECTED_MOST = 1000 };

static void
free_slice(struct slice *s)
{
	free((void *)(uintptr_t)s->p);
	*s = NO_SLICE;
}

/* One piece of memory with its texts. */
struct kept_presence {
	struct slice id, lang, content;
};

static struct slice
pack(char **at, struct slice text)
{
	struct slice copy = { text.p == NULL ? NULL : *at, text.len };

	if (text.len > 0)
		memcpy(*at, text.p, text.len);
	*at += text.len;
	return copy;
}

static struct kept_presence *
keep(const struct stanza *st)
{
	struct kept_presence *kept = xmalloc(
		sizeof(*kept) + st->id.len + st->lang.len + st->content.len);
	char *at = (char *)(kept + 1);

	kept->id = pack(&at, st->id);
	kept->lang = pack(&at, st->lang);
	kept->content = pack(&at, st->content);
	return kept;
}

void
session_keep_presence(struct session *s, const struct stanza *st)
{
	struct kept_presence *kept = st == NULL ? NULL : keep(st);

	free(s->presence);
	s->presence = kept;
}

struct stanza
session_presence(const struct session *s)
{
	struct stanza st = { .kind = STANZA_PRESENCE, .type = TYPE_AVAILABLE, .from = s->jid };

	if (s->presence != NULL) {
		st.id = s->presence->id;
		st.lang = s->presence->lang;
		st.content = s->presence->content;
	}
	return st;
}

void
session_drop_directed(struct session *s, const struct jid *to)
{
	for (uint16_t i = 0; i < s->directed_count; i++) {
		if (!jid_is(&s->directed[i], to))
			continue;
		free_slice(&s->directed[i].full);
		s->directed[i] = s->directed[--s->directed_count];
		return;
	}
}

void
session_remember_directed(struct session *s, const struct jid *to)
{
	struct jid *kept;

	session_drop_directed(s, to);
	if (s->directed_count == DIRECTED_MOST)
		return; /* the end of so much directed presence is the recipients' to notice */
	s->directed = xrealloc(s->directed, ((size_t)s->directed_count + 1) * sizeof(struct jid));
	kept = &s->directed[s->directed_count++];
	*kept = *to;
	kept->full.p = xstrndup(to->full.p, to->full.len);
}

void
session_forget_directed(struct session *s)
{
	for (uint16_t i = 0; i < s->directed_count; i++)
		free_slice(&s->directed[i].full);
	free(s->directed);
	s->directed = NULL;
	s->directed_count = 0;
}
