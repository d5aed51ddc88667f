/*
 * What the module that keeps archives (mod_archive) and those that read them share: where the rows
 * are, and the key by which ids are shown (proto/mam.h).
 */
#ifndef SERVER_ARCHIVE_H
#define SERVER_ARCHIVE_H

#include "proto/mam.h"
#include "server/module.h"

enum { ARCHIVE_KEY, ARCHIVE_MESSAGES };

struct archive_account {
	struct hash_key key;
	bool has_key;       /* it is stored, or on its way */
	int64_t trimmed_ms; /* when what was too old was taken out; 0: not yet */
	/* After a crash: hashes of the newest messages, which may be sent again; own memory. */
	uint64_t *known;
	size_t known_count;
};

struct archive_config {
	bool on;
	uint32_t keep_days;
};

extern const struct module mod_archive;

static inline struct archive_account *
archive_state(struct account *acct)
{
	return account_state(acct, &mod_archive);
}

/* Whether the owner wants to keep messages with that address. */
bool archive_wants(struct account *acct, const struct jid *with);

/* Whether messages of this account are kept now. */
static inline bool
archive_is_on(const struct account *acct)
{
	const struct archive_config *conf = module_config(account_host(acct), &mod_archive);

	return conf->on && !account_is_anonymous(acct);
}

#endif
