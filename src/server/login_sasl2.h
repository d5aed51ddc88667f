/* What a client asks for together with its sign-in (XEP-0388), and what became of it. */
#ifndef SERVER_LOGIN_SASL2_H
#define SERVER_LOGIN_SASL2_H

#include "proto/sasl.h"
#include "server/session.h"
#include "server/tokens.h"

struct account;
struct login;
struct login_work;
struct stream_event;
struct xml_token;

enum { INLINE_WISHES = 16 };

/* A task of XEP-0388, 2.6.3: none; the client was told of it; it has what it needs for it. */
enum task_state { TASK_NONE, TASK_OFFERED, TASK_BEGUN };

/* Lives in the login's arena. */
struct sasl2 {
	bool resumes; /* XEP-0198: login->previous says what */
	bool has_failed_to_resume;
	bool binds; /* XEP-0386 */
	struct slice tag;
	struct inline_wish wanted[INLINE_WISHES];
	size_t wanted_count;
	struct slice agent; /* which of its installations the client is; p NULL: it did not say */
	struct slice software, device;

	/* XEP-0484. */
	bool uses_token, invalidates, has_count;
	uint64_t count;           /* which use of its token that is, as the client counts */
	enum ht_kind wants_token; /* HT_KINDS: it does not */
	enum ht_kind kind;        /* of the token that it uses */
	struct slice proof;
	struct slice row;            /* of this client, as it was read; p NULL: there is none */
	struct client_tokens tokens; /* what it says */
	const struct token *used;    /* of these, the one that it knows; or NULL */
	struct slice secret;         /* of a new one that it is told; p NULL: none */
	int64_t until_s;
	struct login_work *work; /* at the store, under way; or NULL */

	/* XEP-0480. */
	unsigned upgrades;    /* bits of enum scram_hash: asked for, and perhaps to do */
	enum task_state task; /* for the hash upgrade */
	enum scram_hash upgrade;
	struct slice credentials; /* of the account, as they were read before the task */
	unsigned char salt[SCRAM_SALT_BYTES];
};

/*
 * A question to the store, which outlives the login: what is begun waits; the end is NULL when the
 * login is over.
 */
struct login_work *login_begin_work(struct login *login);
struct login *login_end_work(struct login_work *work);
void login_forget_work(struct login *login);
/* The login, or NULL when it is over; the work goes on. */
struct login *login_of_work(const struct login_work *work);

/*
 * Signing in with a token (login_fast.c): reads what is asked for; begins, when the mechanism is
 * one for tokens; changes what is stored of them after a success, and goes on with login_finish2
 * (false: there was nothing to change); writes what it is told.
 */
void login_ask_fast(struct login *login, const struct xml_token *element);
void login_start_fast(struct login *login, enum ht_kind kind);
bool login_settle_tokens(struct login *login, struct account *acct);
void login_write_token(const struct login *login, struct buffer *out);
/*
 * Early data of TLS: whether the event may come so, always true for what comes later; and whether
 * the beginning of a sign-in is one that nobody can repeat.
 */
bool login_may_be_early(const struct login *login, const struct stream_event *event);
bool login_is_counted(const struct login *login, struct slice mechanism);

/*
 * Keys for other hashes (login_upgrade.c): tells which; reads what is asked for; begins after a
 * success, and comes back to login_succeed2 (false: there is nothing to do); takes what the client
 * says of it.
 */
void login_write_upgrades(struct buffer *out);
void login_ask_upgrades(struct login *login, const struct xml_token *element);
bool login_start_upgrade(struct login *login, struct account *acct);
bool login_is_in_task(const struct login *login);
void login_refuse_task(struct login *login, enum sasl_condition condition, const char *why);
void login_take_task(struct login *login, const struct stream_event *event);

/* All is well and nothing is under way any more: resumes or binds. */
void login_finish2(struct login *login, struct account *acct);

#endif
