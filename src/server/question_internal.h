/* Questions of accounts as the core sees them. */
#ifndef SERVER_QUESTION_INTERNAL_H
#define SERVER_QUESTION_INTERNAL_H

#include "server/question.h"

/* A result or an error came for the account itself; nothing if it answers no question. */
void question_answered(struct account *acct, const struct stanza *st);

/* The account leaves memory with its server. */
void questions_forget(struct account *acct);

#endif
