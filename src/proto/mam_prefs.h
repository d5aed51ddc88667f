/* XEP-0441: which messages a user wants to have in the archive. */
#ifndef PROTO_MAM_PREFS_H
#define PROTO_MAM_PREFS_H

#include "proto/codec.h"

/* The addresses of <always/> or <never/>; the codec knows a list of such elements. */
struct mam_prefs_jids {
	struct slice_list jids;
};

struct mam_prefs {
	struct slice otherwise; /* its attribute "default" */
	struct {
		struct mam_prefs_jids *v;
		size_t count;
	} always, never;
};
extern const struct payload mam_prefs_payload;

enum mam_default { MAM_ALWAYS, MAM_NEVER, MAM_ROSTER };

/* What the attribute says: 0, or -1. */
int mam_default_read(struct slice text, enum mam_default *value_out);

#endif
