/* One element, always written the same way. */
#include "proto/delay.h"

#include "base/clock.h"

#define BEGINNING "<delay xmlns='urn:xmpp:delay' from='"

void
delay_write(struct buffer *out, struct slice domain, int64_t wall_ms)
{
	char stamp[STAMP_CHARS + 1];

	stamp_write(wall_ms, stamp);
	(void)buffer_printf(out, BEGINNING "%.*s' stamp='%s'/>", SLICE_ARG(domain), stamp);
}

bool
delay_is_in(struct slice xml, struct slice domain)
{
	static const char beginning[] = BEGINNING;
	const char *at = memmem(xml.p, xml.len, beginning, sizeof(beginning) - 1);
	const char *end = xml.p + xml.len;

	while (at != NULL) {
		at += sizeof(beginning) - 1;
		if ((size_t)(end - at) > domain.len && memcmp(at, domain.p, domain.len) == 0 &&
			at[domain.len] == '\'')
			return true;
		at = memmem(at, (size_t)(end - at), beginning, sizeof(beginning) - 1);
	}
	return false;
}
