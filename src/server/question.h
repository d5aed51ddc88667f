/*
 * What an account asks others: a request that the account itself sends, from its bare address, and
 * whose answer comes back to it. It stays in memory until then. Who is asked may be anyone whom a
 * stanza can reach.
 */
#ifndef SERVER_QUESTION_H
#define SERVER_QUESTION_H

#include <stdint.h>

struct account;
struct stanza;

/* answer: a result or an error, valid during the call; NULL: none came in time. */
typedef void account_answered(struct account *acct, const struct stanza *answer, void *arg);

/*
 * Sends st, an iq of type get or set with 'to' and content; 'from' and an id that nobody can guess
 * are put into it. answered is called once, later, and never when the account leaves memory with
 * its server before that.
 */
void account_ask(struct account *acct, struct stanza *st, uint32_t patience_ms,
	account_answered *answered, void *arg);

/* Asks nobody: due is called without an answer after that time. */
void account_after(struct account *acct, uint32_t delay_ms, account_answered *due, void *arg);

#endif
