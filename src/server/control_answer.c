/* Records of named fields: what all verbs answer with, whoever reads it. */
#include "base/clock.h"
#include "server/control_internal.h"

void
control_record(struct control_request *request)
{
	(void)buffer_text(&request->answer, request->answer.len > 0 ? "\n=" : "=");
	request->has_fields = false;
}

static void
put(struct control_request *request, enum control_kind kind, const char *name, struct slice value)
{
	const struct control_field field = { kind, slice_of(name), value };

	control_put_field(&request->answer, &field, !request->has_fields);
	request->has_fields = true;
}

void
control_text(struct control_request *request, const char *name, struct slice text)
{
	put(request, text.p == NULL ? CONTROL_NULL : CONTROL_TEXT, name, text);
}

void
control_number(struct control_request *request, const char *name, int64_t number)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%lld", (long long)number);

	put(request, CONTROL_NUMBER, name, slice_make(digits, (size_t)len));
}

void
control_flag(struct control_request *request, const char *name, bool flag)
{
	put(request, CONTROL_FLAG, name, flag ? SLICE("true") : SLICE("false"));
}

void
control_list(struct control_request *request, const char *name, const struct slice_list *texts)
{
	if (texts->count == 0)
		put(request, CONTROL_EMPTY, name, NO_SLICE);
	for (size_t i = 0; i < texts->count; i++)
		put(request, CONTROL_ITEM, name, texts->v[i]);
}

void
control_time(struct control_request *request, const char *name, int64_t wall_ms)
{
	char stamp[STAMP_CHARS + 1];

	if (wall_ms == 0) {
		control_text(request, name, NO_SLICE);
		return;
	}
	stamp_write(wall_ms, stamp);
	control_text(request, name, slice_of(stamp));
}
