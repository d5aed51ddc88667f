/*
 * A log of stanzas that an account keeps: a module's store of kind log whose entries are frozen
 * stanzas. What is appended is on its way to the disk at once; if it cannot be stored its sender
 * gets the error.
 */
#ifndef SERVER_STANZA_LOG_H
#define SERVER_STANZA_LOG_H

#include "proto/stanza.h"

struct account;
struct module;

/* Appends a copy of the stanza, stamped with now. refused (may be NULL) is called on failure. */
void stanza_log_append(struct account *acct, const struct module *module, unsigned store,
	const struct stanza *st, void (*refused)(struct account *acct));

/* The same with that `with`, together with what else is in the account's joint transaction. Returns
 * the entry's id. */
uint64_t stanza_log_add(struct account *acct, unsigned table, const struct stanza *st,
	struct slice with, void (*refused)(struct account *acct));

/*
 * Reads up to most stanzas from the beginning, in order. The account is paused until taken was
 * called for each, or said false, and then ended with the id and the number of those that were
 * taken (0: none). What taken gets lives until it returns.
 */
void stanza_log_read(struct account *acct, const struct module *module, unsigned store,
	unsigned most, bool (*taken)(struct account *acct, struct stanza *st, int64_t wall_ms),
	void (*ended)(struct account *acct, uint64_t last_id, size_t count));

/* Deletes everything up to and including that id. */
void stanza_log_delete(
	struct account *acct, const struct module *module, unsigned store, uint64_t last_id);

#endif
