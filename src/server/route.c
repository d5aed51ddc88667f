/* From an address to its home, and errors back. */
#include "server/route.h"

#include "server/account_internal.h"
#include "server/iq_internal.h"
#include "server/letter.h"
#include "server/revival.h"
#include "server/route_internal.h"
#include "server/subscription_run.h"
#include "server/trace.h"

#include <stdlib.h>

bool
stanza_wants_answer(const struct stanza *st)
{
	switch (st->type) {
	case TYPE_ERROR:
	case TYPE_RESULT:
		return false;
	case TYPE_AVAILABLE:
	case TYPE_UNAVAILABLE:
	case TYPE_PROBE:
	case TYPE_SUBSCRIBED:
	case TYPE_UNSUBSCRIBE:
	case TYPE_UNSUBSCRIBED:
		return false;
	default:
		return true;
	}
}

/* A bounce may be routed back here, but what would answer it is never made: it is an error. */
/* NOLINTBEGIN(misc-no-recursion) */
void
route_bounce(struct shard *shard, const struct stanza *st, enum stanza_condition condition,
	const char *text, const struct payload *detail)
{
	struct stanza error = {
		.kind = st->kind,
		.type = TYPE_ERROR,
		.id = st->id,
		.from = st->to,
		.to = st->from,
	};
	struct buffer content;

	if (!stanza_wants_answer(st))
		return;
	trace(shard, st, "a stanza goes back with an error",
		F_STR("why", text == NULL ? stanza_condition_name(condition) : text));
	shard_count(shard, METRIC_BOUNCES_TOTAL);
	buffer_init(&content, LIMIT_STORED_STANZA);
	stanza_error_write(&content, condition, text, detail == NULL ? NULL : detail->name,
		detail == NULL ? NULL : detail->ns);
	error.content = buffer_slice(&content);
	route(shard, &error);
	buffer_finish(&content);
}

bool
route_verdict(struct shard *shard, const struct stanza *st, struct verdict verdict)
{
	if (verdict.kind == VERDICT_DROP)
		trace(shard, st, "a stanza is dropped by a module", TRACE_NO_MORE);
	if (verdict.kind == VERDICT_HOLD)
		trace(shard, st, "a stanza is held back by a module", TRACE_NO_MORE);
	if (verdict.kind == VERDICT_BOUNCE)
		route_bounce(shard, st, verdict.condition, verdict.text, verdict.detail);
	return verdict.kind == VERDICT_PASS;
}

/* Whether the stanza matters to an account that nobody is signed in to. */
static bool
needs_account(const struct stanza *st)
{
	switch (st->kind) {
	case STANZA_MESSAGE:
		return st->type != TYPE_ERROR;
	case STANZA_IQ:
		return st->type == TYPE_GET || st->type == TYPE_SET;
	default:
		return st->type == TYPE_SUBSCRIBE || st->type == TYPE_SUBSCRIBED ||
		       st->type == TYPE_UNSUBSCRIBE || st->type == TYPE_UNSUBSCRIBED ||
		       st->type == TYPE_PROBE;
	}
}

/* The home of st->to is on this shard, and nothing is being delivered right now. */
static void
hand_over(struct shard *shard, struct host *host, struct stanza *st)
{
	struct account *acct;

	if (jid_local(&st->to).len == 0) {
		iq_to_host(shard, host, st);
		return;
	}
	acct = account_find(shard, jid_bare(&st->to));
	if (acct == NULL && !needs_account(st))
		return;
	if (acct == NULL)
		acct = account_load(shard, host, &st->to);
	if (account_is_ready(acct) || subscription_joins(acct, st, false))
		account_receive(acct, st);
	else
		account_queue(acct, st);
}

void
route(struct shard *shard, struct stanza *st)
{
	struct host *host = server_host(shard->server, jid_domain(&st->to));
	struct shard *home = shard;

	if (host == NULL) {
		/* A bounce of a bounce has no 'from' that we serve; it ends here. */
		if (server_host(shard->server, jid_domain(&st->from)) != NULL)
			route_bounce(shard, st, REMOTE_SERVER_NOT_FOUND,
				"This server does not federate yet; only its own domains can be "
				"reached",
				NULL);
		return;
	}
	if (jid_local(&st->to).len > 0)
		home = server_home(shard->server, jid_bare(&st->to));
	if (home != shard || shard->routing) {
		shard_count(shard, METRIC_LETTERS_TOTAL);
		letter_send(letter_create(st, NULL, 0), shard, home);
		return;
	}
	shard->routing = true;
	hand_over(shard, host, st);
	shard->routing = false;
}
/* NOLINTEND(misc-no-recursion) */

/* Nobody is there, which can be said without asking the account. */
static void
say_nobody_is_there(struct shard *shard, const struct stanza *probe, const struct jid *whom)
{
	struct stanza gone = {
		.kind = STANZA_PRESENCE,
		.type = TYPE_UNAVAILABLE,
		.from = jid_to_bare(whom),
		.to = probe->from,
	};

	route(shard, &gone);
}

/* One local recipient of a broadcast. */
static void
hand_over_copy(struct shard *shard, struct stanza *st, const struct jid *to)
{
	struct account *acct = account_find(shard, jid_bare(to));
	struct host *host = server_host(shard->server, jid_domain(to));

	if (acct == NULL && host != NULL && revival_awaits(shard, jid_bare(to)))
		acct = account_load(shard, host, to);
	if (acct == NULL) {
		/* Nobody is signed in, and presence is kept for nobody. */
		if (st->type == TYPE_PROBE && st->insists)
			say_nobody_is_there(shard, st, to);
		return;
	}
	/* That nobody is available is no news to who just came: silence says so, too. */
	if (st->type == TYPE_PROBE && !st->insists && account_is_ready(acct) &&
		!account_is_available(acct))
		return;
	st->to = *to;
	if (account_is_ready(acct))
		account_receive(acct, st);
	else
		account_queue(acct, st);
}

void
route_open(struct shard *shard, struct letter *letter)
{
	struct stanza st;

	if (!letter_open(letter, shard, &st)) {
		log_error(shard->server->log, "a letter could not be read; this is a bug of kithd",
			F_UINT("bytes", letter->bytes.len));
	} else if (letter->recipients == NULL) {
		route(shard, &st); /* a reload may have taken its host away meanwhile */
	} else {
		shard->routing = true;
		for (size_t i = 0; i < letter->recipient_count; i++)
			hand_over_copy(shard, &st, &letter->recipients[i]);
		shard->routing = false;
	}
	letter_destroy(&letter);
	arena_reset(&shard->scratch);
}

struct recipients {
	struct jid *v;
	size_t count;
};

static void
send_to_shard(
	struct shard *shard, struct stanza *st, struct shard *home, const struct recipients *to)
{
	if (to->count == 0)
		return;
	if (home != shard || shard->routing) {
		struct stanza blank = *st;

		/* The letter's bytes need some 'to'; each recipient puts its own over it. */
		blank.to = to->v[0];
		shard_count(shard, METRIC_LETTERS_TOTAL);
		letter_send(letter_create(&blank, to->v, to->count), shard, home);
		return;
	}
	shard->routing = true;
	for (size_t i = 0; i < to->count; i++)
		hand_over_copy(shard, st, &to->v[i]);
	shard->routing = false;
}

void
route_many(struct shard *shard, struct stanza *st, const struct jid *to, size_t count)
{
	struct server *server = shard->server;
	struct recipients *lists = xcalloc(server->shard_count, sizeof(*lists));
	struct jid *all = xcalloc(size_mul(count, server->shard_count), sizeof(*all));

	for (unsigned i = 0; i < server->shard_count; i++)
		lists[i].v = all + i * count;
	for (size_t i = 0; i < count; i++) {
		struct shard *home;

		if (server_host(server, jid_domain(&to[i])) == NULL || jid_local(&to[i]).len == 0)
			continue; /* remote contacts come with federation */
		home = server_home(server, jid_bare(&to[i]));
		lists[home->number].v[lists[home->number].count++] = to[i];
	}
	for (unsigned i = 0; i < server->shard_count; i++)
		send_to_shard(shard, st, server->shards[i], &lists[i]);
	free(all);
	free(lists);
}
