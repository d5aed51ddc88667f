/*
 * The joint transaction of an account: rows that need no answer of their own go to the disk
 * together. Whoever has something to store adds it, and names what is to be done when it is there.
 * It is sent away at the end of the loop's turn; earlier when it has grown large, or when the
 * account commits or reads something else, so that everything keeps its order.
 */
#ifndef SERVER_ACCOUNT_JOINT_H
#define SERVER_ACCOUNT_JOINT_H

#include <stdbool.h>

struct account;
struct store_txn;

/* The transaction, to be added to at once and not kept. The account stays in memory until its end.
 */
struct store_txn *account_joint(struct account *acct);

/* done gets 0 or a negative error when what was added is on the disk, or could not be stored. */
void account_joint_then(
	struct account *acct, void (*done)(struct account *acct, int error, void *arg), void *arg);

/* Whether this is the account's joint transaction. */
bool account_is_joint(const struct account *acct, const struct store_txn *txn);

/* Sends it away now, if there is any. */
void account_joint_send(struct account *acct);

#endif
