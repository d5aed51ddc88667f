/*
 * Export and import of one account (XEP-0227). What is in the file is said by tables: each element
 * below <user/> has an entry, of the core or of the module that keeps what is in it.
 *
 * Entries are functions, and not derived from the modules' stores: the XEP's elements are those of
 * the protocols (a vCard, a roster, messages), and only a module knows how its rows become them.
 * That none is forgotten is derived: a module with stores and without a table does not start.
 */
#ifndef SERVER_TRANSFER_H
#define SERVER_TRANSFER_H

#include "proto/codec.h"
#include "store/store.h"

struct host;
struct module;
struct stanza;
struct transfer;

/* The namespace of what the XEP has no element for; other servers leave it out. */
#define NS_KITH_ACCOUNT "urn:x-kith:account"

struct transfer_entry {
	const struct payload *payload; /* a child of <user/>; NULL ends a table */
	/* Appends the element, or nothing. stores: the module's, in their order. NULL: only read.
	 */
	void (*write)(struct transfer *transfer, const struct store_result *stores);
	/* The element as the payload's struct. Puts it into the transaction, or says what is wrong.
	 */
	void (*read)(struct transfer *transfer, const void *data);
};

/* The account and its host; memory for as long as the element is looked at. */
const struct jid *transfer_jid(const struct transfer *transfer);
const struct host *transfer_host(const struct transfer *transfer);
struct arena *transfer_arena(struct transfer *transfer);

/* For write: an element, by its payload or as it was once written. */
void transfer_put(struct transfer *transfer, const struct payload *payload, const void *data);
void transfer_put_xml(struct transfer *transfer, struct slice xml);

/* For read: the transaction that makes the account, and the module's table in it. */
struct store_txn *transfer_txn(struct transfer *transfer);
unsigned transfer_table(
	const struct transfer *transfer, const struct module *module, unsigned store);
int64_t transfer_wall_ms(const struct transfer *transfer);

/*
 * For read: the first mistake ends the import, and nothing of it is kept. A loss is told to who
 * imports, who goes on without. number: which of the element's own children, from 1; 0: none.
 */
void transfer_mistake(struct transfer *transfer, size_t number, const char *text);
void transfer_loss(struct transfer *transfer, size_t number, const char *text);

/*
 * Stanzas in a file stand alone and say when they came by a delay stamp of the host (XEP-0203); in
 * the store they are frozen, and their time stands beside them. transfer_stanza.c.
 */

/* The stanza as an element; stamped, unless wall_ms is 0. p NULL: those bytes are no stanza. */
struct slice transfer_stanza_xml(struct transfer *transfer, struct slice frozen, int64_t wall_ms);

/* False: a mistake, told. wall_ms: when it came; now, if it does not say so. */
bool transfer_read_stanza(struct transfer *transfer, size_t number, struct slice xml,
	struct stanza *st_out, int64_t *wall_ms_out);
struct slice transfer_freeze(struct transfer *transfer, const struct stanza *st);

#endif
