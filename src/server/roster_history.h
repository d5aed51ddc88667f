/*
 * Roster versions (RFC 6121, 2.6). A version is a digest of the content: the sum of a digest of
 * each contact. So it is nowhere stored and costs no write; it names one state only, whatever
 * happens (a crash, a failed disk, a backup that comes back, an account that is made anew, a move
 * to another server); and after a change only one contact is digested anew.
 *
 * Nothing is computed before a client asks for versions. From then on the last changes are
 * remembered as well, so that who was away for a moment gets them instead of the whole roster.
 * To remember them on disk would take a write for each change, for what saves a roster only when
 * nobody of the account was there for a while and the roster changed meanwhile: rare, and then
 * the whole roster is what the RFC has for "cannot associate the version".
 */
#ifndef SERVER_ROSTER_HISTORY_H
#define SERVER_ROSTER_HISTORY_H

#include "base/slice.h"

struct roster;
struct roster_item;

enum { ROSTER_VERSION_CHARS = 32, ROSTER_CHANGES_MOST = 64 };

/* Of a contact or, by adding up, of a roster; of nothing it is zero. */
struct roster_version {
	uint64_t a, b;
};

struct roster_history;

/* The roster's history from now on; the same one when it has one. Belongs to the roster. */
struct roster_history *roster_history_begin(struct roster *roster);
void roster_history_destroy(struct roster_history **history);

/* A contact becomes another; before or after is NULL when it comes or goes. history: or NULL. */
void roster_history_note(struct roster_history *history, const struct roster_item *before,
	const struct roster_item *after);

/* What clients get to see of the version; opaque to them. */
void roster_version_write(struct roster_version version, char out[ROSTER_VERSION_CHARS + 1]);
struct roster_version roster_history_now(const struct roster_history *history);

/* One contact that is another now than it was, and the version after the client knows that. */
struct roster_step {
	struct slice bare; /* the history's, until the next change */
	struct roster_version version;
};

/*
 * The contacts that have changed since that version, in the order of their last changes, each
 * once; none that is as it was. Their number; -1: that version is not known (any more).
 */
int roster_history_since(const struct roster_history *history, struct slice version,
	struct roster_step steps[ROSTER_CHANGES_MOST]);

#endif
