/* Passwords: nearly all are ASCII and need nothing; the others go through PRECIS. */
#include "proto/password.h"

#include "proto/precis.h"

#include <errno.h>

static bool
is_ascii(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < 0x20 || text.p[i] > 0x7e)
			return false;
	}
	return true;
}

int
password_prepare(struct slice typed, struct arena *arena, struct slice *out)
{
	if (typed.len == 0 || typed.len > PASSWORD_MAX)
		return -EINVAL;
	if (!is_ascii(typed))
		return precis_opaque(typed, arena, out) < 0 ? -EINVAL : 0;
	*out = arena_copy(arena, typed);
	return 0;
}
