/* What a client asks for together with its sign-in (XEP-0388), and what became of it. */
#ifndef SERVER_LOGIN_SASL2_H
#define SERVER_LOGIN_SASL2_H

#include "server/session.h"
#include "server/tokens.h"

struct account;
struct login;
struct token_work;

enum { INLINE_WISHES = 16 };

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
	struct token_work *work; /* at the store, under way; or NULL */
};

/*
 * Signing in with a token (login_fast.c): reads what is asked for; begins, when the mechanism is
 * one for tokens; changes what is stored of them after a success, and goes on with login_finish2
 * (false: there was nothing to change); writes what it is told; forgets the login.
 */
void login_ask_fast(struct login *login, const struct xml_token *element);
void login_start_fast(struct login *login, enum ht_kind kind);
bool login_settle_tokens(struct login *login, struct account *acct);
void login_write_token(const struct login *login, struct buffer *out);
void login_forget_tokens(struct login *login);

/* All is well and nothing is under way any more: resumes or binds. */
void login_finish2(struct login *login, struct account *acct);

#endif
