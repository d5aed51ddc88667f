/* What the files of a login share: the stream (login.c), SASL (login_sasl.c), binding. */
#ifndef SERVER_LOGIN_INTERNAL_H
#define SERVER_LOGIN_INTERNAL_H

#include "base/list.h"
#include "io/timer.h"
#include "io/worker.h"
#include "proto/sasl_server.h"
#include "proto/stream.h"
#include "server/login.h"

struct account;
struct credentials_query;
struct host;
struct iq;
struct sasl2;
struct session;

struct login {
	struct list link;         /* in shard.logins */
	struct list account_link; /* in account.logins, while it waits for the account */
	struct shard *shard;
	struct conn *conn;
	struct stream stream;
	struct timer timer;                /* the deadline, or that of the handshake */
	uint64_t until_ms;                 /* by then the resource is bound */
	struct timer delay;                /* of an answer or a turn, after too many failures */
	struct task task;                  /* of the move */
	struct shard *home;                /* where it moves to */
	void (*next)(struct login *login); /* when its turn came, or it moved */
	struct host *host;                 /* NULL until the header named it */
	struct arena arena;                /* of SASL and of the address */
	enum sasl_mechanism mechanism;     /* that SASL was begun with */
	struct slice mechanism_name;
	unsigned offered;                /* SASL_BIT()s that the stream was told last */
	struct slice message;            /* the client's last */
	struct sasl_server *sasl;        /* while SASL is under way */
	struct sasl_server_step step;    /* what the machine asked for last */
	struct jid claimed;              /* bare; whose password it says it knows */
	struct jid user;                 /* bare; after authentication. p NULL before */
	struct credentials_query *query; /* under way */
	struct slice lang;               /* of the stream's header; p NULL: it said none */
	struct scram_keys keys;          /* that SCRAM goes by; iterations 0: none */
	unsigned keys_age;               /* shard.password_changes when they were asked for */
	struct slice bind_id, resource;  /* what the client asked for while the account loads */
	struct slice previous;           /* the session to resume instead; p NULL: binds */
	uint32_t handled;                /* how many stanzas of that the client has */
	struct slice named;              /* bare, by the stream's header; p NULL: nobody */
	struct sasl2 *sasl2;        /* what else is asked for (XEP-0388); NULL: the older way */
	struct session *returns_to; /* the session while that is not ready; or NULL */
	struct iq *iq;              /* a request before sign-in that waits for its answer */
	unsigned failures;
	bool has_registered;                /* made an account */
	bool password_fits, account_exists; /* PLAIN: what the check found out */
	bool has_header;                    /* ours was sent, on this stream */
	bool is_anonymous;
	bool waits;       /* further input stays unread */
	bool is_admitted; /* had its turn; see login_admit */
	bool is_moving;   /* the task of the move is posted */
	bool ended;       /* only waits for that task */
};

/* What happens next: its turn came, or it arrived on another shard. */
typedef void login_next(struct login *login);

/* SASL (RFC 6120, 6). */
/* False when the login is over. */
bool login_start_sasl(struct login *login, const struct stream_event *event);
void login_continue_sasl(struct login *login, const struct stream_event *event);
void login_abort_sasl(struct login *login);
unsigned login_mechanisms(const struct login *login);
/* The kinds of channel binding that are announced (XEP-0440); NULL at the end, or NULL: none. */
const char *const *login_bindings(const struct login *login);

/* A request before sign-in (login_iq.c). False when the login is over. */
bool login_take_iq(struct login *login, const struct stream_event *event);
/* The machine begins, with login->mechanism and login->message; it said what to do next; it goes.
 */
void login_begin_sasl(struct login *login);
void login_take_step(struct login *login, struct sasl_server_step step);
void login_end_sasl(struct login *login);
/* SASL may succeed now; NULL: the account went away. */
void login_account_found(struct login *login, struct account *acct);

/* Fetches what login->step asks for, on the shard of the account that it names (login_keys.c). */
void login_look_up(struct login *login);

/*
 * SASL failed, as login->step says or as told: it is counted, and answered after a delay if the
 * account had too many failures (login_penalty.c).
 */
void login_fail(struct login *login);
void login_refuse(struct login *login, enum sasl_condition condition, const char *text);

/*
 * Goes on to what tells the peer whether its password is right: at once, or when it is the turn
 * of this login among all of a network that fails too often; or refuses.
 */
void login_admit(struct login *login, login_next *next);

/* Binding (RFC 6120, 7). */
void login_bind(struct login *login, const struct stream_event *event);

/* Keys of the password, if they are right still, stay with the account. */
void login_keep_keys(const struct login *login, struct account *acct);

/* Brings the account into memory; login_account_ready follows. Nothing is read meanwhile. */
void login_await_account(struct login *login);

/*
 * Resuming (XEP-0198, 5; login_resume.c): the client asked for it; the account is there; and it
 * cannot be, so that the client may bind.
 */
void login_resume(struct login *login, const struct xml_token *element);
void login_resume_ready(struct login *login, struct account *acct);
void login_resume_failed(struct login *login);
/* The same for what was asked for with the sign-in. False: it cannot be. */
bool login_resume_session(struct login *login, struct account *acct);
/* It was: tells the client. */
void login_write_resumed(struct login *login, struct session *s);

/*
 * XEP-0388 (login_sasl2.c): keeps what is asked for; the password was right and the account is
 * there; the session to resume is not.
 */
void login_ask2(struct login *login, const struct xml_token *element);
void login_succeed2(struct login *login, struct account *acct);
void login_bind2(struct login *login, struct account *acct);
void login_begin_success2(struct login *login, const struct jid *jid);
/* The sign-in succeeded, and the stream goes on as it is. */
void login_authenticated2(struct login *login);
/* What can go with a sign-in. */
void login_write_inlined(struct login *login, struct buffer *out);

/* What is offered now; bound: the session, once there is one. */
void login_write_features(struct login *login, const struct session *bound);

/* Whether the account takes one more session, perhaps instead of one that is away. */
bool login_has_room(const struct login *login, struct account *acct);
/* A session takes the connection over. */
struct session *login_make_session(
	struct login *login, struct account *acct, struct slice resource);

/* At home: SASL succeeds when the account is there. */
void login_ask_account(struct login *login);

/* As login_refuse, when there was a user already. */
void login_refuse_user(struct login *login, enum sasl_condition condition, const char *text);

/* As login_end, with an element that says more. */
void login_end_with(struct login *login, enum stream_condition condition, const char *text,
	struct slice detail);

/* Stops reading, and reads on. */
void login_wait(struct login *login);
void login_continue(struct login *login);

/* Takes it to another shard, not within this call, and goes on there. Nothing is read meanwhile. */
void login_move(struct login *login, struct shard *home, login_next *next);

/* SASL succeeded for login->user. */
void login_authenticated(struct login *login);

/* The connection is the session's now; the login is freed. */
void login_hand_over(struct login *login);

#endif
