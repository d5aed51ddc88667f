/* One line for one step of a stanza. */
#include "server/trace.h"

void
trace_write(struct log *log, const struct stanza *st, const char *what, struct log_field more)
{
	struct slice none = SLICE("");

	log_debug(log, what, F_STR("kind", stanza_kind_name(st->kind)),
		F_STR("type", stanza_type_name(st->type)),
		F_TEXT("id", st->id.p == NULL ? none : st->id),
		F_TEXT("from", st->from.full.p == NULL ? none : st->from.full),
		F_TEXT("to", st->to.full.p == NULL ? none : st->to.full), more);
}
