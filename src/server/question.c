/*
 * Questions under way are few, so they are a list. A request goes out by a letter: what answers it
 * at once, as the router does when there is no way to the address, does not come back within the
 * call.
 */
#include "server/question_internal.h"

#include "base/random.h"
#include "server/account_internal.h"
#include "server/letter.h"
#include "server/server_internal.h"

#include <stdlib.h>

struct question {
	struct question *next; /* in account.questions */
	struct account *acct;
	struct timer timer;
	account_answered *answered;
	void *arg;
	char id[TOKEN_CHARS + 1]; /* empty: nobody is asked */
	struct slice to;          /* full; the text follows */
};

static void
end(struct question *question, const struct stanza *answer)
{
	struct account *acct = question->acct;
	account_answered *answered = question->answered;
	void *arg = question->arg;
	struct question **at = &acct->questions;

	while (*at != question)
		at = &(*at)->next;
	*at = question->next;
	timer_stop(acct->shard->loop, &question->timer);
	free(question);
	answered(acct, answer, arg);
	acct->pending--;
	account_consider_leaving(acct);
}

static void
wait_no_longer(struct timer *timer)
{
	struct question *question = container_of(timer, struct question, timer);
	struct shard *shard = question->acct->shard;

	end(question, NULL);
	arena_reset(&shard->scratch);
}

static struct question *
begin(struct account *acct, struct slice to, uint32_t patience_ms, account_answered *answered,
	void *arg)
{
	struct question *question = xcalloc(1, size_add(sizeof(*question), to.len));

	question->acct = acct;
	question->answered = answered;
	question->arg = arg;
	question->to = slice_make((char *)(question + 1), to.len);
	if (to.len > 0)
		memcpy(question + 1, to.p, to.len);
	question->next = acct->questions;
	acct->questions = question;
	acct->pending++;
	timer_stop(acct->shard->loop, &acct->idle);
	question->timer.fire = wait_no_longer;
	timer_start(acct->shard->loop, &question->timer, patience_ms);
	return question;
}

void
account_ask(struct account *acct, struct stanza *st, uint32_t patience_ms,
	account_answered *answered, void *arg)
{
	struct question *question = begin(acct, st->to.full, patience_ms, answered, arg);

	random_token(question->id);
	st->id = slice_of(question->id);
	st->from = acct->jid;
	letter_send(letter_create(st, NULL, 0), acct->shard, acct->shard);
}

void
account_after(struct account *acct, uint32_t delay_ms, account_answered *due, void *arg)
{
	(void)begin(acct, NO_SLICE, delay_ms, due, arg);
}

/* What the router or a module of ours wrote has no tokens; whoever asked wants to look into it. */
static void
end_scanned(struct question *question, const struct stanza *written)
{
	struct letter *letter = letter_create(written, NULL, 0);
	struct stanza answer;

	if (letter_open(letter, question->acct->shard, &answer))
		end(question, &answer);
	letter_destroy(&letter);
}

void
question_answered(struct account *acct, const struct stanza *st)
{
	struct question *question = acct->questions;

	while (question != NULL &&
		(question->id[0] == '\0' || !slice_is_text(st->id, question->id) ||
			!slice_is(st->from.full, question->to)))
		question = question->next;
	if (question == NULL)
		return;
	if (st->root == NULL)
		end_scanned(question, st);
	else
		end(question, st);
}

void
questions_forget(struct account *acct)
{
	struct question *question;

	while ((question = acct->questions) != NULL) {
		acct->questions = question->next;
		timer_stop(acct->shard->loop, &question->timer);
		free(question);
	}
}
