/* What kithctl can ask for. */
#include "server/control_internal.h"

const struct control_verb control_verbs[] = {
	{ "user-add", 3, 3, control_user_add },
	{ "user-passwd", 3, 3, control_user_passwd },
	{ "user-delete", 2, 2, control_user_delete },
	{ "user-list", 1, 1, control_user_list },
	{ "stats", 1, 1, control_stats },
	{ "reload", 1, 1, control_reload },
	{ "stop", 1, 1, control_stop_server },
	{ NULL, 0, 0, NULL },
};
