/* Names are ours and need no escaping; values may be somebody else's. */
#include "tools/kith-load/report.h"

#include <stdio.h>

enum { REPORT_LIMIT = 65536 };

void
report_begin(struct report *r)
{
	buffer_init(&r->text, REPORT_LIMIT);
}

static void
name_field(struct report *r, const char *name)
{
	(void)buffer_printf(&r->text, "%s\"%s\": ", r->text.len == 0 ? "{" : ", ", name);
}

void
report_text(struct report *r, const char *name, const char *value)
{
	name_field(r, name);
	if (value == NULL) {
		(void)buffer_text(&r->text, "null");
		return;
	}
	(void)buffer_text(&r->text, "\"");
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\' || (unsigned char)*p < 0x20)
			(void)buffer_printf(&r->text, "\\u%04x", (unsigned)(unsigned char)*p);
		else
			(void)buffer_append(&r->text, slice_make(p, 1));
	}
	(void)buffer_text(&r->text, "\"");
}

void
report_uint(struct report *r, const char *name, uint64_t value)
{
	name_field(r, name);
	(void)buffer_printf(&r->text, "%llu", (unsigned long long)value);
}

void
report_real(struct report *r, const char *name, double value)
{
	name_field(r, name);
	(void)buffer_printf(&r->text, "%.3f", value);
}

void
report_durations(struct report *r, const char *name, const struct histogram *h)
{
	static const struct {
		const char *suffix;
		unsigned permille;
	} points[] = { { "p50", 500 }, { "p99", 990 }, { "max", 1000 } };

	for (size_t i = 0; i < COUNT_OF(points); i++) {
		char field[64];
		(void)snprintf(field, sizeof(field), "%s_%s_us", name, points[i].suffix);
		report_real(r, field, (double)histogram_permille(h, points[i].permille) / 1000);
	}
}

void
report_print(struct report *r)
{
	(void)printf("%.*s}\n", (int)r->text.len, r->text.data);
	report_drop(r);
}

void
report_drop(struct report *r)
{
	buffer_finish(&r->text);
}
