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

void
session_keep_presence(struct session *s, struct slice content)
{
	struct slice copy = NO_SLICE;

	if (content.p != NULL)
		copy = slice_make(xstrndup(content.p, content.len), content.len);
	free_slice(&s->presence);
	s->presence = copy;
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
