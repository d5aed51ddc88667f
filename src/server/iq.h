/*
 * IQ requests to the server itself, to accounts, and to hosts: a table leads (type, scope,
 * payload) to exactly one handler, which answers by exactly one of the functions
 * below. What nobody handles is answered by the core (RFC 6120, 8.4).
 */
#ifndef SERVER_IQ_H
#define SERVER_IQ_H

#include "proto/codec.h"
#include "proto/stanza.h"

struct account;
struct host;
struct login;
struct session;
struct shard;
struct store_batch;
struct store_txn;
struct module;

enum iq_type { IQ_GET, IQ_SET };

enum iq_scope {
	TO_HOST,        /* to a domain that this server serves */
	TO_SELF,        /* to one's own account: no 'to', or the sender's own bare address */
	BEFORE_SIGN_IN, /* to the host, by who is not signed in yet (newcomer.h) */
	TO_ACCOUNT,     /* to the bare address of an account, by anyone, its owner too */
};

struct iq {
	struct stanza st;              /* the request; lives as long as the iq */
	struct host *host;             /* the host that is asked, or the account's */
	struct account *account;       /* the account that is asked; NULL for TO_HOST */
	struct session *session;       /* of the asking user when TO_SELF; else NULL */
	struct login *login;           /* who asks, when BEFORE_SIGN_IN and still there */
	struct arena *arena;           /* the request's; feature code frees nothing */
	const struct payload *payload; /* what the request's child is */
	const void *data;              /* the child as the payload's struct */
};

struct iq_route {
	enum iq_type type;
	enum iq_scope scope;
	const struct payload *payload; /* NULL ends a table */
	void (*handle)(struct iq *iq);
};

/* The time on this shard, as people see it, and for how long the server has been running. */
int64_t iq_wall_ms(struct iq *iq);
uint64_t iq_uptime_ms(struct iq *iq);

/* The request's data; payload must be the one of the route. */
const void *iq_data(const struct iq *iq, const struct payload *payload);

/* Answers with a result; payload may be NULL: empty. The iq is gone afterwards. */
void iq_result(struct iq *iq, const struct payload *payload, const void *data);

/* Answers with a result that has this element, as a codec once wrote it, in it. */
void iq_result_xml(struct iq *iq, struct slice xml);

/* Answers with an error; text NULL: the condition's own. The iq is gone afterwards. */
void iq_error(struct iq *iq, enum stanza_condition condition, const char *text);

/* The same with an application-specific condition, which may be NULL (RFC 6120, 8.3.4). */
void iq_refuse(struct iq *iq, enum stanza_condition condition, const char *text,
	const struct payload *detail);

/* iq_error with the code of XEP-0086 beside the condition, for protocols that ask for it. */
void iq_error_coded(struct iq *iq, enum stanza_condition condition, const char *text);

/*
 * A request to a host by a session of ours becomes one of its account: iq->account and iq->session
 * are set. False: who asks is not signed in here, or its account is busy.
 */
bool iq_take_sender(struct iq *iq);

/*
 * Until the answer the account is paused, and iq->session becomes NULL when the session ends.
 * For handlers that wait for something else than iq_commit.
 */
void iq_hold(struct iq *iq);

/* Where the request is handled, and must be answered. */
struct shard *iq_shard(struct iq *iq);

/*
 * Commits the transaction, then calls saved, which answers. Until then the account is paused: its
 * further stanzas wait in order (RFC 6120, 10.1). If the commit fails the core answers with the
 * right error and saved is never called.
 */
void iq_commit(struct iq *iq, struct store_txn *txn, void (*saved)(struct iq *iq));

/*
 * Reads what the batch (of batch_begin) asks for, then calls got, which answers. Meanwhile the
 * account is paused. If it cannot be read the core answers and got is never called.
 */
void iq_fetch(struct iq *iq, struct store_batch *batch,
	void (*got)(struct iq *iq, const struct store_batch *batch));

#endif
