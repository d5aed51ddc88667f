/* What kithctl can ask for. */
#include "server/control_internal.h"

const struct control_verb control_verbs[] = {
	{ "user-add", 3, 3, true, control_user_add },
	{ "user-import", 3, 3, false, control_user_add }, /* thousands of them */
	{ "user-passwd", 3, 3, true, control_user_passwd },
	{ "user-delete", 2, 2, true, control_user_delete },
	{ "user-list", 1, 3, false, control_user_list },
	{ "user-export", 2, 2, true, control_user_export },
	{ "user-import-xml", 3, 3, false, control_user_import_xml }, /* likewise */
	{ "user-show", 2, 2, false, control_user_show },
	{ "user-disable", 2, 2, true, control_user_disable },
	{ "user-enable", 2, 2, true, control_user_enable },
	{ "admin-list", 1, 1, false, control_admin_list },
	{ "admin-add", 2, 2, true, control_admin_add },
	{ "admin-remove", 2, 2, true, control_admin_remove },
	{ "roster", 2, 2, false, control_roster },
	{ "vcard", 2, 2, false, control_vcard },
	{ "sessions", 1, 2, false, control_sessions },
	{ "kick", 2, 3, true, control_kick },
	{ "announce", 2, 3, true, control_announce },
	{ "log-level", 1, 2, false, control_log_level },
	{ "memory", 1, 1, false, control_memory },
	{ "status", 1, 1, false, control_status },
	{ "stats", 1, 1, false, control_stats },
	{ "backup", 1, 1, true, control_backup },
	{ "backup-taken", 1, 1, false, control_backup_taken },
	{ "reload", 1, 1, true, control_reload },
	{ "restart", 1, 1, true, control_restart },
	{ "stop", 1, 1, true, control_stop_server },
	{ NULL, 0, 0, false, NULL },
};
