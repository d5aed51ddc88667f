/*
 * The life of an account: loaded when someone needs it, paused while something waits for
 * storage, and out of memory when nobody is signed in for a while.
 */
#include "server/account_internal.h"

#include "server/credentials.h"
#include "server/iq_internal.h"
#include "server/letter.h"
#include "server/login.h"
#include "server/login_internal.h"
#include "server/pressure.h"
#include "server/question_internal.h"
#include "server/route.h"
#include "server/route_internal.h"
#include "server/server_internal.h"
#include "server/session_internal.h"
#include "server/subscription_run.h"

#include <assert.h>
#include <stdlib.h>

struct account *
account_find(struct shard *shard, struct slice bare)
{
	struct map_node *node = map_find(&shard->accounts, bare);

	return node == NULL ? NULL : container_of(node, struct account, node);
}

void
account_destroy(struct account *acct)
{
	struct shard *shard = acct->shard;
	struct letter *letter;
	struct session *s;

	LIST_EACH (s, &acct->sessions, struct session, link)
		session_destroy(s); /* at the end of the server */
	hook_account_gone(&shard->server->pipeline, acct);
	timer_stop(shard->loop, &acct->idle);
	questions_forget(acct);
	pressure_let_go(shard, &acct->holding);
	LIST_EACH (letter, &acct->letters, struct letter, link)
		letter_destroy(&letter);
	roster_finish(&acct->roster);
	free(acct->past);
	free(acct->load); /* whose answer is dropped, at the end of the server */
	credentials_drop(acct);
	map_remove(&shard->accounts, &acct->node);
	free((void *)(uintptr_t)acct->jid.full.p);
	slab_free(&shard->account_slab, acct);
}

void
account_when_ready(struct account *acct, struct account_waiter *waiter)
{
	if (account_is_ready(acct))
		waiter->ready(acct, 0, waiter->arg);
	else
		list_append(&acct->waiters, &waiter->link);
}

static void
call_waiters(struct account *acct, int error)
{
	struct list *link;

	while (account_is_ready(acct) && (link = list_pop(&acct->waiters)) != NULL) {
		struct account_waiter *waiter = container_of(link, struct account_waiter, link);

		waiter->ready(acct, error, waiter->arg);
	}
}

/* Lets in what waited, in order, until something pauses the account again. */
static void
let_in(struct account *acct)
{
	struct login *login;
	struct session *s;
	struct list *link;

	while (account_is_ready(acct) && (link = list_pop(&acct->letters)) != NULL) {
		struct letter *letter = container_of(link, struct letter, link);
		struct stanza st;

		acct->letter_bytes -= letter->size;
		if (letter_open(letter, acct->shard, &st)) {
			acct->shard->routing = true;
			account_receive(acct, &st);
			acct->shard->routing = false;
		}
		letter_destroy(&letter);
		arena_reset(&acct->shard->scratch);
	}
	if (list_is_empty(&acct->letters))
		pressure_let_go(acct->shard, &acct->holding);
	call_waiters(acct, 0);
	LIST_EACH (s, &acct->sessions, struct session, link) {
		if (!account_is_ready(acct))
			return;
		session_continue(s);
	}
	while (account_is_ready(acct) && (link = list_pop(&acct->logins)) != NULL) {
		login = container_of(link, struct login, account_link);
		login_account_ready(login);
	}
}

void
account_pause(struct account *acct)
{
	acct->state = ACCOUNT_WAITING;
}

void
account_resume(struct account *acct)
{
	acct->state = ACCOUNT_RESIDENT;
	let_in(acct);
	account_consider_leaving(acct);
}

void
account_load_failed(struct account *acct, int error)
{
	struct list *link;

	log_at(acct->shard->server->log, server_level_of(error), "an account could not be read",
		F_TEXT("account", acct->jid.full), F_STR("error", strerror(-error)));
	acct->state = ACCOUNT_RESIDENT;
	acct->exists = false;
	call_waiters(acct, error);
	while ((link = list_pop(&acct->logins)) != NULL)
		login_end(container_of(link, struct login, account_link),
			STREAM_INTERNAL_SERVER_ERROR, NULL);
	while ((link = list_pop(&acct->letters)) != NULL) {
		struct letter *letter = container_of(link, struct letter, link);
		struct stanza st;

		if (letter_open(letter, acct->shard, &st))
			route_bounce(acct->shard, &st, INTERNAL_SERVER_ERROR, NULL, NULL);
		letter_destroy(&letter);
	}
	account_consider_leaving(acct);
}

struct store_txn *
txn_begin(struct account *acct)
{
	return store_txn_create(acct->shard->server->store, acct->jid.full);
}

unsigned
account_table(const struct account *acct, const struct module *module, unsigned store)
{
	return server_module(acct->shard->server, module)->first_table + store;
}

unsigned
account_tokens_table(const struct account *acct)
{
	return acct->shard->server->tables[CORE_TOKENS];
}

void
account_queue(struct account *acct, const struct stanza *st)
{
	struct letter *letter = letter_create(st, NULL, 0);

	if (acct->letter_bytes + letter->size > LIMIT_ACCOUNT_QUEUE) {
		letter_destroy(&letter);
		route_bounce(acct->shard, st, RESOURCE_CONSTRAINT,
			"Too much waits for this user at the moment; try again", NULL);
		return;
	}
	acct->letter_bytes += letter->size;
	list_append(&acct->letters, &letter->link);
	if (acct->letter_bytes > LIMIT_ACCOUNT_QUEUE / 2)
		pressure_hold(acct->shard, &acct->holding, &st->from);
}

void
account_wait(struct account *acct, struct login *login)
{
	timer_stop(acct->shard->loop, &acct->idle);
	if (account_is_ready(acct)) {
		login_account_ready(login);
		account_consider_leaving(acct); /* it may have been refused */
	} else {
		list_append(&acct->logins, &login->account_link);
	}
}

void
account_add_session(struct account *acct, struct session *s)
{
	timer_stop(acct->shard->loop, &acct->idle);
	list_append(&acct->sessions, &s->link);
	acct->session_count++;
	acct->is_settled = false;
}

/* XEP-0175: what an anonymous user leaves behind is for nobody. */
static void
end_anonymous(struct account *acct)
{
	struct store_txn *txn = txn_begin(acct);

	subscription_run_close(acct); /* its rows go with all others */
	acct->exists = false;
	store_txn_owner_delete(txn);
	account_commit(acct, txn, NULL, NULL);
}

void
account_remove_session(struct account *acct, struct session *s)
{
	list_remove(&s->link);
	acct->session_count--;
	iq_forget_session(acct->iq, s);
	if (acct->is_anonymous && acct->session_count == 0)
		end_anonymous(acct);
	account_consider_leaving(acct);
}

void
account_end_all(struct account *acct, const char *why)
{
	struct session *s;

	LIST_EACH (s, &acct->sessions, struct session, link)
		session_end(s, STREAM_NOT_AUTHORIZED, why);
	login_end_user(acct->shard, acct->jid.full, why);
	/* At once, not after the while that it was to stay: there may soon be a new one. */
	timer_stop(acct->shard->loop, &acct->idle);
	account_consider_leaving(acct);
}

void
account_forget_absent(struct shard *shard, struct slice bare)
{
	struct account *acct = account_find(shard, bare);

	if (acct != NULL && !acct->exists && timer_is_running(&acct->idle))
		account_destroy(acct);
}

const struct jid *
account_jid(const struct account *acct)
{
	return &acct->jid;
}

bool
account_is_anonymous(const struct account *acct)
{
	return acct->is_anonymous;
}

struct shard *
account_shard(const struct account *acct)
{
	return acct->shard;
}

struct host *
account_host(const struct account *acct)
{
	return acct->host;
}

size_t
account_roster_most(const struct account *acct)
{
	return acct->shard->server->core->server->roster_items;
}

struct roster *
account_roster(struct account *acct)
{
	return &acct->roster;
}

bool
account_exists(const struct account *acct)
{
	return acct->exists;
}

bool
account_is_available(const struct account *acct)
{
	const struct session *s = account_sessions(acct);

	while (s != NULL && !s->is_available)
		s = session_next(s);
	return s != NULL;
}

struct arena *
account_scratch(struct account *acct)
{
	return &acct->shard->scratch;
}

int64_t
account_wall_ms(const struct account *acct)
{
	return loop_wall_ms(acct->shard->loop);
}

bool
account_is_seen_by(struct account *acct, const struct jid *jid)
{
	const struct contact *c;

	if (jid_same_bare(&acct->jid, jid))
		return true;
	c = roster_find(&acct->roster, jid_bare(jid));
	return c != NULL && (c->subscription & SUBSCRIPTION_FROM) != 0;
}

bool
account_is_contact(struct account *acct, const struct jid *jid)
{
	return roster_find(&acct->roster, jid_bare(jid)) != NULL;
}

struct session *
account_sessions(const struct account *acct)
{
	struct list *first = acct->sessions.next;

	return first == &acct->sessions ? NULL : container_of(first, struct session, link);
}

struct session *
session_next(const struct session *s)
{
	struct list *next = s->link.next;

	return next == &s->account->sessions ? NULL : container_of(next, struct session, link);
}

struct session *
account_session(const struct account *acct, struct slice resource)
{
	struct session *s = resource.len == 0 ? NULL : account_sessions(acct);

	while (s != NULL && !slice_is(jid_resource(&s->jid), resource))
		s = session_next(s);
	return s;
}

void *
account_state(struct account *acct, const struct module *module)
{
	return acct->states + server_module(acct->shard->server, module)->account_offset;
}
