/* An element with two lists of addresses. */
#include "proto/mam_prefs.h"

#include "proto/mam.h"

static const struct field jids_fields[] = {
	CHILD_TEXTS(struct mam_prefs_jids, jids, "jid"),
	FIELDS_END(struct mam_prefs_jids),
};

static const struct field prefs_fields[] = {
	ATTR_TEXT(struct mam_prefs, otherwise, "default"),
	CHILD_LIST(struct mam_prefs, always, "always", jids_fields),
	CHILD_LIST(struct mam_prefs, never, "never", jids_fields),
	FIELDS_END(struct mam_prefs),
};

const struct payload mam_prefs_payload = { "prefs", NS_MAM, prefs_fields };

int
mam_default_read(struct slice text, enum mam_default *value_out)
{
	static const char *const names[] = {
		[MAM_ALWAYS] = "always", [MAM_NEVER] = "never", [MAM_ROSTER] = "roster"
	};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!slice_is_text(text, names[i]))
			continue;
		*value_out = (enum mam_default)i;
		return 0;
	}
	return -1;
}
